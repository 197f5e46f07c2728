"""HTTP/3 through a HAProxy with QUIC: the page and the API; WebSockets stay on HTTP/2 and 1.1."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.api.site import Api, settings_of
from tests.browser.conftest import chromium
from tests.browser.window import Window
from tests.front.asking import ask
from tests.front.certificates import Certificates
from tests.front.conftest import StartCluster
from tests.front.http3 import http3
from tests.support import logs
from tests.support.client import ChatClient
from tests.support.cluster import NO_LIMITS
from tests.support.haproxy import Haproxy, later_binary, servers_file
from tests.support.redis_server import RedisServer
from tests.support.tokens import token
from tests.support.waiting import until

pytestmark = pytest.mark.slow

MESSAGES = "/api/v1/rooms/lobby/messages"


class Site(NamedTuple):
    """A worker and the HTTP side; fronts for them are made by `front`."""

    worker: str
    api: str
    certificates: Certificates

    def front(self, **front: Any) -> Haproxy:
        """Return a HAProxy with QUIC, not started yet."""
        if (program := later_binary()) is None:
            pytest.skip("no HAProxy with QUIC: make later-haproxy")
        folder = logs.new_directory()
        return Haproxy(
            folder,
            servers_file(folder, [self.worker], [self.api]),
            self.certificates.folder,
            program=program,
            api_check="/api/v1/health",
            **front,
        )


@pytest.fixture
async def site(
    redis_server: RedisServer,
    redis_prefix: str,
    cluster: StartCluster,
    certificates: Certificates,
) -> AsyncIterator[Site]:
    """A worker and the HTTP side of one cluster."""
    own = {"trusted_proxies": "127.0.0.1", **NO_LIMITS}
    worker = (await cluster(1, **own))[0]
    api = Api(settings_of(redis_server, redis_prefix, **own))
    await api.start()
    yield Site(f"127.0.0.1:{worker.port}", f"127.0.0.1:{api.port}", certificates)
    await api.close()


async def test_the_api_is_used_over_http_3_and_a_reload_is_not_noticed(site: Site) -> None:
    bearer = {"authorization": f"Bearer {token('ann')}"}
    typed = bearer | {"content-type": "application/json"}
    async with (
        # An old process may close a connection on which nothing happens: not in this one.
        site.front(close_spread="infinite") as front,
        http3(front.port, site.certificates.authority) as client,
    ):
        tls = site.certificates.client()
        ben = await ChatClient.connect(front.url, token("ben"), ssl=tls)
        await ben.join("lobby")
        for content in ("before", "after"):
            body = json.dumps({"content": content}).encode()
            posted = await client.ask(MESSAGES, method="POST", headers=typed, body=body)
            assert posted.status == 201, posted
            assert posted.headers["strict-transport-security"] == "max-age=31536000"
            assert (await ben.wait_for("chat_message"))["content"] == content
            await front.reload()
        assert (await client.ask("/metrics")).status == 404
        assert not client.takes_websockets  # from when on it does, browsers may have them there
        async with http3(front.port, site.certificates.authority) as another:  # the new process
            read = json.loads(
                (await another.ask("/api/v1/rooms/lobby/history", headers=bearer)).body
            )
            assert [one["content"] for one in read["messages"]] == ["before", "after"]
        told = await ask(front.port, "/", tls=tls)
        assert told.headers["alt-svc"] == f'h3=":{front.port}"; ma=3600'
        await ben.close()


async def test_connections_over_quic_count_for_their_address(site: Site) -> None:
    async with (
        site.front(address_connections=1) as front,
        http3(front.port, site.certificates.authority) as first,
    ):
        assert (await first.ask("/api/v1/health")).status == 200
        with pytest.raises(ConnectionError):
            async with http3(front.port, site.certificates.authority) as second:
                await second.ask("/api/v1/health")
        assert (await first.ask("/api/v1/health")).status == 200


async def test_http_3_can_be_switched_off(site: Site) -> None:
    async with site.front(http3="off") as front:
        told = await ask(front.port, "/", tls=site.certificates.client())
        assert told.status == 200
        assert "alt-svc" not in told.headers
        with pytest.raises(ConnectionError):
            async with http3(front.port, site.certificates.authority):
                pass


@pytest.mark.browser
async def test_a_browser_has_the_page_over_http_3_and_chats(site: Site) -> None:
    certificate = x509.load_pem_x509_certificate(
        (site.certificates.folder / "chat.pem").read_bytes()
    )
    spki = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    async with site.front() as front:
        origin = f"127.0.0.1:{front.port}"
        believing = (
            f"--ignore-certificate-errors-spki-list={b64encode(sha256(spki).digest()).decode()}",
            f"--origin-to-force-quic-on={origin}",
        )
        async with chromium(*believing, quic=True) as browser:
            page = await browser.new_page()
            window = Window(page, f"https://{origin}/")
            await window.enter("Ann", "lobby", token("ann"))
            await window.say("over UDP, almost")
            await until(window.texts, what="the message")
            protocols = await page.evaluate(
                "[...new Set(performance.getEntriesByType('resource').map(e => e.nextHopProtocol))]"
            )
            assert protocols == ["h3"]
            assert window.faults == []

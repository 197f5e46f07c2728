"""What a client gets at the TLS port."""

import asyncio
import os
import signal
import socket
import ssl
import subprocess
from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.front.asking import ask
from tests.front.backends import backends
from tests.front.certificates import Certificates, make_certificates
from tests.front.conftest import Front, StartHaproxy
from tests.support import logs
from tests.support.haproxy import Haproxy, servers_file
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(180)


def handshake(
    haproxy: Haproxy, context: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> tuple[ssl.SSLSession | None, bool | None]:
    """Ask for something small; return the session to resume, and whether this one was resumed."""
    sock = socket.create_connection(("127.0.0.1", haproxy.port), timeout=30)
    with context.wrap_socket(sock, server_hostname="127.0.0.1", session=session) as tls:
        tls.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        while tls.recv(4096):  # TLS 1.3 sends its tickets behind the handshake
            pass
        return tls.session, tls.session_reused


def only(context: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    """Let a client speak one version alone."""
    context.minimum_version = context.maximum_version = version
    return context


VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_that_comes_back_resumes_its_session(
    front: Front, version: ssl.TLSVersion
) -> None:
    context = only(front.certificates.client(), version)
    session, resumed = handshake(front.haproxy, context)
    assert not resumed
    _, resumed = handshake(front.haproxy, context, session)
    assert resumed


async def test_two_fronts_with_the_same_ticket_keys_resume_each_others_sessions(
    start_haproxy: StartHaproxy, certificates: Certificates, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    keys.write_text("".join(f"{b64encode(os.urandom(80)).decode()}\n" for _ in range(3)))
    options = {"https_options": f"tls-ticket-keys {keys}"}
    async with backends(["127.0.1.1"]) as port:
        one, other = [await start_haproxy([f"127.0.1.1:{port}"], **options) for _ in range(2)]
        context = certificates.client()
        session, _ = await asyncio.to_thread(handshake, one, context)
        _, resumed = await asyncio.to_thread(handshake, other, context, session)
        assert resumed


def test_tls_before_1_2_is_refused(front: Front) -> None:
    context = front.certificates.client()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        only(context, ssl.TLSVersion.TLSv1_1)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(front.haproxy, context)


@pytest.mark.parametrize("cipher", ["AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256"])
def test_ciphers_without_forward_secrecy_or_authentication_of_data_are_refused(
    front: Front, cipher: str
) -> None:
    context = only(front.certificates.client(), ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(f"{cipher}:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(front.haproxy, context)


@pytest.mark.parametrize("offered", [["h2", "http/1.1"], ["http/1.1"]])
def test_alpn_prefers_http_2(front: Front, offered: list[str]) -> None:
    context = front.certificates.client()
    context.set_alpn_protocols(offered)
    sock = socket.create_connection(("127.0.0.1", front.haproxy.port), timeout=30)
    with context.wrap_socket(sock, server_hostname="127.0.0.1") as tls:
        assert tls.selected_alpn_protocol() == offered[0]


def test_an_ocsp_response_beside_the_certificate_is_stapled(front: Front) -> None:
    said = subprocess.run(
        [
            *("openssl", "s_client", "-connect", f"127.0.0.1:{front.haproxy.port}", "-status"),
            *("-CAfile", str(front.certificates.authority)),
        ],
        check=True,
        input="",
        capture_output=True,
        text=True,
        timeout=20,
    ).stdout
    assert "OCSP Response Status: successful" in said
    assert "Cert Status: good" in said


async def test_every_answer_asks_for_tls_in_future(front: Front) -> None:
    tls = front.certificates.client()
    for path in ("/", "/readyz", "/nothing"):
        answer = await ask(front.haproxy.port, path, tls=tls)
        assert answer.headers["strict-transport-security"] == "max-age=31536000", path


async def test_a_renewed_certificate_is_served_after_a_reload_and_a_broken_one_changes_nothing(
    tmp_path: Path,
) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    old, new = (make_certificates(tmp_path / name) for name in ("old", "new"))
    folder = logs.new_directory()
    async with backends(["127.0.1.1"]) as port:
        servers = servers_file(folder, [f"127.0.1.1:{port}"])
        async with Haproxy(folder, servers, old.folder) as haproxy:

            async def is_trusted_by(client: ssl.SSLContext) -> bool:
                try:
                    await asyncio.to_thread(handshake, haproxy, client)
                except ssl.SSLCertVerificationError:
                    return False
                return True

            async def reload_until(condition: Callable[[], Awaitable[bool]]) -> None:
                """A master that is about to start itself anew does not hear the signal."""

                async def reloaded() -> bool:
                    haproxy.signal(signal.SIGUSR2)
                    await asyncio.sleep(0.5)
                    return await condition()

                await until(reloaded, 40.0, what="a reload")

            async def complains() -> bool:
                return "[ALERT]" in haproxy.log()

            (old.folder / "chat.pem").write_text("no certificate")
            await reload_until(complains)
            assert await is_trusted_by(old.client())
            (old.folder / "chat.pem").write_bytes((new.folder / "chat.pem").read_bytes())
            await reload_until(lambda: is_trusted_by(new.client()))

"""Which request goes where, what the workers hear of the client, and what the log keeps."""

import asyncio
import json

import pytest
from websockets.exceptions import InvalidStatus

from tests.front.asking import ask
from tests.front.conftest import Front, StartFront, addresses
from tests.front.hanging_up import hang_up
from tests.support.waiting import until


async def test_the_page_comes_through_and_the_websocket_chats(front: Front) -> None:
    tls = front.certificates.client()
    page = await ask(front.haproxy.port, "/", tls=tls)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    async with await front.connect("ann") as ann, await front.connect("bob") as bob:
        await ann.join("lobby")
        await bob.join("lobby")
        await ann.say("lobby", "hello")
        assert (await bob.wait_for("chat_message"))["content"] == "hello"


@pytest.mark.parametrize(
    "path", ["/readyz", "/healthz", "/metrics", "//metrics", "/metrics/", "/readyz/x", "/readyz?x"]
)
async def test_operations_endpoints_are_not_there_from_outside(front: Front, path: str) -> None:
    answer = await ask(front.haproxy.port, path, tls=front.certificates.client())
    assert answer.status == 404
    assert answer.body == "There is nothing here.\n"


async def test_it_is_no_proxy_to_elsewhere(front: Front) -> None:
    tls = front.certificates.client()
    there = "192.0.2.1:443"
    answer = await ask(
        front.haproxy.port, there, tls=tls, method="CONNECT", headers={"Host": there}
    )
    assert answer.status == 405


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("chat.test", "https://chat.test"),
        ("chat.test:80", "https://chat.test"),
        ("[::1]:80", "https://[::1]"),
    ],
)
async def test_plain_http_is_sent_to_tls(front: Front, host: str, target: str) -> None:
    answer = await ask(front.haproxy.http_port, "/a?b=c", tls=None, headers={"Host": host})
    assert (answer.status, answer.headers["location"]) == (308, f"{target}/a?b=c")


async def test_a_client_cannot_say_who_it_is(start_front: StartFront) -> None:
    """The budget per address of a real worker shows whom it takes a client for."""
    front = await start_front(1, address_connects_per_s=0.01, address_connects_burst=2)
    opened = []
    for number in range(2):
        spoofed = {"X-Forwarded-For": f"198.51.100.{number}"}
        opened.append(await front.connect("ann", headers=spoofed))
    with pytest.raises(InvalidStatus) as refused:
        await front.connect("ann", headers={"X-Forwarded-For": "198.51.100.9, 198.51.100.10"})
    assert refused.value.response.status_code == 429
    opened.append(await front.connect("ann", local_addr=("127.0.0.2", 0)))
    for client in opened:
        await client.close()


async def test_the_log_has_no_query_and_no_header(front: Front) -> None:
    tls = front.certificates.client()
    secret = "a-token-that-nobody-may-read"
    headers = {"Authorization": f"Bearer {secret}", "Referer": f"https://x/?token={secret}"}
    await ask(front.haproxy.port, f'/"quoted"?token={secret}', tls=tls, headers=headers)
    async with await front.connect("ann", f"?token={secret}&room=lobby"):
        pass

    def lines() -> list[dict[str, object]]:
        found = [json.loads(text) for text in front.haproxy.log().splitlines() if text[0] == "{"]
        return [line for line in found if line.get("path") in ('/"quoted"', "/ws")]

    await until(lambda: {line["path"] for line in lines()} == {'/"quoted"', "/ws"}, 30.0)
    assert secret not in front.haproxy.log()
    tunnel = next(line for line in lines() if line["path"] == "/ws" and line["status"] == 101)
    assert tunnel["client"] == "127.0.0.1"
    assert tunnel["server"] in addresses(front.cluster)


async def test_a_request_that_does_not_parse_is_logged_without_its_text(front: Front) -> None:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", front.haproxy.port, ssl=front.certificates.client()
    )
    writer.write(b"GET /ws?token=hidden-too HTTP/1.1\r\nbad header\r\n\r\n")
    assert b" 400 " in await reader.readline()
    await hang_up(writer)
    await until(lambda: '"error":"Success"' in front.haproxy.log(), 30.0)  # of the connection
    assert "hidden-too" not in front.haproxy.log()


async def test_the_inside_has_metrics_a_page_and_readiness(front: Front) -> None:
    port = front.haproxy.ops_port
    metrics = await ask(port, "/metrics", tls=None)
    assert metrics.status == 200
    first, _ = addresses(front.cluster)
    assert f'haproxy_server_status{{proxy="workers_any",server="{first}"' in metrics.body
    assert (await ask(port, "/stats", tls=None)).status == 200
    assert (await ask(port, "/readyz", tls=None)).status == 200
    assert (await ask(port, "/healthz", tls=None)).status == 200
    assert (await ask(port, "/", tls=None)).status == 404
    assert (await ask(front.haproxy.port, "/stats", tls=front.certificates.client())).status == 404

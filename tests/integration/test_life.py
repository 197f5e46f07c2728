"""Workers come, leave, are replaced and fill up; what they say about themselves is true."""

import asyncio
import itertools
import json
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidHandshake, InvalidStatus

from tests.integration.conftest import Connect
from tests.integration.talk import contents, heard, insist, insist_on_joining, of_type, said, seqs
from tests.support import http
from tests.support.client import ChatClient, ClosedError
from tests.support.cluster import NO_LIMITS, Cluster, Supervised
from tests.support.redis_server import RedisServer
from tests.support.tokens import token
from tests.support.waiting import until

StartCluster = Callable[..., Awaitable[Cluster]]


async def test_a_draining_worker_says_so_and_closes_with_1012(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(2, **NO_LIMITS)
    clients = [await connect(workers[0], f"user{n}", room) for n in range(5)]
    workers[0].signal(signal.SIGTERM)
    for client in clients:
        drain = await client.wait_for("drain", 30.0)
        assert drain["reconnectAfterMs"] >= 0
        assert drain["closesInMs"] >= 0
        assert (await client.wait_closed(30.0)).code == 1012
    assert await workers[0].wait_ended() == 0


async def test_publishes_under_way_are_acknowledged_before_the_drain_closes(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(2, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    ben = await connect(workers[1], "ben", room)
    workers[0].signal(signal.SIGTERM)
    with pytest.raises(ClosedError) as closed:
        await _publish_for_ever(ann, room)
    assert closed.value.code == 1012
    await ann.wait_closed()  # all that came before the close has been read
    acked = [ack["id"] for ack in of_type(ann, "ack")]
    assert acked == list(range(len(acked)))
    await workers[0].wait_ended()
    await said(ben, room, ["the end"])
    await heard(ben, room, "the end")
    stored = contents(ben.messages(room))
    assert stored[:-1] == [str(n) for n in acked]  # nothing is stored that was not acknowledged


async def _publish_for_ever(client: ChatClient, room: str) -> None:
    for n in itertools.count():
        await client.send(type="chat_message", id=n, roomId=room, content=str(n))
        await asyncio.sleep(0)


async def test_a_draining_worker_turns_unready_at_once(
    cluster: StartCluster, connect: Connect
) -> None:
    workers = await cluster(1, drain_timeout=40.0, close_timeout=20.0, **NO_LIMITS)
    ann = await connect(workers[0], "ann")
    ann.websocket.transport.pause_reading()  # keeps the drain waiting for its close frame
    workers[0].signal(signal.SIGTERM)

    async def draining() -> bool:
        answer = await http.get(workers[0].ops_port, "/readyz")
        return answer.status == 503 and "draining" in answer.body

    await until(draining, what="a red /readyz")
    ann.websocket.transport.resume_reading()
    assert (await ann.wait_closed()).code == 1012


async def test_a_client_that_does_not_close_cannot_hold_up_a_drain(
    cluster: StartCluster, connect: Connect
) -> None:
    workers = await cluster(1, drain_timeout=2.0, close_timeout=1.0, **NO_LIMITS)
    ann = await connect(workers[0], "ann")
    ann.websocket.transport.pause_reading()
    assert await workers[0].terminate(timeout_s=20.0) == 0
    ann.websocket.transport.resume_reading()
    await ann.wait_closed()


async def test_a_full_worker_refuses_and_goes_on_serving(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(1, max_connections=2, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    ben = await connect(workers[0], "ben", room)
    for _ in range(3):
        with pytest.raises(InvalidStatus) as refused:
            await ChatClient.connect(workers[0].url, token("cleo"))
        assert refused.value.response.status_code == 503
        assert int(refused.value.response.headers["Retry-After"]) > 0
    await said(ann, room, ["still serving"])
    await heard(ben, room, "still serving")
    metrics = (await http.get(workers[0].ops_port, "/metrics")).body
    assert 'chat_connections_refused_total{reason="full"} 3.0' in metrics
    await ben.close()

    async def let_in() -> bool:
        try:
            client = await ChatClient.connect(workers[0].url, token("cleo"))
        except InvalidStatus:
            return False
        await client.close()
        return True

    await until(let_in, what="a place after one has left")


async def test_the_operations_port_tells_what_is(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(1, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    ben = await connect(workers[0], "ben", room)
    await said(ann, room, ["1", "2", "3"])
    await heard(ben, room, "3")
    await ann.command("join_room", roomId="a b")
    ops = workers[0].ops_port
    assert (await http.get(ops, "/healthz")).status == 200
    ready = await http.get(ops, "/readyz")
    state = json.loads(ready.body)
    assert (ready.status, state["ready"], state["reasons"]) == (200, True, [])
    assert state["workers"][0]["state"] == "ready"
    metrics = dict(
        line.rsplit(" ", 1)
        for line in (await http.get(ops, "/metrics")).body.splitlines()
        if not line.startswith("#")
    )
    for name, value in {
        "chat_connections": 2,
        "chat_connections_opened_total": 2,
        "chat_rooms": 1,
        "chat_memberships": 2,
        "chat_published_messages_total": 3,
        "chat_deliveries_total": 6,
        "chat_publish_seconds_count": 3,
        "chat_delivery_seconds_count": 3,
        'chat_errors_total{code="invalid_room"}': 1,
        'chat_commands_total{type="chat_message"}': 3,
        'chat_redis_up{worker="0"}': 1,
        'chat_pubsub_deaf{worker="0"}': 0,
    }.items():
        assert float(metrics[name]) == value, f"{name} is {metrics[name]}"
    assert (await http.get(workers[0].port, "/metrics")).status == 404


async def test_the_client_port_says_whether_this_worker_is_ready(
    cluster: StartCluster, fresh_redis: RedisServer
) -> None:
    """What a balancer asks the very worker it would choose: a status, and no reasons."""
    workers = await cluster(
        1, redis=fresh_redis, redis_timeout=0.5, redis_probe_interval=0.2, redis_probe_timeout=0.5
    )

    async def answer_with(status: int) -> http.Response | None:
        answer = await http.get(workers[0].port, "/readyz")
        return answer if answer.status == status else None

    assert (await until(lambda: answer_with(200))).body == "ready\n"
    fresh_redis.stop()
    assert (await until(lambda: answer_with(503))).body == "not ready\n"


async def test_a_page_is_served_beside_the_websocket(pair: Cluster) -> None:
    page = await http.get(pair[0].port, "/")
    assert page.status == 200
    assert "text/html" in page.headers["content-type"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert (await http.get(pair[0].port, "/nothing")).status == 404
    assert (await http.get(pair[0].port, "/static/../settings.py")).status == 404


async def test_local_tokens_are_given_in_local_mode_only_and_to_this_machine_only(
    pair: Cluster, cluster: StartCluster, room: str
) -> None:
    assert (await http.get(pair[0].port, "/local/token?user=ann")).status == 404
    workers = await cluster(1, local_mode=True, **NO_LIMITS)
    port = workers[0].port
    answer = await http.get(port, "/local/token?user=ann")
    given = json.loads(answer.body)
    async with await ChatClient.connect(workers[0].url, given["token"]) as ann:
        assert ann.connected["userId"] == "ann"
        assert ann.connected["expiresAt"] == pytest.approx(given["expiresAt"], abs=2000)
        await ann.join(room)
        assert (await ann.say(room, "x"))["type"] == "ack"
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        refused = await _get_with(port, "/local/token?user=ann", headers)
        assert refused.startswith("HTTP/1.1 403"), headers
        assert "token" not in refused.partition("\r\n\r\n")[2].lower() or "given" in refused
    for query in ("", "?user=", "?user=a&user=b", f"?user={'x' * 65}"):
        assert (await http.get(port, f"/local/token{query}")).status == 400


async def _get_with(port: int, path: str, headers: dict[str, str]) -> str:
    """A GET whose Host is ours to choose."""
    headers = {"Host": f"127.0.0.1:{port}", "Connection": "close"} | headers
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {text}" for name, text in headers.items())]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join([*lines, "", ""]).encode())
    async with asyncio.timeout(30.0):
        answer = await reader.read(-1)
    writer.close()
    return answer.decode()


@pytest.mark.slow
async def test_replacing_all_workers_loses_no_message(
    redis_server: RedisServer, redis_prefix: str, room: str
) -> None:
    settings: dict[str, Any] = {"drain_timeout": 5.0, **NO_LIMITS}
    async with Supervised(redis_server, 2, redis_prefix=redis_prefix, **settings) as up:
        over = asyncio.Event()
        written: list[str] = []
        closes: list[int] = []
        reader = asyncio.create_task(_read_through_drains(up.url, room, closes))
        writer = asyncio.create_task(_write_through_drains(up.url, room, written, over, closes))
        await until(lambda: len(written) >= 20, 30.0)
        await up.hup()
        over.set()
        await asyncio.wait_for(writer, 30.0)
        read = await asyncio.wait_for(reader, 30.0)
    assert read == written
    assert len(closes) >= 2  # both were on a worker that left
    assert set(closes) == {1012}


async def _write_through_drains(
    url: str, room: str, written: list[str], over: asyncio.Event, closes: list[int]
) -> None:
    """Publish 0, 1, 2 … and go on elsewhere when closed; when it is over, a last word."""
    while not written or written[-1] != "last":
        client = await _reconnect(url, "writer")
        try:
            await insist_on_joining(client, room)
            while not written or written[-1] != "last":
                text = "last" if over.is_set() else str(len(written))
                await insist(client, room, text)
                written.append(text)
        except ClosedError as closed:
            closes.append(closed.code)
        await client.close()


async def _read_through_drains(url: str, room: str, closes: list[int]) -> list[str]:
    """Read from the start of the room to the last word, resuming at each close."""
    position: tuple[str, int] | None = None
    read: list[str] = []
    while not read or read[-1] != "last":
        client = await _reconnect(url, "reader")
        try:
            answer = await insist_on_joining(client, room, position or ("none", 0))
            assert position is None or answer["recovered"] is True
            await client.wait_for(lambda event: event.get("content") == "last", 30.0)
        except ClosedError as closed:
            closes.append(closed.code)
        read += contents(client.messages(room))
        position = client.position(room) or position
        await client.close()
    return read


async def _reconnect(url: str, user: str) -> ChatClient:
    async with asyncio.timeout(30.0):
        while True:
            try:
                return await ChatClient.connect(url, token(user))
            except (OSError, InvalidHandshake, ClosedError):  # refused, or cut before an answer
                await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_a_second_start_on_the_same_data_still_has_the_history(
    tmp_path: Path, room: str
) -> None:
    arguments = ["--embedded-redis", "--data-dir", str(tmp_path / "data")]
    settings: dict[str, Any] = dict(NO_LIMITS)
    async with (
        Supervised(None, 1, arguments=arguments, **settings) as up,
        await ChatClient.connect(up.url, token("ann")) as ann,
    ):
        await insist_on_joining(ann, room)
        await said(ann, room, ["1", "2", "3"])
        await heard(ann, room, "3")
        position = ann.position(room)
    async with (
        Supervised(None, 1, arguments=arguments, **settings) as up,
        await ChatClient.connect(up.url, token("ann")) as ann,
    ):
        answer = await insist_on_joining(ann, room, position)
        assert (answer["seq"], answer["recovered"]) == (3, True)
        page = await ann.command("history", roomId=room)
        assert contents(page["messages"]) == ["1", "2", "3"]
        await said(ann, room, ["4"])
        await heard(ann, room, "4")
        assert seqs(ann, room) == [4]


@pytest.mark.slow
async def test_a_worker_that_died_under_the_supervisor_is_replaced_and_nobody_misses_a_thing(
    redis_server: RedisServer, redis_prefix: str, room: str
) -> None:
    settings: dict[str, Any] = dict(NO_LIMITS)
    async with Supervised(redis_server, 2, redis_prefix=redis_prefix, **settings) as up:
        clients = [await ChatClient.connect(up.url, token(f"user{n}")) for n in range(6)]
        for client in clients:
            await insist_on_joining(client, room)
        await said(clients[0], room, ["1"])
        for client in clients:
            await heard(client, room, "1")
        victim = min(up.worker_pids())
        os.kill(victim, signal.SIGKILL)
        await until(lambda: len(up.worker_pids() - {victim}) == 2, 30.0)
        back = []
        for n, client in enumerate(clients):
            position = client.position(room)
            await client.close()
            again = await _reconnect(up.url, f"user{n}")
            answer = await insist_on_joining(again, room, position)
            assert answer["recovered"] is True
            back.append(again)
        await insist(back[0], room, "2")
        for client in back:
            await heard(client, room, "2")
            assert seqs(client, room) == [2]
            await client.close()

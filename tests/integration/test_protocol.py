"""What a client may send and what it gets for it: a typed answer, and the connection lives."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.integration.conftest import Connect
from tests.integration.talk import contents, heard, of_type
from tests.support.client import ChatClient, ClosedError
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.tokens import token

StartCluster = Callable[..., Awaitable[Cluster]]

NOT_JOINED = ("leave_room", "chat_message", "typing", "history", "presence")

#: Text or bytes, and the code they must get. Each has `id` 7 if one can be read.
ZOO: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "malformed_json"),
    "not json": ("hello", "malformed_json"),
    "half of json": ('{"type":"ping"', "malformed_json"),
    "two values": ('{"type":"ping"}{"type":"ping"}', "malformed_json"),
    "nan": ('{"type":"typing","roomId":"r","isTyping":NaN}', "malformed_json"),
    "nul bytes": ("\0\0\0", "malformed_json"),
    "raw control character": ('{"type":"pi\nng"}', "malformed_json"),
    "deep arrays": ("[" * 8000, "invalid_message"),
    "deep objects": ('{"x":' * 3000, "too_deep"),
    "deep unknown field": (
        '{"type":"ping","x":' + "[" * 7000 + "]" * 7000 + "}",
        "too_deep",
    ),
    "an array": ("[]", "invalid_message"),
    "a number": ("17", "invalid_message"),
    "null": ("null", "invalid_message"),
    "a string": ('"ping"', "invalid_message"),
    "no type": ('{"id":7}', "unknown_type"),
    "unknown type": ('{"id":7,"type":"fly"}', "unknown_type"),
    "type of another type": ('{"id":7,"type":5}', "unknown_type"),
    "an event as a command": ('{"id":7,"type":"connected"}', "unknown_type"),
    "missing field": ('{"id":7,"type":"join_room"}', "invalid_message"),
    "field of another type": ('{"id":7,"type":"join_room","roomId":5}', "invalid_message"),
    "null field": ('{"id":7,"type":"join_room","roomId":null}', "invalid_message"),
    "id is an object": ('{"id":{},"type":"ping"}', "invalid_message"),
    "id is true": ('{"id":true,"type":"ping"}', "invalid_message"),
    "id is a fraction": ('{"id":1.5,"type":"ping"}', "invalid_message"),
    "id is too long": (json.dumps({"id": "x" * 65, "type": "ping"}), "invalid_message"),
    "id is huge": ('{"id":99999999999999999999999999,"type":"ping"}', "invalid_message"),
    "seq is huge": (
        '{"id":7,"type":"join_room","roomId":"r","since":{"epoch":"a","seq":1e400}}',
        "invalid_message",
    ),
    "seq beyond 2^53": (
        '{"id":7,"type":"join_room","roomId":"r","since":{"epoch":"a","seq":9007199254740992}}',
        "invalid_message",
    ),
    "seq of many digits": (
        '{"id":7,"type":"join_room","roomId":"r","since":{"epoch":"a","seq":' + "9" * 5000 + "}}",
        "invalid_message",
    ),
    "seq below zero": (
        '{"id":7,"type":"join_room","roomId":"r","since":{"epoch":"a","seq":-1}}',
        "invalid_message",
    ),
    "half a position": (
        '{"id":7,"type":"join_room","roomId":"r","since":{"seq":1}}',
        "invalid_message",
    ),
    "empty room id": ('{"id":7,"type":"join_room","roomId":""}', "invalid_message"),
    "long room id": (
        json.dumps({"id": 7, "type": "join_room", "roomId": "r" * 129}),
        "invalid_message",
    ),
    "room id with a space": ('{"id":7,"type":"join_room","roomId":"a b"}', "invalid_room"),
    "room id with braces": ('{"id":7,"type":"join_room","roomId":"{a}"}', "invalid_room"),
    "room id with a newline": ('{"id":7,"type":"join_room","roomId":"a\\n"}', "invalid_room"),
    "room id in Cyrillic": ('{"id":7,"type":"join_room","roomId":"комната"}', "invalid_room"),
    "history limit of 0": ('{"id":7,"type":"history","roomId":"r","limit":0}', "invalid_message"),
    "a lone surrogate": (
        '{"id":7,"type":"chat_message","roomId":"r","content":"\\ud800"}',
        "malformed_json",
    ),
    "binary": (b"\0\1\2", "binary_unsupported"),
    "binary json": (b'{"type":"ping"}', "binary_unsupported"),
}


@pytest.mark.parametrize(("data", "code"), ZOO.values(), ids=ZOO.keys())
async def test_garbage_gets_a_typed_error_and_the_connection_lives(
    pair: Cluster, connect: Connect, data: str | bytes, code: str
) -> None:
    client = await connect(pair[0], "ann")
    await client.send_raw(data)
    error = await client.wait_for("error")
    assert error["code"] == code, error
    assert error["message"]
    if isinstance(data, str) and '"id":7' in data and code != "malformed_json":
        assert error["id"] == 7
    assert (await client.command("ping"))["type"] == "pong"


@pytest.mark.parametrize("kind", NOT_JOINED)
async def test_a_room_one_has_not_joined_is_refused(
    pair: Cluster, connect: Connect, room: str, kind: str
) -> None:
    client = await connect(pair[0], "ann")
    answer = await client.command(kind, roomId=room, content="x")
    assert (answer["type"], answer["code"]) == ("error", "not_joined")


async def test_empty_and_too_long_content_is_refused(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(1, max_content_chars=10, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    assert (await ann.say(room, ""))["code"] == "invalid_message"
    assert (await ann.say(room, "x" * 11))["code"] == "content_too_long"
    assert (await ann.say(room, "\U0001f600" * 10))["type"] == "ack"


async def test_a_history_page_before_and_after_is_refused(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    answer = await ann.command("history", roomId=room, before=3, after=1)
    assert answer["code"] == "invalid_message"
    assert (await ann.command("presence", roomId=room, cursor="x"))["code"] == "invalid_message"


async def test_unknown_fields_are_ignored(pair: Cluster, connect: Connect, room: str) -> None:
    ann = await connect(pair[0], "ann")
    answer = await ann.command("join_room", roomId=room, theme="dark", since=None)
    assert answer["type"] == "room_joined"


@pytest.mark.parametrize("command_id", [0, -5, 2**53 - 1, "a string", "", "ü"])
async def test_an_id_comes_back_as_it_was(
    pair: Cluster, connect: Connect, command_id: int | str
) -> None:
    ann = await connect(pair[0], "ann")
    await ann.send(type="ping", id=command_id)
    assert (await ann.wait_for("pong"))["id"] == command_id


async def test_answers_come_in_the_order_of_the_commands(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    kinds = ["history", "ping", "presence", "typing", "ping", "history"]
    for n, kind in enumerate(kinds):
        await ann.send(type=kind, id=f"c{n}", roomId=room)
    await ann.wait_for(lambda event: event.get("id") == "c5")
    answered = [e["id"] for e in ann.received if str(e.get("id", "")).startswith("c")]
    assert answered == [f"c{n}" for n in range(len(kinds))]


async def test_too_many_rooms_are_refused(cluster: StartCluster, connect: Connect) -> None:
    workers = await cluster(1, max_rooms_per_connection=2, **NO_LIMITS)
    ann = await connect(workers[0], "ann", "r1")
    await ann.join("r2")
    assert (await ann.join("r3"))["code"] == "too_many_rooms"
    assert (await ann.join("r2"))["type"] == "room_joined"
    await ann.command("leave_room", roomId="r1")
    assert (await ann.join("r3"))["type"] == "room_joined"


async def test_repeated_abuse_closes_the_connection(
    cluster: StartCluster, connect: Connect
) -> None:
    workers = await cluster(1, max_errors_in_a_row=5, **NO_LIMITS)
    ann = await connect(workers[0], "ann")
    for _ in range(4):
        await ann.send_raw("garbage")
    assert (await ann.command("ping"))["type"] == "pong"  # an accepted one: counted afresh
    for _ in range(5):
        await ann.send_raw("garbage")
    assert (await ann.wait_closed()).code == 4000
    assert len(of_type(ann, "error")) == 9


async def test_a_message_beyond_the_limit_closes_with_1009(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    padding = " " * (16384 - len(json.dumps({"type": "ping", "id": 1})))
    await ann.send_raw(json.dumps({"type": "ping", "id": 1}) + padding)  # exactly the limit
    await ann.wait_for("pong")
    await ann.send_raw(" " * 16385)
    assert (await ann.wait_closed()).code == 1009


async def test_text_that_is_not_utf8_closes_with_1007(pair: Cluster, connect: Connect) -> None:
    ann = await connect(pair[0], "ann")
    await ann.websocket.send(b"\xff\xfe", text=True)
    assert (await ann.wait_closed()).code == 1007


async def test_a_fragmented_message_is_one_message(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    text = json.dumps({"type": "chat_message", "roomId": room, "content": "in pieces ü"})
    await ann.websocket.send(text[n : n + 7] for n in range(0, len(text), 7))
    await heard(ann, room, "in pieces ü")


async def test_a_flood_of_pings_closes_with_4103(cluster: StartCluster, connect: Connect) -> None:
    workers = await cluster(1, max_control_frames_per_s=20, **NO_LIMITS)
    ann = await connect(workers[0], "ann")
    with pytest.raises(ConnectionClosed):
        await _ping_for_ever(ann)
    assert (await ann.wait_closed()).code == 4103


async def _ping_for_ever(client: ChatClient) -> None:
    while True:
        await client.websocket.ping()
        await asyncio.sleep(0)


@pytest.mark.slow
async def test_who_does_not_answer_pings_is_closed_with_4201(
    cluster: StartCluster, connect: Connect
) -> None:
    workers = await cluster(1, ping_interval=1.0, ping_timeout=3.0, close_timeout=0.5, **NO_LIMITS)
    quiet = await connect(workers[0], "quiet")  # answers pings, as every library does
    reader, writer = await asyncio.open_connection("127.0.0.1", workers[0].port)
    writer.write(
        (
            "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Authorization: Bearer {token('dead')}\r\n\r\n"
        ).encode()
    )
    async with asyncio.timeout(30.0):
        everything = await reader.read(-1)
    writer.close()
    assert (4201).to_bytes(2, "big") in everything
    assert (await quiet.command("ping"))["type"] == "pong"


async def test_a_reader_that_stops_reading_is_closed_and_can_resume(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    bounds = {"max_outbound_bytes": 200_000, "outbound_high_water_bytes": 50_000}
    # The reader must hear why it is closed, however late all that was sent has arrived.
    workers = await cluster(1, close_timeout=60, **bounds, **NO_LIMITS)
    # Who writes reads all of it too, and on a busy machine no faster than it can.
    roomy = await cluster(1, max_outbound_bytes=50_000_000, **NO_LIMITS)
    writer = await connect(roomy[0], "writer", room)
    slow = await ChatClient.connect(workers[0].url, token("slow"), max_queue=1)
    joined = await slow.join(room)
    slow.websocket.transport.pause_reading()
    body = "x" * 8000
    for n in range(900):
        await writer.send(type="chat_message", roomId=room, content=f"{n} {body}")
    await heard(writer, room, f"899 {body}")
    slow.websocket.transport.resume_reading()
    assert (await slow.wait_closed()).code == 4200
    got = [message["seq"] for message in slow.messages(room)]
    assert got == list(range(1, len(got) + 1))
    assert len(got) < 900
    back = await connect(workers[0], "slow")
    answer = await back.join(room, slow.position(room) or (joined["epoch"], joined["seq"]))
    assert answer["recovered"] is True
    await heard(back, room, f"899 {body}")
    assert [m["seq"] for m in back.messages(room)] == list(range(len(got) + 1, 901))


async def test_compression_can_be_configured(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(1, compression=True, **NO_LIMITS)
    small = await ChatClient.connect(workers[0].url, token("small"), compression="deflate")
    plain = await connect(workers[0], "plain", room)
    await small.join(room)
    assert small.websocket.protocol.extensions
    for text in ("one " * 500, "two"):
        await small.say(room, text)
        await heard(plain, room, text)
        await heard(small, room, text)
    await small.close()


# ------------------------------------------------------------------ the seed's client


class SeedClient:
    """What the seed's sketch would send and read: its names, no ids, no subprotocol."""

    def __init__(self, client: ChatClient) -> None:
        self.client = client

    @classmethod
    async def open(cls, url: str, user: str) -> "SeedClient":
        headers = {"Authorization": f"Bearer {token(user)}"}
        client = await ChatClient.connect(url, subprotocols=(), headers=headers)
        assert client.websocket.subprotocol is None
        connected = await client.wait_for("connected")
        assert connected["connectionId"]
        assert connected["serverInfo"]
        return cls(client)

    async def send(self, kind: str, **fields: Any) -> None:
        await self.client.send(type=kind, **fields)


async def test_a_client_written_to_the_seed_just_works(pair: Cluster, room: str) -> None:
    ann = await SeedClient.open(pair[0].url, "ann")
    ben = await SeedClient.open(pair[1].url, "ben")
    for n, seed in enumerate((ann, ben), start=1):
        await seed.send("join_room", roomId=room)
        joined = await seed.client.wait_for("room_joined")
        assert (joined["roomId"], joined["memberCount"]) == (room, n)
        assert "id" not in joined
    await ben.send("typing", roomId=room)
    typing = await ann.client.wait_for("typing")
    assert (typing["roomId"], typing["userId"]) == (room, "ben")
    await ann.send("chat_message", roomId=room, content="hello")
    for seed in (ann, ben):
        message = await seed.client.wait_for("chat_message")
        assert (message["roomId"], message["userId"]) == (room, "ann")
        assert message["content"] == "hello"
        assert isinstance(message["timestamp"], int)
        assert isinstance(message["messageId"], str)
    await ben.send("leave_room", roomId=room)
    await ben.client.wait_for("room_left")
    await ann.send("chat_message", roomId=room, content="bye")
    await heard(ann.client, room, "bye")
    assert "bye" not in contents(ben.client.messages(room))
    for seed in (ann, ben):
        assert not of_type(seed.client, "error")
        assert not of_type(seed.client, "ack")
        await seed.client.close()


async def test_malformed_paths_and_origins_get_an_answer(pair: Cluster) -> None:
    for request in (
        b"GET //[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nHost: x\r\nOrigin: http://[\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", pair[0].port)
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(64), 30.0)
        assert answer.startswith(b"HTTP/1.1 40"), answer
        writer.close()


async def test_forbidden_joins_in_a_row_end_the_connection_like_any_abuse(pair: Cluster) -> None:
    client = await ChatClient.connect(pair[0].url, token("ann", rooms={"own-*": ("join",)}))
    with contextlib.suppress(ClosedError):  # it may be so before all are sent
        for number in range(40):
            await client.send(type="join_room", roomId=f"other-{number}")
    assert (await client.wait_closed()).code == 4000

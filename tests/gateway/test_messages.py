"""What a connection makes of frames, right and wrong ones, over a real socket."""

import pytest
from websockets.frames import Opcode

from chat.protocol import frames
from tests.gateway.application import Recorder
from tests.gateway.conftest import Serve
from tests.gateway.wire import END, REQUEST, close_frame, frame, text
from tests.support.waiting import until


async def test_a_message_byte_by_byte_arrives_whole(serve: Serve) -> None:
    served = await serve()
    client = await served.connect()
    for byte in REQUEST + END + text("echo 1") + text("echo " + "x" * 200):
        await client.send(bytes((byte,)))
    await client.read_head()
    assert await client.read_text() == "echo 1"
    assert await client.read_text() == "echo " + "x" * 200


async def test_many_messages_in_one_read_all_arrive_in_order(serve: Serve) -> None:
    served = await serve()
    client, handler = await served.open()
    sent = [f"echo {number}" for number in range(1000)]
    await client.send(b"".join(map(text, sent)))
    assert [await client.read_text() for _ in sent] == sent
    assert handler.received == sent


async def test_what_came_with_the_handshake_is_not_lost(serve: Serve) -> None:
    served = await serve()
    whole = text("echo 2")
    early = text("echo 1") + frame(Opcode.PING, b"p") + whole[:5]
    client, handler = await served.open(early=early)
    await client.send(whole[5:])
    assert await client.read_text() == "echo 1"
    assert await client.read_frame() == (frames.PONG, b"p")
    assert await client.read_text() == "echo 2"
    assert handler.received == ["echo 1", "echo 2"]


async def test_a_handler_that_stops_reading_on_what_came_early_stays_stopped(serve: Serve) -> None:
    served = await serve()
    served.application.on_text = lambda handler, _: handler.connection.transport.pause_reading()
    _, handler = await served.open(early=text("one"))
    assert handler.received == ["one"]
    assert not handler.connection.transport.is_reading()


async def test_pings_between_the_fragments_are_answered_and_the_message_is_whole(
    serve: Serve,
) -> None:
    served = await serve()
    client, handler = await served.open()
    parts = ["echo ä".encode()[:6], "echo ä".encode()[6:], b"", b" end"]
    await client.send(frame(Opcode.TEXT, parts[0], fin=False))
    for number, part in enumerate(parts[1:], 1):
        await client.send(frame(Opcode.PING, b"%d" % number))
        await client.send(frame(Opcode.CONT, part, fin=number == 3))
    for number in (1, 2, 3):
        assert await client.read_frame() == (frames.PONG, b"%d" % number)
    assert await client.read_text() == "echo ä end"
    assert handler.connection._parser is None  # an idle connection holds no parser


async def test_binary_messages_reach_the_handler(serve: Serve) -> None:
    served = await serve()
    client, handler = await served.open()
    await client.send(frame(Opcode.BINARY, b"\xff\x00"))
    await client.send(frame(Opcode.BINARY, b"ab", fin=False) + frame(Opcode.CONT, b"c"))
    await until(lambda: handler.received == [b"\xff\x00", b"abc"])


@pytest.mark.parametrize("size", [124, 125, 126, 127, 65534, 65535, 65536, 65537])
async def test_every_length_of_header_arrives(serve: Serve, size: int) -> None:
    served = await serve(max_message_bytes=65537)
    client, _ = await served.open()
    content = "echo".ljust(size, "x")
    await client.send(text(content))
    assert await client.read_text() == content


TOO_BIG = b"x" * 201
WRONG = {
    "oversize": (frame(Opcode.TEXT, TOO_BIG), 1009),
    "oversize by its header": (b"\x81\xff" + b"\x7f" * 8 + b"mask", 1009),
    "oversize in fragments": (
        frame(Opcode.TEXT, b"x" * 160, fin=False) + frame(Opcode.CONT, b"x" * 41),
        1009,
    ),
    "bad UTF-8": (frame(Opcode.TEXT, b"\xff"), 1007),
    "a surrogate": (frame(Opcode.TEXT, b"\xed\xa0\x80"), 1007),
    "bad UTF-8 in fragments": (
        frame(Opcode.TEXT, b"\xc3", fin=False) + frame(Opcode.CONT, b"("),
        1007,
    ),
    "unmasked": (frame(Opcode.TEXT, b"hi", mask=False), 1002),
    "unmasked and not whole": (frame(Opcode.TEXT, b"hi", mask=False)[:-1], 1002),
    "a reserved bit": (b"\xf1" + text("hi")[1:], 1002),
    "a reserved opcode": (b"\x83" + text("hi")[1:], 1002),
    "a long ping": (b"\x89\xfe\x00\x7e" + bytes(4 + 126), 1002),
    "a fragmented ping": (b"\x09" + text("hi")[1:], 1002),
    "a continuation of nothing": (frame(Opcode.CONT, b"x"), 1002),
    "a message within a message": (frame(Opcode.TEXT, b"x", fin=False) + text("y"), 1002),
    "a close of one byte": (b"\x88\x81mask" + b"x", 1002),
    "a close with a code nobody may send": (b"\x88\x82" + bytes(4) + b"\x03\xed", 1002),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_frame_closes_with_the_code_for_it(serve: Serve, name: str) -> None:
    data, code = WRONG[name]
    served = await serve(max_message_bytes=200)
    client, handler = await served.open()
    await client.send(text("before") + data + text("after"))
    assert await client.read_close() == code
    assert await client.read_to_end() == b""
    client.close()
    await until(lambda: handler.closes == [code])
    assert handler.received == ["before"]


async def test_the_code_arrives_though_the_client_is_still_sending(serve: Serve) -> None:
    """Closing a socket with unread bytes resets it, and the client would see 1006."""
    served = await serve(max_message_bytes=100)
    client, handler = await served.open()
    await client.send(frame(Opcode.TEXT, b"x" * 4_000_000))
    assert await client.read_close() == 1009
    assert await client.read_to_end() == b""
    client.close()
    await until(lambda: handler.closes == [1009])


async def test_a_hundred_thousand_empty_fragments_cost_no_memory_and_end_as_a_flood(
    serve: Serve,
) -> None:
    served = await serve(max_control_frames_per_s=200_000)
    client, handler = await served.open()
    await client.send(frame(Opcode.TEXT, b"echo", fin=False))
    await client.send(frame(Opcode.CONT, b"", fin=False) * 100_000)
    await client.send(frame(Opcode.CONT, b" end"))
    assert await client.read_text() == "echo end"
    assert handler.connection._fragments is None

    served = await serve()
    client, handler = await served.open()
    await client.send(frame(Opcode.TEXT, b"", fin=False))
    await client.send(frame(Opcode.CONT, b"", fin=False) * 1000)
    assert await client.read_close() == 4103


async def test_a_fragmented_message_is_bounded_by_the_message_limit(serve: Serve) -> None:
    served = await serve(max_message_bytes=1000)
    client, handler = await served.open()
    await client.send(frame(Opcode.TEXT, b"x", fin=False))
    await client.send(frame(Opcode.CONT, b"x", fin=False) * 1000)
    assert await client.read_close() == 1009
    assert handler.received == []


async def test_a_handler_may_close_in_the_middle_of_a_read(serve: Serve) -> None:
    served = await serve()

    def close_at_two(handler: Recorder, message: str) -> None:
        if message == "2":
            handler.connection.close(4000)  # type: ignore[arg-type]

    served.application.on_text = close_at_two
    client, handler = await served.open()
    await client.send(text("1") + text("2") + text("3") + text("4")[:3])
    assert await client.read_close() == 4000
    await client.send(text("4")[3:] + close_frame(4000))
    client.close()
    await until(lambda: handler.closes == [4000])
    assert handler.received == ["1", "2"]


async def test_one_connection_whose_handler_fails_hurts_no_other(serve: Serve) -> None:
    served = await serve()
    client, handler = await served.open()
    other, _ = await served.open()
    handler.on_text = None  # type: ignore[assignment,method-assign]
    await client.send(text("x"))
    assert await client.read_to_end() == b""
    await other.send(text("echo still here"))
    assert await other.read_text() == "echo still here"

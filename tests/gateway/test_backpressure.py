"""Clients that do not read cost bounded memory, and lose what matters least first."""

import os

from websockets.frames import Opcode

from chat.protocol import frames
from chat.protocol.errors import CloseCode
from chat.rooms.room import Room
from tests.gateway.application import Recorder
from tests.gateway.conftest import Serve
from tests.gateway.wire import frame, text
from tests.support.waiting import until

BUFFER = 16384
CHUNK = 262_144  # what uvloop reads at most at once
EVENT = frames.text_frame(b"x" * 1000)


def unsent(handler: Recorder) -> int:
    """Return how many bytes the server holds for this client."""
    return handler.connection.transport.get_write_buffer_size()


async def test_pings_of_a_client_that_never_reads_cost_bounded_memory(serve: Serve) -> None:
    high_water = 65536
    served = await serve(
        send_buffer=BUFFER, outbound_high_water_bytes=high_water, max_control_frames_per_s=10**6
    )
    client, handler = await served.open(receive_buffer=BUFFER)
    read = served.stats.bytes_in
    ping = frame(Opcode.PING, b"x" * 125)
    for _ in range(50):
        await client.send(ping * 1000)
        assert unsent(handler) <= high_water + CHUNK
    await until(lambda: served.stats.bytes_in == read + 50_000 * len(ping))
    assert unsent(handler) <= high_water + len(ping)
    assert handler.connection.congested
    await client.send(text("echo at last"))
    while await client.read_frame() != (frames.TEXT, b"echo at last"):
        pass
    assert not handler.connection.congested


async def test_pings_after_the_close_cost_no_more(serve: Serve) -> None:
    high_water = 65536
    served = await serve(send_buffer=BUFFER, outbound_high_water_bytes=high_water, close_timeout=60)
    client, handler = await served.open(receive_buffer=BUFFER)
    handler.connection.close(CloseCode.SERVICE_RESTART)
    read = served.stats.bytes_in
    ping = frame(Opcode.PING, b"x" * 125)
    for _ in range(50):
        await client.send(ping * 1000)
    await until(lambda: served.stats.bytes_in == read + 50_000 * len(ping))
    assert unsent(handler) <= high_water + CHUNK


async def test_a_ping_flood_is_closed_with_4103_and_answered_no_more(serve: Serve) -> None:
    served = await serve(max_control_frames_per_s=50)
    client, handler = await served.open()
    await client.send(frame(Opcode.PING, b"!") * 10_000)
    answers = []
    while (answer := await client.read_frame())[0] == frames.PONG:
        answers.append(answer)
    assert len(answers) <= 100  # a second may have turned meanwhile
    assert answer[0] == frames.CLOSE
    assert await client.read_to_end() == b""
    client.close()
    await until(lambda: handler.closes == [4103])


async def test_a_slow_consumer_is_closed_with_4200_at_the_limit(serve: Serve) -> None:
    limit = 300_000
    served = await serve(
        send_buffer=BUFFER, outbound_high_water_bytes=50_000, max_outbound_bytes=limit
    )
    client, handler = await served.open(receive_buffer=BUFFER)
    other, _ = await served.open()
    sent = 0
    while handler.connection.is_open:
        handler.connection.send(EVENT)
        sent += 1
        assert sent < 10_000
    assert unsent(handler) <= limit + 200
    assert served.stats.slow_consumer_closes == 1
    handler.connection.send(EVENT)
    assert unsent(handler) <= limit + 200
    await other.send(text("echo"))
    assert await other.read_text() == "echo"
    received = 0
    while (found := await client.read_frame())[0] == frames.TEXT:
        received += 1
    assert found[0] == frames.CLOSE
    assert int.from_bytes(found[1][:2], "big") == 4200
    assert received == sent - 1, "all but the message that was too much"


async def test_ephemeral_events_are_left_out_first(serve: Serve) -> None:
    served = await serve(send_buffer=BUFFER, outbound_high_water_bytes=20_000)
    client, handler = await served.open(receive_buffer=BUFFER)
    connection = handler.connection
    kept = 0
    while not connection.congested:
        connection.send_ephemeral(EVENT)
        kept += 1
    held = unsent(handler)
    for _ in range(1000):
        connection.send_ephemeral(EVENT)
    assert unsent(handler) <= held
    assert served.stats.ephemeral_dropped == 1000
    connection.send(frames.text_frame(b"important"))
    for _ in range(kept):
        assert (await client.read_frame())[1] == b"x" * 1000
    assert await client.read_text() == "important"
    await connection.drained()
    connection.send_ephemeral(frames.text_frame(b"again"))
    assert await client.read_text() == "again"


async def test_a_member_that_reads_late_gets_everything_once_and_in_order(serve: Serve) -> None:
    served = await serve(send_buffer=BUFFER, max_outbound_bytes=10**7)
    client, handler = await served.open(receive_buffer=BUFFER)
    room = handler.room = Room("r")
    room.add(handler.connection)

    def publish(number: int) -> None:
        room.pending.append(frames.text_frame(b"%d %s" % (number, b"x" * 1000)))
        room.flush(os.write)

    number = 0
    while unsent(handler) < 200_000:  # the socket is full: some of it went directly
        publish(number)
        number += 1
    assert room.members[handler.connection] == -1
    for expected in range(number):
        assert (await client.read_text()).split()[0] == str(expected)
    await handler.connection.drained()
    await until(lambda: room.members[handler.connection] >= 0)
    publish(number)
    assert unsent(handler) == 0
    assert (await client.read_text()).split()[0] == str(number)


async def test_a_connection_that_says_close_is_written_to_no_more(serve: Serve) -> None:
    served = await serve()
    client, handler = await served.open()
    room = handler.room = Room("r")
    room.add(handler.connection)
    handler.connection.close(CloseCode.SERVICE_RESTART)
    room.pending.append(frames.text_frame(b"too late"))
    room.flush(os.write)
    assert (await client.read_frame())[0] == frames.CLOSE
    assert await client.read_to_end() == b""

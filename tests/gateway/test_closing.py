"""Both closing handshakes, and peers that spoil them."""

import pytest
from websockets.frames import Close, Opcode

from chat.protocol import frames
from chat.protocol.errors import CloseCode
from tests.gateway.conftest import Serve
from tests.gateway.wire import close_frame, frame, text
from tests.support.waiting import until


async def test_a_client_that_closes_gets_its_code_back_and_the_end(serve: Serve) -> None:
    served = await serve()
    client, handler = await served.open()
    await client.send(close_frame(1001))
    assert await client.read_frame() == (frames.CLOSE, Close(1001, "").serialize())
    assert await client.read_to_end() == b""
    client.close()
    await until(lambda: handler.closes == [1001])
    await until(lambda: not served.gateway.connections)
    assert served.stats.connections_closed == 1


async def test_a_client_may_close_without_a_code(serve: Serve) -> None:
    served = await serve()
    client, handler = await served.open()
    await client.send(frame(Opcode.CLOSE))
    assert await client.read_frame() == (frames.CLOSE, b"")
    client.close()
    await until(lambda: handler.closes == [1005])


async def test_a_close_within_a_fragmented_message_is_a_close(serve: Serve) -> None:
    served = await serve()
    client, handler = await served.open()
    await client.send(frame(Opcode.TEXT, b"half", fin=False) + close_frame(1000) + text("late"))
    assert await client.read_close() == 1000
    client.close()
    await until(lambda: handler.closes == [1000])
    assert handler.received == []


async def test_a_connection_that_breaks_is_1006(serve: Serve) -> None:
    served = await serve()
    client, handler = await served.open()
    client.close()
    await until(lambda: handler.closes == [1006])
    assert served.stats.closes == {1006: 1}


async def test_the_server_closes_and_its_code_counts_not_the_answer(serve: Serve) -> None:
    served = await serve()
    client, handler = await served.open()
    handler.connection.close(CloseCode.SERVICE_RESTART)
    assert await client.read_close() == 1012
    await client.send(text("late") + frame(Opcode.PING, b"?") + close_frame(1000))
    assert await client.read_frame() == (frames.PONG, b"?")
    assert await client.read_to_end() == b""
    client.close()
    await until(lambda: handler.closes == [1012])
    assert handler.received == []


async def test_only_the_first_close_is_said(serve: Serve) -> None:
    served = await serve()
    client, handler = await served.open()
    handler.connection.close(CloseCode.UNAUTHORIZED, "ü" * 200)
    handler.connection.close(CloseCode.FLOOD)
    first, payload = await client.read_frame()
    close = Close.parse(payload)
    assert (first, close.code) == (frames.CLOSE, 4001)
    assert close.reason == "ü" * 61
    handler.connection.send(frames.text_frame(b"late"))
    client.close()
    await until(lambda: handler.closes == [4001])


@pytest.mark.parametrize("cut", range(1, 9))
async def test_the_answer_to_a_close_is_understood_wherever_it_is_cut(
    serve: Serve, cut: int
) -> None:
    """The rest of a frame looks like a header of its own to whoever forgets where it began."""
    served = await serve(close_timeout=60)
    client, handler = await served.open()
    late = text("x" * 100)
    handler.connection.close(CloseCode.SERVICE_RESTART)
    assert await client.read_close() == 1012
    read = served.stats.bytes_in
    for piece in (late[:50], late[50:51], late[51:] + close_frame()[:cut], close_frame()[cut:]):
        await client.send(piece)
        read += len(piece)
        await until(lambda read=read: served.stats.bytes_in == read)  # type: ignore[misc]
    assert await client.read_to_end() == b""


async def test_a_close_is_answered_even_if_the_handler_had_stopped_reading(serve: Serve) -> None:
    served = await serve(close_timeout=60)
    client, handler = await served.open()
    handler.connection.transport.pause_reading()
    handler.connection.close(CloseCode.SERVICE_RESTART)
    assert await client.read_close() == 1012
    await client.send(close_frame(1012))
    assert await client.read_to_end() == b""


async def test_a_close_code_of_the_clients_own_makes_no_label(serve: Serve) -> None:
    served = await serve()
    for code in (3000, 4999):
        client, handler = await served.open()
        await client.send(close_frame(code))
        client.close()
        await until(lambda handler=handler, code=code: handler.closes == [code])  # type: ignore[misc]
    assert served.stats.closes == {"other": 2}


async def test_waiting_for_a_slow_client_ends_with_the_client(serve: Serve) -> None:
    served = await serve(send_buffer=8192)
    client, handler = await served.open(receive_buffer=8192)
    while not handler.connection.congested:
        handler.connection.send(frames.text_frame(b"x" * 10_000))
    client.close()
    await handler.connection.drained()
    await until(lambda: handler.closes == [1006])
    await handler.connection.drained()


@pytest.mark.slow
@pytest.mark.parametrize("reads", [True, False])
async def test_a_peer_that_never_answers_a_close_is_cut(serve: Serve, reads: bool) -> None:
    served = await serve(close_timeout=1, send_buffer=8192)
    client, handler = await served.open(receive_buffer=8192)
    if not reads:
        while not handler.connection.congested:
            handler.connection.send(frames.text_frame(b"x" * 10_000))
    handler.connection.close(CloseCode.SERVICE_RESTART)
    if reads:
        assert await client.read_close() == 1012
    await until(lambda: handler.closes == [1012])
    assert not served.gateway.connections


@pytest.mark.slow
async def test_a_peer_that_never_closes_its_half_is_cut(serve: Serve) -> None:
    served = await serve(close_timeout=1)
    client, handler = await served.open()
    await client.send(close_frame(1000))
    assert await client.read_close() == 1000
    await until(lambda: handler.closes == [1000])


async def test_stop_cuts_everyone_and_returns(serve: Serve) -> None:
    served = await serve()
    _, handler = await served.open()
    await served.connect()
    await served.gateway.stop()
    assert handler.closes == [1006]
    assert await served.gateway.wait_empty(0.0)

"""Standard input by lines, whatever it is."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from chat.terminal.lines import MAX_LINE_BYTES, LineTooLongError, lines


async def of(fd: int) -> list[str]:
    async with asyncio.timeout(30.0):
        return [line async for line in lines(fd)]


async def test_a_pipe_is_read_as_it_is_written() -> None:
    source, sink = os.pipe()
    try:
        reading = lines(source)
        os.write(sink, b"one\ntw")
        assert await anext(reading) == "one"
        os.write(sink, b"o\r\n\n\xff")
        assert await anext(reading) == "two"
        assert await anext(reading) == ""
        os.close(sink)
        assert await anext(reading) == "\ufffd"
        with pytest.raises(StopAsyncIteration):
            await anext(reading)
    finally:
        os.close(source)


@pytest.mark.parametrize(("content", "read"), [("one\ntwo", ["one", "two"]), ("", [])])
async def test_a_file_is_read_too(tmp_path: Path, content: str, read: list[str]) -> None:
    path = tmp_path / "input"
    path.write_text(content)
    with path.open("rb") as file:
        assert await of(file.fileno()) == read


async def test_nothing_is_read_as_nothing() -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    try:
        assert await of(nothing) == []
    finally:
        os.close(nothing)


async def test_a_reader_that_is_cancelled_lets_go_of_the_descriptor() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        reading = asyncio.create_task(of(ours.fileno()))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        theirs.sendall(b"later\n")
        theirs.close()
        assert await of(ours.fileno()) == ["later"]


async def test_a_line_without_an_end_is_not_collected_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_bytes(b"x" * (MAX_LINE_BYTES + 1))
    with path.open("rb") as file, pytest.raises(LineTooLongError):
        await of(file.fileno())

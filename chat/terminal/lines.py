"""Lines of standard input, without a thread: from a terminal, a pipe, a socket or a file."""

import asyncio
import os
from collections.abc import AsyncIterator

#: A longer line is no message on any server.
MAX_LINE_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 16


class LineTooLongError(Exception):
    """The input has a line that is longer than `MAX_LINE_BYTES`."""


async def lines(fd: int) -> AsyncIterator[str]:
    """Yield the lines of a descriptor without their ends; what is not UTF-8 is replaced.

    Raises:
        LineTooLongError: a line does not end.
        OSError: it cannot be read.

    Cancellation: safe; nothing is read that is not yielded, but for the rest of a chunk.
    """
    rest = b""
    while chunk := await _read(fd):
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise LineTooLongError(f"a line has more than {MAX_LINE_BYTES} bytes")
        for line in whole:
            yield _text(line)
    if rest:
        yield _text(rest)


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode(errors="replace")


async def _read(fd: int) -> bytes:
    loop = asyncio.get_running_loop()
    readable = loop.create_future()

    def is_readable() -> None:
        if not readable.done():
            readable.set_result(None)

    try:
        loop.add_reader(fd, is_readable)
    except PermissionError:
        return os.read(fd, _CHUNK_BYTES)  # a file: epoll refuses it, and it never blocks for long
    try:
        await readable
    finally:
        loop.remove_reader(fd)
    return os.read(fd, _CHUNK_BYTES)

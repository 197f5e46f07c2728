"""The C client: what it sends, counts and answers, over a pair of sockets."""

import contextlib
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.load import Load, Result
from benchmarks.swarm import Member, Plan
from benchmarks.system import compile_raw
from benchmarks.wire import STAMP, KeepAlive, command_frame
from loadtest.wire import text_frame

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler"),
]
PUBLISH = command_frame({"content": STAMP})
KEEPALIVE = KeepAlive(b"2", b"3")


class Echo:
    """A server that returns every message to its sender, unmasked, and keeps what else it reads."""

    def __init__(self, sock: socket.socket, greeting: bytes) -> None:
        self.others: list[bytes] = []
        self._sock = sock
        sock.sendall(greeting)
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        data = b""
        while chunk := self._sock.recv(65536):
            data += chunk
            while len(data) >= 2 and len(data) >= (size := 6 + (data[1] & 0x7F)):
                frame, data = data[:size], data[size:]
                if STAMP[:1].encode() in frame:
                    self._sock.sendall(bytes((frame[0], frame[1] & 0x7F)) + frame[6:])
                else:
                    self.others.append(frame)


@contextlib.contextmanager
def load_over(directory: Path, greeting: bytes = b"") -> Iterator[tuple[Load, Echo]]:
    ours, server = socket.socketpair()
    with ours, server:
        echo = Echo(server, greeting)
        echo.thread.start()
        member = Member(ours, 0, Plan(0, b""))
        try:
            yield Load(compile_raw("load", directory), [(member, PUBLISH)], KEEPALIVE), echo
        finally:
            ours.shutdown(socket.SHUT_RDWR)
            echo.thread.join()


def undisturbed(result: Result) -> bool:
    return not (result.errors or result.refused or result.closed)


def test_a_scheduled_load_counts_every_delivery(tmp_path: Path) -> None:
    with load_over(tmp_path) as (load, _):
        result = load.offer(200, 0.5, receipts=1)
    assert undisturbed(result)
    assert result.samples == result.sent > 20
    assert 0 < result.latency_ms(0.5) < 30_000


def test_a_flood_keeps_messages_in_flight_until_its_end(tmp_path: Path) -> None:
    with load_over(tmp_path) as (load, _):
        result = load.flood(8, 1.0, receipts=1)
    assert undisturbed(result)
    assert result.samples == result.sent > 8


def test_pings_of_both_kinds_are_answered(tmp_path: Path) -> None:
    text_ping, websocket_ping = b"\x81\x012", b"\x89\x02hi"
    with load_over(tmp_path, greeting=text_ping + websocket_ping) as (load, echo):
        load.offer(50, 0.2, receipts=1)
    assert echo.others == [text_frame(b"3"), b"\x8a\x82" + bytes(4) + b"hi"]

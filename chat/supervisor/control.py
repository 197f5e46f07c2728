"""The channel between a worker and its supervisor: a socket pair, reports one way, life both ways.

When the supervisor dies the worker reads the end of the channel, and drains.
"""

import asyncio
import logging
import socket
from collections.abc import Callable

from chat.ops.reports import Report, encode_report

_log = logging.getLogger("chat.supervisor")


class ControlChannel:
    """The worker's end. Never waits: a report that does not fit is left out and counted.

    Args:
        sock: the worker's half of the pair.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._unsent = b""  # the rest of a line that has begun: at most one report
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_eof: Callable[[], None] | None = None

    @classmethod
    def from_fd(cls, fd: int) -> "ControlChannel":
        """Take over an inherited descriptor."""
        return cls(socket.socket(fileno=fd))

    def start(self, on_eof: Callable[[], None]) -> None:
        """Watch for the supervisor's end; call in the running loop.

        Args:
            on_eof: called once when the supervisor is gone.
        """
        self._loop = asyncio.get_running_loop()
        self._on_eof = on_eof
        self._loop.add_reader(self._sock.fileno(), self._readable)

    def send(self, report: Report) -> bool:
        """Send a report if the channel takes it; false if it was left out."""
        if self._unsent and not self._write(self._unsent):
            return False
        self._write(encode_report(report))
        return True

    def close(self) -> None:
        """Stop watching and close."""
        self._stop_watching()
        self._sock.close()

    def _write(self, data: bytes) -> bool:
        """Write what fits, keep the rest; true if all is written."""
        try:
            sent = self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as exc:
            _log.debug("control channel is broken: %s", exc)
            sent = len(data)  # nobody will read it: `_readable` reports the end
        self._unsent = data[sent:]
        return not self._unsent

    def _readable(self) -> None:
        try:
            data = self._sock.recv(4096)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as exc:
            _log.debug("control channel is broken: %s", exc)
            data = b""
        if data:
            return  # the supervisor says nothing yet; a newer one may
        self._stop_watching()
        if self._on_eof is not None:
            self._on_eof()

    def _stop_watching(self) -> None:
        if self._loop is not None:
            self._loop.remove_reader(self._sock.fileno())
            self._loop = None

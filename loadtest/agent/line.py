"""An agent's line to its coordinator: one JSON document a line, non-blocking once it is up."""

import select
import socket
import time
from types import TracebackType
from typing import Self

from msgspec import DecodeError, ValidationError, json

from loadtest.control import ToAgent, ToCoordinator

_DIAL_TIMEOUT_S = 10.0
_UNACKNOWLEDGED_MS = 5000  # bytes that the coordinator's machine does not take for so long: gone
_READ_BYTES = 65536
_LINE_BYTES_MAX = 1 << 20
_UNSENT_BYTES_MAX = 8 << 20
#: The coordinator probes the clock every minute; a process that stands still says nothing.
_SILENCE_MAX_S = 150.0

_encode = json.Encoder().encode
_decode = json.Decoder(ToAgent).decode


class LostError(Exception):
    """The coordinator is gone, or is not one; the text says how that was noticed."""


class Line:
    """Sends documents and collects orders."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._received = b""
        self._unsent = b""
        self._heard_s = time.monotonic()
        self.closed = False

    @classmethod
    def dial(cls, host: str, port: int) -> Self:
        """Connect.

        Raises:
            OSError: it cannot be done.
        """
        sock = socket.create_connection((host, port), _DIAL_TIMEOUT_S)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 2)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
        return cls(sock)

    def fileno(self) -> int:
        """Return the descriptor, to wait on."""
        return self._sock.fileno()

    def send(self, document: ToCoordinator) -> None:
        """Send a document, or keep it until the kernel takes it.

        Raises:
            LostError: the connection is broken, or too much waits.
        """
        self._unsent += _encode(document) + b"\n"
        self._flush()
        if len(self._unsent) > _UNSENT_BYTES_MAX:
            raise LostError("it does not read")

    def wait(self, timeout_s: float) -> None:
        """Wait for something to read, and read it."""
        writers = (self._sock,) if self._unsent else ()
        select.select((self._sock,), writers, (), timeout_s)
        self._flush()
        self.receive()

    def receive(self) -> None:
        """Read what there is.

        Raises:
            LostError: the connection is broken.
        """
        try:
            data = self._sock.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError as exc:
            raise LostError(str(exc)) from None
        if not data:
            self.closed = True
        self._heard_s = time.monotonic()
        self._received += data
        if len(self._received) > _LINE_BYTES_MAX:
            raise LostError("it sent a line without an end")

    def orders(self) -> list[ToAgent]:
        """Return the documents that are whole.

        Raises:
            LostError: one is none that an agent knows.
        """
        if b"\n" not in self._received:
            return []
        *lines, self._received = self._received.split(b"\n")
        try:
            return [_decode(line) for line in lines]
        except (DecodeError, ValidationError) as exc:
            raise LostError(f"it said what an agent does not understand: {exc}") from None

    def check(self) -> None:
        """See whether the coordinator is there, and send what waits.

        Raises:
            LostError: it is not.
        """
        if self.closed:
            raise LostError("it closed the connection")
        if time.monotonic() - self._heard_s > _SILENCE_MAX_S:
            raise LostError(f"it said nothing for {_SILENCE_MAX_S:.0f} s")
        if self._unsent:
            self._flush()

    def finish(self, timeout_s: float) -> None:
        """Send what waits and let the coordinator close, for so long at most.

        Raises:
            LostError: it did not take everything.
        """
        deadline_s = time.monotonic() + timeout_s
        ended = False
        while not self.closed and (left_s := deadline_s - time.monotonic()) > 0:
            if not self._unsent and not ended:
                self._sock.shutdown(socket.SHUT_WR)
                ended = True
            self.wait(min(left_s, 0.2))
        if self._unsent:
            raise LostError("it did not take the last word")

    def _flush(self) -> None:
        if not self._unsent:
            return
        try:
            sent = self._sock.send(self._unsent)
        except BlockingIOError:
            return
        except OSError as exc:
            raise LostError(str(exc)) from None
        self._unsent = self._unsent[sent:]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._sock.close()

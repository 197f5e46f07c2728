"""Many connections in one process: non-blocking descriptors, one epoll, no tasks, no buffers.

It dials, upgrades, cuts what arrives into text messages, answers pings and closes; what the
messages mean is its handler's business. A plain connection is a bare descriptor number: a socket
object would be 100 bytes for nothing. Bytes are kept only of frames that are not whole, and of
writes that the kernel did not take.
"""

import os
import select
import time
from collections.abc import Callable
from typing import Protocol

from loadtest.agent.client import (
    AUTHENTICATING,
    AWAY,
    CONNECTING,
    IN,
    NO_FD,
    SECURING,
    UPGRADING,
    Client,
)
from loadtest.agent.dialer import Dialer, reset_on_close
from loadtest.agent.ending import Ending, failed, refused
from loadtest.agent.polling import poll
from loadtest.agent.secured import Secured
from loadtest.wire import (
    ABNORMAL,
    CLOSE,
    PING,
    TEXT,
    WireError,
    close_code,
    close_frame,
    frame_span,
    pong_frame,
)

_READ_BYTES = 65536
_UNSENT_BYTES_MAX = 1 << 20
_ANSWER_BYTES_MAX = 16384
_READING = select.EPOLLIN
_NOT_READING = select.EPOLLRDHUP  # errors and the end are told all the same


class Handler(Protocol):
    """Who is told what the swarm hears."""

    def text(self, client: Client, data: bytes, start: int, end: int, now_ns: int) -> None:
        """A text message is `data[start:end]`; it arrived at `now_ns` of CLOCK_MONOTONIC."""

    def ended(self, client: Client, ending: Ending, state: int) -> None:
        """The connection is gone; `state` is the client's before that, which is AWAY now."""


class Swarm:
    """The connections of one agent; its handler is set before the first one is dialled."""

    handler: Handler

    def __init__(self, dialer: Dialer) -> None:
        self.bytes_in = 0
        self.bytes_out = 0
        self._dialer = dialer
        self._epoll = select.epoll()
        self._by_fd: list[Client | None] = []
        self._others: dict[int, Callable[[], None]] = {}
        self._secured = Secured(dialer) if dialer.secure else None
        self._partial: dict[int, bytes] = {}
        self._unsent: dict[int, bytes] = {}

    def watch(self, fd: int, readable: Callable[[], None]) -> None:
        """Call back whenever another descriptor can be read."""
        self._others[fd] = readable
        self._epoll.register(fd, select.EPOLLIN)

    def dial(self, client: Client, token: bytes) -> None:
        """Begin to connect; a failure is told to the handler."""
        client.state = CONNECTING
        try:
            fd = client.fd = self._dialer.dial(client.number, slow=client.slow)
        except OSError as exc:
            self._over(client, failed(exc))
            return
        while len(self._by_fd) <= fd:
            self._by_fd.append(None)
        self._by_fd[fd] = client
        request = self._dialer.upgrade.request(token)
        if self._secured is None and self._upgrade_at_once(client, request):
            self._epoll.register(fd, _READING)
        elif client.fd == fd:
            self._unsent[fd] = request
            self._epoll.register(fd, select.EPOLLOUT)

    def send(self, client: Client, frame: bytes) -> None:
        """Write; what the kernel does not take is written later, in order.

        A connection that is gone meanwhile takes nothing, and its handler knows.
        """
        fd = client.fd
        if fd == NO_FD:
            return
        if fd in self._unsent:
            self._keep(client, self._unsent[fd] + frame)
            return
        try:
            sent = self._write(fd, frame)
        except OSError as exc:
            self._over(client, failed(exc))
            return
        if sent < len(frame):
            self._keep(client, frame[sent:])

    def read_no_more(self, client: Client) -> None:
        """Leave what comes for this client in the kernel."""
        self._epoll.modify(client.fd, _NOT_READING)

    def read_some(self, client: Client, at_most: int) -> None:
        """Read so many bytes for a client that does not read by itself."""
        self._read(client, at_most)

    def cut(self, client: Client) -> None:
        """Drop the connection with a reset; the handler is not told."""
        if client.fd != NO_FD:
            reset_on_close(client.fd)
            self._close(client)

    def abandon(self, client: Client, code: str) -> None:
        """Drop a connection that takes too long; the handler is told."""
        self._over(client, Ending(code))

    def poll(self, wait_s: float) -> int:
        """Handle what there is, waiting for something if there is nothing; return when it woke.

        It may return early with nothing handled, but not late.
        """
        events = poll(self._epoll, wait_s)
        woke_ns = time.monotonic_ns()
        by_fd = self._by_fd
        for fd, mask in events:
            client = by_fd[fd] if fd < len(by_fd) else None
            if client is None:
                if (readable := self._others.get(fd)) is not None:
                    readable()
            elif mask == _READING and client.state >= UPGRADING:
                self._read(client, _READ_BYTES)
            else:
                self._rarer(client, mask)
        return woke_ns

    def close(self) -> None:
        """Cut all connections."""
        for client in self._by_fd:
            if client is not None:
                self.cut(client)
        self._epoll.close()

    def _upgrade_at_once(self, client: Client, request: bytes) -> bool:
        """Write the handshake without waiting to be told that the connection is up.

        On loopback it is up by now, and a turn of the loop and two system calls are saved.
        """
        try:
            sent = self._write(client.fd, request)
        except OSError as exc:
            self._over(client, failed(exc))
            return False
        if sent == len(request):
            client.state = UPGRADING
            return True
        return False

    def _rarer(self, client: Client, mask: int) -> None:
        if client.state == CONNECTING:
            self._connected(client)  # or not: then the first write tells
        elif client.state == SECURING and self._secured is not None:
            self._secure(client, self._secured)
        elif mask & select.EPOLLOUT:
            self._flush(client)
        else:
            self._read(client, _READ_BYTES)

    def _connected(self, client: Client) -> None:
        secured = self._secured
        if secured is None:
            client.state = UPGRADING
            self._flush(client)
            return
        try:
            secured.begin(client.fd)
        except OSError as exc:
            self._forget(client.fd)
            client.fd = NO_FD  # ssl has closed it
            self._over(client, failed(exc))
            return
        client.state = SECURING
        self._secure(client, secured)

    def _secure(self, client: Client, secured: Secured) -> None:
        try:
            missing = secured.handshake(client.fd)
        except OSError as exc:
            self._over(client, failed(exc))
            return
        if missing:
            self._epoll.modify(client.fd, missing)
        else:
            client.state = UPGRADING
            self._flush(client)

    def _write(self, fd: int, data: bytes) -> int:
        if self._secured is not None:
            sent = self._secured.send(fd, data)
        else:
            try:
                sent = os.write(fd, data)
            except BlockingIOError:
                return 0
        self.bytes_out += sent
        return sent

    def _keep(self, client: Client, data: bytes) -> None:
        if len(data) > _UNSENT_BYTES_MAX:
            self._over(client, Ending("unsent"))
            return
        self._unsent[client.fd] = data
        self._epoll.modify(client.fd, _interest(client) | select.EPOLLOUT)

    def _flush(self, client: Client) -> None:
        data = self._unsent.pop(client.fd, b"")
        self._epoll.modify(client.fd, _interest(client))
        if data:
            self.send(client, data)

    def _read(self, client: Client, at_most: int) -> None:
        try:
            if self._secured is not None:
                self._read_secured(client, self._secured, at_most)
                return
            data = os.read(client.fd, at_most)
        except BlockingIOError:
            return
        except OSError as exc:
            self._over(client, failed(exc))
            return
        self._take(client, data)

    def _read_secured(self, client: Client, secured: Secured, at_most: int) -> None:
        for data in secured.received(client.fd, at_most):
            self._take(client, data)
            if client.state < UPGRADING or _interest(client) == _NOT_READING:
                return

    def _take(self, client: Client, data: bytes) -> None:
        if not data:
            self._over(client, Ending(str(ABNORMAL), close=ABNORMAL))
            return
        now_ns = time.monotonic_ns()
        fd = client.fd
        self.bytes_in += len(data)
        if self._partial and (begun := self._partial.pop(fd, None)) is not None:
            data = begun + data
        at = 0
        if client.state == UPGRADING:
            at = self._answered(client, data)
            if not at:
                return
        try:
            at = self._frames(client, data, at, now_ns)
        except WireError:
            self._over(client, Ending("malformed"))
            return
        if at < len(data) and client.fd == fd:
            self._partial[fd] = data[at:]

    def _frames(self, client: Client, data: bytes, at: int, now_ns: int) -> int:
        """Handle the frames from `at` on; return where the one begins that is not whole."""
        text, size, fd = self.handler.text, len(data), client.fd
        while at < size and (span := frame_span(data, at)) is not None:
            start, end = span
            opcode = data[at] & 0x0F
            if opcode == TEXT:
                text(client, data, start, end, now_ns)
            else:
                self._control(client, opcode, data[start:end])
            if client.fd != fd:
                break  # it is over
            at = end
        return at

    def _answered(self, client: Client, data: bytes) -> int:
        """Read the handshake's answer; return where frames begin, 0 if there is none yet."""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            if len(data) > _ANSWER_BYTES_MAX:
                self._over(client, Ending("endless_answer"))
            else:
                self._partial[client.fd] = data
            return 0
        if data.startswith(b"HTTP/1.1 101 "):
            client.state = AUTHENTICATING
            return end + 4
        self._over(client, refused(data[:end]))
        return 0

    def _control(self, client: Client, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.send(client, pong_frame(payload))
        elif opcode == CLOSE:
            code = close_code(payload)
            self.send(client, close_frame(code))
            if client.fd != NO_FD:
                self._over(client, Ending(str(code), close=code))

    def _over(self, client: Client, ending: Ending) -> None:
        state = client.state
        self._close(client)
        self.handler.ended(client, ending, state)

    def _close(self, client: Client) -> None:
        fd, client.fd, client.state = client.fd, NO_FD, AWAY
        if fd == NO_FD:
            return
        self._forget(fd)
        if self._secured is None or not self._secured.close(fd):
            os.close(fd)

    def _forget(self, fd: int) -> None:
        self._by_fd[fd] = None
        self._partial.pop(fd, None)
        self._unsent.pop(fd, None)


def _interest(client: Client) -> int:
    return _NOT_READING if client.slow and client.state == IN else _READING

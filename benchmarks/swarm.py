"""Many authenticated connections in one process: non-blocking sockets, one epoll, no tasks."""

import errno
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from benchmarks.wire import FrameReader, KeepAlive, command_frame, upgrade_request
from loadtest.wire import WireError, pong_frame, text_frame

_IP_BIND_ADDRESS_NO_PORT = 24  # <linux/in.h>: choose the port at connect, so ports are reused
_CONNECTIONS_PER_ADDRESS = 8000
_STALL_TIMEOUT_S = 20.0
_RECEIVE_BYTES = 65536


class Step(NamedTuple):
    """A text of the server that contains `awaited` is answered with the bytes `answer`."""

    awaited: bytes
    answer: bytes = b""


class Plan(NamedTuple):
    """A connection to be: its request is built beforehand, so that signing costs nothing later.

    It is ready after the server has upgraded it and all steps are taken, in their order.
    """

    port: int
    request: bytes
    steps: tuple[Step, ...] = ()
    room_id: str | None = None


def plan(port: int, user_id: str, room_id: str | None = None, target: str = "/ws") -> Plan:
    """Plan one connection, with a token of its own."""
    connected, joined = b'"type":"connected"', b'"type":"room_joined"'
    steps: tuple[Step, ...] = (Step(connected),)
    if room_id is not None:
        join = command_frame({"type": "join_room", "id": 1, "roomId": room_id})
        steps = (Step(connected, join), Step(joined))
    return Plan(port, upgrade_request(port, user_id, target), steps, room_id)


class Member:
    """One connection; `ready` once it is authenticated and in its room, if it has one."""

    __slots__ = ("_head", "_step", "frames", "number", "plan", "ready", "sock")

    def __init__(self, sock: socket.socket, number: int, planned: Plan) -> None:
        self.sock = sock
        self.number = number
        self.plan = planned
        self.frames = FrameReader()
        self.ready = False
        self._head: bytes | None = b""
        self._step = 0

    def take(self, data: bytes) -> list[bytes]:
        """Return the text messages in newly received bytes; checks the handshake's answer."""
        if self._head is None:
            return self.frames.feed(data)
        self._head += data
        head, found, rest = self._head.partition(b"\r\n\r\n")
        if not found:
            return []
        if not head.startswith(b"HTTP/1.1 101 "):
            raise WireError(f"the handshake was refused: {head[:200]!r} {rest[:200]!r}")
        self._head = None
        self.ready = not self.plan.steps
        return self.frames.feed(rest)

    def advance(self, text: bytes) -> None:
        """Take the next step if this is the text it waits for."""
        step = self.plan.steps[self._step]
        if step.awaited in text:
            if step.answer:
                self.sock.sendall(step.answer)
            self._step += 1
            self.ready = self._step == len(self.plan.steps)
        elif b'"type":"error"' in text:
            raise WireError(f"the server refused: {text.decode()}")


class Swarm:
    """Opens connections, a few at a time, and keeps them alive.

    Args:
        concurrency: how many handshakes are under way at a time.
        keepalive: the texts of a protocol that pings with messages of its own.
    """

    def __init__(self, concurrency: int = 64, keepalive: KeepAlive | None = None) -> None:
        self.members: list[Member] = []
        self.on_text: Callable[[Member, bytes], None] | None = None
        self._concurrency = concurrency
        self._keepalive = keepalive
        self._epoll = select.epoll()
        self._by_fd: dict[int, Member] = {}
        self._opening = 0

    def open(self, plans: Iterable[Plan]) -> None:
        """Open connections and wait until every one is ready."""
        waiting = deque(plans)
        last_progress_s = time.monotonic()
        while waiting or self._opening:
            while waiting and self._opening < self._concurrency:
                self._start(waiting.popleft())
            before = self._opening
            self.pump(0.5)
            if self._opening != before:
                last_progress_s = time.monotonic()
            elif time.monotonic() - last_progress_s > _STALL_TIMEOUT_S:
                raise WireError(f"{self._opening} connections wait for an answer of the server")

    def pump(self, timeout_s: float) -> bool:
        """Read once what there is; returns whether there was anything."""
        events = self._epoll.poll(timeout_s)
        for fd, _ in events:
            self._read(self._by_fd[fd])
        return bool(events)

    def pump_for(self, duration_s: float) -> None:
        """Read for a time: events are taken, pings are answered."""
        end_s = time.monotonic() + duration_s
        while (left_s := end_s - time.monotonic()) > 0:
            self.pump(left_s)

    def pump_until_quiet(self, quiet_s: float, at_most_s: float) -> None:
        """Read until nothing has come for a while."""
        deadline_s = time.monotonic() + at_most_s
        while self.pump(quiet_s):
            if time.monotonic() > deadline_s:
                raise WireError(f"the server was not silent for {quiet_s} s within {at_most_s} s")

    def release(self) -> None:
        """Stop watching the sockets: another program reads them from here on.

        A socket that is in two epoll sets costs its peer more per send.
        """
        self._epoll.close()

    def close(self) -> None:
        """Close all connections."""
        self._epoll.close()
        for member in self.members:
            member.sock.close()
        self._by_fd.clear()
        self.members.clear()
        self._opening = 0

    def _start(self, planned: Plan) -> None:
        number = len(self.members)
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind((f"127.0.1.{1 + number // _CONNECTIONS_PER_ADDRESS}", 0))
        failure = sock.connect_ex(("127.0.0.1", planned.port))
        if failure not in (0, errno.EINPROGRESS):
            sock.close()
            raise WireError(f"connect: {errno.errorcode[failure]}")
        member = Member(sock, number, planned)
        self.members.append(member)
        self._by_fd[sock.fileno()] = member
        self._opening += 1
        self._epoll.register(sock.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def _read(self, member: Member) -> None:
        if member.plan.request:
            # The first event: the connection is up.
            member.sock.sendall(member.plan.request)
            member.plan = member.plan._replace(request=b"")
            self._epoll.modify(member.sock.fileno(), select.EPOLLIN)
            return
        try:
            data = member.sock.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return
        if not data:
            raise WireError(f"the server closed connection {member.number} without a frame")
        was_ready = member.ready
        for text in member.take(data):
            if self._keepalive is not None and text == self._keepalive.ping:
                member.sock.sendall(text_frame(self._keepalive.pong))
            elif not member.ready:
                member.advance(text)
            elif self.on_text is not None:
                self.on_text(member, text)
        if member.ready and not was_ready:
            self._opening -= 1
        while member.frames.pings:
            member.sock.sendall(pong_frame(member.frames.pings.pop()))

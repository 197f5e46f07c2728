"""Many authenticated connections in one process: non-blocking sockets, one epoll, no tasks."""

import errno
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

import orjson

from benchmarks.wire import FrameReader, command_frame, upgrade_request
from loadtest.wire import WireError, pong_frame

_IP_BIND_ADDRESS_NO_PORT = 24  # <linux/in.h>: choose the port at connect, so ports are reused
_CONNECTIONS_PER_ADDRESS = 8000
_STALL_TIMEOUT_S = 20.0
_RECEIVE_BYTES = 65536


class Plan(NamedTuple):
    """A connection to be: its request is built beforehand, so that signing costs nothing later."""

    port: int
    request: bytes
    room_id: str | None = None


def plan(port: int, user_id: str, room_id: str | None = None) -> Plan:
    """Plan one connection, with a token of its own."""
    return Plan(port, upgrade_request(port, user_id), room_id)


class Member:
    """One connection; `ready` once it is authenticated and in its room, if it has one."""

    __slots__ = ("_head", "frames", "number", "plan", "ready", "sock")

    def __init__(self, sock: socket.socket, number: int, planned: Plan) -> None:
        self.sock = sock
        self.number = number
        self.plan = planned
        self.frames = FrameReader()
        self.ready = False
        self._head: bytes | None = b""

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
        return self.frames.feed(rest)


class Swarm:
    """Opens connections, a few at a time, and keeps them alive.

    Args:
        concurrency: how many handshakes are under way at a time.
    """

    def __init__(self, concurrency: int = 64) -> None:
        self.members: list[Member] = []
        self.on_text: Callable[[Member, bytes], None] | None = None
        self._concurrency = concurrency
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

    def close(self) -> None:
        """Close all connections."""
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
        for text in member.take(data):
            if member.ready:
                if self.on_text is not None:
                    self.on_text(member, text)
            else:
                self._advance(member, text)
        while member.frames.pings:
            member.sock.sendall(pong_frame(member.frames.pings.pop()))

    def _advance(self, member: Member, text: bytes) -> None:
        event = orjson.loads(text)
        kind, room_id = event["type"], member.plan.room_id
        if kind == "error":
            raise WireError(f"the server refused: {text.decode()}")
        if kind == "connected" and room_id is not None:
            member.sock.sendall(command_frame({"type": "join_room", "id": 1, "roomId": room_id}))
        elif kind == ("connected" if room_id is None else "room_joined"):
            member.ready = True
            self._opening -= 1

"""The writing half of a connection: bounded, coalesced, and past the transport where possible."""

import asyncio
from abc import abstractmethod
from typing import TYPE_CHECKING, cast

from chat.protocol import frames
from chat.protocol.errors import CloseCode

if TYPE_CHECKING:
    from asyncio.trsock import TransportSocket

    from websockets.extensions import Extension
    from websockets.protocol import Protocol as SansIo

    from chat.gateway.gateway import Gateway
    from chat.gateway.handler import Handler

#: No descriptor: this connection is written to through its transport.
NOT_DIRECT = -1


class Outbound(asyncio.Protocol):
    """What a connection has to say, and what it does when the client does not listen."""

    __slots__ = (
        "_drain_waiter",
        "_gateway",
        "_head",
        "_parser",
        "_paused",
        "direct_fd",
        "handler",
        "is_open",
        "transport",
    )

    def __init__(
        self,
        gateway: "Gateway",
        transport: asyncio.Transport,
        extensions: "list[Extension]",
        head: bytes,
    ) -> None:
        self.transport = transport
        self.handler: Handler | None = None  # set by the gateway before any data arrives
        self.is_open = True  # false as soon as either side has said close
        #: Where fan-out writes past the transport; NOT_DIRECT unless open, with nothing unsent,
        #: not compressed. Never outlives the descriptor: it would be another client's by then.
        self.direct_fd = NOT_DIRECT if extensions else self._fd()
        self._paused = False  # the transport holds bytes that the socket did not take
        self._gateway = gateway
        self._head = head  # the handshake's answer, to leave with what the handler says first
        self._parser: SansIo | None = None  # only while a frame needs it, or with extensions
        self._drain_waiter: asyncio.Future[None] | None = None

    def _fd(self) -> int:
        return cast("TransportSocket", self.transport.get_extra_info("socket")).fileno()

    @abstractmethod
    def close(self, code: CloseCode, reason: str | None = None) -> None:
        """Start the closing handshake."""

    def send(self, frame: bytes) -> None:
        """Write one frame, or a run of frames, that this client must get.

        A connection that lets more than `max_outbound_bytes` pile up is closed with 4200, which
        tells the client to come back and resume; its memory is bounded by that.

        Cost: one system call while the socket takes the bytes.
        """
        if not self.is_open:
            return
        if self._paused:
            unsent = self.transport.get_write_buffer_size()
            if unsent + len(frame) > self._gateway.settings.max_outbound_bytes:
                self._gateway.stats.slow_consumer_closes += 1
                self.close(CloseCode.SLOW_CONSUMER)
                return
        if self._parser is not None and self._parser.extensions:
            frame = self._compressed(frame)
        self._write(frame)

    def send_ephemeral(self, frame: bytes) -> None:
        """Write a frame that may be left out when the client reads slowly."""
        if self.congested:
            self._gateway.stats.ephemeral_dropped += 1
        else:
            self.send(frame)

    def _compressed(self, joined: bytes) -> bytes:
        parser = cast("SansIo", self._parser)
        for first, payload in frames.split_frames(joined):
            if first == frames.TEXT:
                parser.send_text(payload)
            elif first == frames.BINARY:
                parser.send_binary(payload)
            elif first == frames.PING:
                parser.send_ping(payload)
            else:
                parser.send_pong(payload)
        return b"".join(parser.data_to_send())

    def flush_head(self) -> None:
        """Send the handshake's answer if it has not left with a first frame: a system call less."""
        if self._head:
            self._write(b"")

    def _write(self, data: bytes) -> None:
        if self._head:
            data = self._head + data
            self._head = b""
        self._gateway.stats.bytes_out += len(data)
        self.transport.write(data)

    @property
    def congested(self) -> bool:
        """Whether more is unsent than the high-water mark: ephemeral events are left out."""
        high = self._gateway.settings.outbound_high_water_bytes
        return self._paused and self.transport.get_write_buffer_size() > high

    def pause_writing(self) -> None:
        """The socket did not take everything: what comes next has to line up behind it."""
        self._paused = True
        self._set_direct_fd(NOT_DIRECT)

    def resume_writing(self) -> None:
        """The client has caught up: nothing is unsent."""
        self._paused = False
        compressed = self._parser is not None and bool(self._parser.extensions)
        if self.is_open and not compressed:
            self._set_direct_fd(self._fd())
        self._wake_drain_waiter()

    def _set_direct_fd(self, fd: int) -> None:
        if fd != self.direct_fd:
            self.direct_fd = fd
            if self.handler is not None:
                self.handler.on_direct(fd)

    async def drained(self) -> None:
        """Wait until the client has caught up, or is gone. One waiter at a time.

        Cancellation: safe.
        """
        if self.congested:
            self._drain_waiter = asyncio.get_running_loop().create_future()
            await self._drain_waiter

    def _wake_drain_waiter(self) -> None:
        waiter, self._drain_waiter = self._drain_waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

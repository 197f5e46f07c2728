"""One WebSocket connection in its steady state: no task, no timer, no parser while it is quiet.

A complete, masked, final text frame in one read, which is nearly all traffic of a chat, and small
pings and pongs are decoded here. Everything else (fragments, close, compressed frames, protocol
errors) goes frame by frame through `websockets`' Sans-I/O protocol, made when needed and dropped
when done, so that conformance is the library's and the memory of a million idle connections ours.
"""

import asyncio
from typing import TYPE_CHECKING, cast

from websockets.frames import Opcode
from websockets.protocol import SERVER, State
from websockets.protocol import Protocol as SansIo

from chat.gateway.outbound import NOT_DIRECT, Outbound
from chat.gateway.wheel import OFF
from chat.protocol import frames
from chat.protocol.errors import CLOSE_REASONS, CloseCode

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without the C extension
    from websockets.utils import apply_mask

if TYPE_CHECKING:
    from websockets.extensions import Extension
    from websockets.frames import Frame

    from chat.gateway.gateway import Gateway
    from chat.gateway.handler import Handler


#: What is left of a control frame's 125 bytes behind the close code.
MAX_REASON_BYTES = 123


class Connection(Outbound):
    """An `asyncio.Protocol` from the accepted handshake to the last byte."""

    __slots__ = (
        "_close_code",
        "_control_count",
        "_control_tick",
        "_fragments",
        "_heard",
        "_partial",
        "_pong_due_tick",
        "user_id",
        "wheel_slot",
    )

    def __init__(
        self,
        gateway: "Gateway",
        transport: asyncio.Transport,
        extensions: "list[Extension]",
        head: bytes = b"",
    ) -> None:
        super().__init__(gateway, transport, extensions, head)
        self.user_id = ""  # once authenticated
        self.wheel_slot = OFF
        self._fragments: bytearray | None = None  # a fragmented message so far
        self._partial: bytearray | None = None  # the front of a frame that isn't whole
        self._heard = True  # any byte since the wheel came by
        self._pong_due_tick = 0  # when a pinged client counts as dead; 0 while none is due
        self._control_tick = 0
        self._control_count = 0
        self._close_code = 1006
        if extensions:
            self._parser = self._make_parser()
            self._parser.extensions = extensions

    # ---------------------------------------------------------------- inbound

    def data_received(self, data: bytes) -> None:
        """Split what arrived into frames and hand each to its decoder."""
        self._heard = True
        self._gateway.stats.bytes_in += len(data)
        if self._partial is not None:
            self._partial += data
            if self.is_open and self._is_short(self._partial):
                return
            data = bytes(self._partial)
            self._partial = None
        at = 0
        end = len(data)
        while at < end:
            if not self.is_open:
                self._feed(data[at:])  # the library waits for the peer's close frame
                return
            used = self._frame(data, at, end)
            if used == 0:
                self._partial = bytearray(data[at:])
                return
            at += used

    def _is_short(self, partial: bytearray) -> bool:
        """Whether a valid frame is still incomplete: then it is not worth a look."""
        header = frames.header_bytes(partial, 0)
        if header == 0 or len(partial) < header:
            return True
        start, size = frames.payload_span(partial, 0)
        is_valid = partial[1] & frames.MASKED and size <= self._gateway.max_bytes
        return bool(is_valid) and len(partial) < start + size

    def _frame(self, data: bytes, at: int, end: int) -> int:
        """Handle the frame at `at`; return its length, or 0 if more bytes are needed."""
        header = frames.header_bytes(data, at)
        if header == 0 or end - at < header:
            return 0
        start, size = frames.payload_span(data, at)
        first = data[at]
        if not data[at + 1] & frames.MASKED or size > self._gateway.max_bytes:
            self._feed(data[at:])  # an error that the library words for us
            return end - at
        stop = start + size
        if stop > end:
            return 0
        if first == frames.TEXT and self._fragments is None:
            self._text(apply_mask(data[start:stop], data[start - 4 : start]))
        elif first in (frames.PING, frames.PONG) and size <= 125:
            self._control(first, data, start, stop)
        elif size == 0 and not first & frames.FIN and self._is_flood():
            self._fail(CloseCode.FLOOD)  # empty fragments never add up to a message
        else:
            if first == frames.CLOSE and self._fragments is not None:
                self._fragments = self._parser = None  # a close may come within a message
            self._feed(data[at:stop])
        return stop - at

    def _text(self, payload: bytes) -> None:
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            self._fail(CloseCode.INVALID_DATA)  # RFC 6455 section 8.1
            return
        self._gateway.stats.messages_in += 1
        cast("Handler", self.handler).on_text(text)

    def _control(self, first: int, data: bytes, start: int, stop: int) -> None:
        self._gateway.stats.frames_control += 1
        if self._is_flood():
            self._fail(CloseCode.FLOOD)
        elif first == frames.PING and not self.congested:
            # A peer that pings and never reads gets no pong: its pongs would be our memory.
            self.send(frames.pong_frame(apply_mask(data[start:stop], data[start - 4 : start])))

    def _is_flood(self) -> bool:
        """Count a frame that is part of no message; true if there are too many this second."""
        if self._control_tick != self._gateway.tick:
            self._control_tick = self._gateway.tick
            self._control_count = 0
        self._control_count += 1
        return self._control_count > self._gateway.settings.max_control_frames_per_s

    def _feed(self, data: bytes) -> None:
        """Let the library have one frame (or everything, once the connection is closing)."""
        parser = self._parser = self._parser or self._make_parser()
        parser.receive_data(data)
        for event in parser.events_received():
            frame = cast("Frame", event)
            if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._data_frame(frame.opcode, bytes(frame.data), frame.fin)
        self._settle(parser)

    def _data_frame(self, opcode: Opcode, data: bytes, fin: bool) -> None:
        if not self.is_open:
            return
        if opcode is not Opcode.CONT:
            if fin:
                self._message(opcode, data)
                return
            self._fragments = bytearray((opcode,))
        fragments = cast("bytearray", self._fragments)
        fragments += data
        if fin:
            self._fragments = None
            self._message(Opcode(fragments[0]), bytes(fragments[1:]))

    def _message(self, opcode: Opcode, data: bytes) -> None:
        if opcode is Opcode.TEXT:
            self._text(data)
        else:
            self._gateway.stats.messages_in += 1
            cast("Handler", self.handler).on_binary(data)

    def _make_parser(self) -> SansIo:
        return SansIo(SERVER, state=State.OPEN, max_size=self._gateway.max_bytes)

    def _settle(self, parser: SansIo) -> None:
        """Write what the library wants written; drop it where the next frame starts afresh."""
        for data in parser.data_to_send():
            if not data:
                self._end()
            elif self.is_open or not self.congested:  # else a pong to a peer that never reads
                self._write(data)
        if parser.state is State.OPEN:
            if self._fragments is None and not parser.extensions:
                self._parser = None
        elif self.is_open:
            self._closing(parser.close_sent.code if parser.close_sent else 1006)

    def _end(self) -> None:
        """Close our half only, and go on dropping what still arrives until the peer closes its.

        Closing a socket that has unread bytes resets it, and a reset can overtake the close frame.
        """
        if not self.transport.is_closing():
            self.transport.write_eof()

    # ---------------------------------------------------------------- closing

    def close(self, code: CloseCode, reason: str | None = None) -> None:
        """Start the closing handshake, once; the gateway cuts it after `close_timeout`."""
        if not self.is_open:
            return
        parser = self._parser = self._parser or self._make_parser()
        text = (reason or CLOSE_REASONS[code]).encode()[:MAX_REASON_BYTES].decode(errors="ignore")
        parser.send_close(code, text)
        for data in parser.data_to_send():
            self._write(data)
        self._closing(code)

    def _fail(self, code: CloseCode) -> None:
        """Close, and look at nothing more that the peer sends (RFC 6455 section 7.1.7)."""
        parser = self._parser = self._parser or self._make_parser()
        parser.fail(code, CLOSE_REASONS[code])
        self._settle(parser)

    def _closing(self, code: int) -> None:
        self.is_open = False
        self._set_direct_fd(NOT_DIRECT)
        self._close_code = code
        self._fragments = None
        if not self.transport.is_closing():
            self.transport.resume_reading()  # the peer's close frame must get through
        self._gateway.closing(self)

    def authenticated(self, user_id: str) -> None:
        """The handler knows who this is: the handshake deadline no longer applies."""
        self.user_id = user_id
        self._gateway.authenticated(self)

    def visit(self, now_s: float) -> None:
        """Judge liveness when the timer wheel comes by. Any byte since the last visit is life."""
        gateway = self._gateway
        settings = gateway.settings
        if not self.is_open:
            return
        if self._heard:
            self._heard = False
            self._pong_due_tick = 0
            wait_s = gateway.jittered(settings.ping_interval)
        elif self._pong_due_tick == 0:
            wait_s = settings.ping_timeout
            self._pong_due_tick = gateway.tick + gateway.ticks(wait_s)
            if not self.congested:
                self.send(frames.PING_FRAME)
        elif gateway.tick < self._pong_due_tick:
            wait_s = gateway.seconds(self._pong_due_tick - gateway.tick)
        else:
            gateway.stats.ping_timeouts += 1
            self.close(CloseCode.PING_TIMEOUT)
            return
        gateway.revisit(self, wait_s)
        if self.handler is not None:
            sooner_s = self.handler.on_visit(now_s)
            if sooner_s < wait_s and self.is_open:
                gateway.revisit(self, sooner_s)

    def abort(self) -> None:
        """Cut the connection without ceremony."""
        self.transport.abort()

    def eof_received(self) -> bool:
        """The peer sent FIN: without a close frame before, that is 1006."""
        return False

    def connection_lost(self, _exc: Exception | None) -> None:
        """The transport is gone; tell the handler and the gateway once.

        The descriptor is closed right after this, and its number given to the next client: the
        handler comes first, so that no room has it any more, whatever happens here.
        """
        self.is_open = self._paused = False
        self.direct_fd = NOT_DIRECT
        self._parser = self._fragments = self._partial = None
        self._wake_drain_waiter()
        handler, self.handler = self.handler, None
        try:
            if handler is not None:
                handler.on_closed(self._close_code)
        finally:
            self._gateway.closed(self, self._close_code)

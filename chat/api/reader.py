"""Who reads an event stream, as fan-out sees it: a bounded buffer in front of a socket."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from chat.api.sse import Renderer, block
from chat.protocol.events import encode_event
from chat.protocol.http import StreamClosed

if TYPE_CHECKING:
    from asyncio import WriteTransport

#: As much is handed to the socket at a time; what it does not take stays with us, where it counts.
WRITE_BYTES = 65536


class Bounds:
    """What all readers of a process share.

    Args:
        most_bytes: unsent bytes at which a reader is cut off.
        high_water_bytes: unsent bytes at which typing and presence are left out.
    """

    def __init__(self, most_bytes: int, high_water_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.high_water_bytes = high_water_bytes
        self.durable = Renderer()
        self.ephemeral = Renderer()


class Reader:
    """A member of a room's fan-out, not of the room: nobody is told of it.

    Args:
        room_id: that it reads.
        owner: the user it belongs to; empty for a back end.
        bounds: shared with the others.
    """

    direct_fd = -1  # frames have to be made into blocks first

    __slots__ = ("_blocks", "_bounds", "_is_open", "_size", "_work", "room_id", "user_id", "why")

    def __init__(self, room_id: str, owner: str, bounds: Bounds) -> None:
        self.room_id = room_id
        self.user_id = owner
        self.why = ""  # it ended, once it has
        self._bounds = bounds
        self._blocks: deque[bytes] = deque()
        self._size = 0
        self._is_open = True
        self._work = asyncio.Event()

    @property
    def transport(self) -> "WriteTransport":
        """Nobody asks: it belongs to a descriptor."""
        raise RuntimeError("a stream has no descriptor of its own")

    # ------------------------------------------------------------- from the room

    def send(self, frame: bytes) -> None:
        """Take what the reader must get; too much of it ends the stream, to be resumed."""
        if not self._is_open:
            return
        self._add(self._bounds.durable(frame))
        if self._size > self._bounds.most_bytes:
            self._blocks.clear()
            self._size = 0
            self.close("slow_consumer")

    def send_ephemeral(self, frame: bytes) -> None:
        """Take what may be left out, unless the reader is slow."""
        if self._is_open and self._size <= self._bounds.high_water_bytes:
            self._add(self._bounds.ephemeral(frame))

    def _add(self, blocks: bytes) -> None:
        self._blocks.append(blocks)
        self._size += len(blocks)
        self._work.set()

    # ---------------------------------------------------------------- the end

    def close(self, why: str) -> None:
        """End the stream behind what waits, and say why."""
        event = encode_event(StreamClosed(roomId=self.room_id, reason=why))
        self.end(why, block(event))

    def end(self, why: str, farewell: bytes = b"") -> None:
        """Take nothing any more; the stream ends behind what waits and a last block."""
        if self._is_open:
            self._add(farewell)
            self._is_open = False
            self.why = why

    # ---------------------------------------------------------------- the socket

    async def wait(self) -> None:
        """Return when there is something to write, or the end."""
        await self._work.wait()

    def take(self) -> bytes:
        """Return the next blocks to write; empty if none waits."""
        taken = []
        size = 0
        while self._blocks and size < WRITE_BYTES:
            taken.append(self._blocks.popleft())
            size += len(taken[-1])
        self._size -= size
        if not self._blocks and self._is_open:
            self._work.clear()
        return b"".join(taken)

    @property
    def is_over(self) -> bool:
        """Whether it has ended and all is written."""
        return not self._is_open and not self._blocks

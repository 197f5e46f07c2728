"""Commands that are to be stored and are not acknowledged yet: pure state.

Those of one room are sent one after the other, so that a retry neither overtakes nor is overtaken.
Each has a client message id, so that a retry is stored once.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chat.client.errors import OutboxFullError, RefusedError
from chat.client.events import Ordered, encode
from chat.client.policy import may_retry, retry_pause_s

#: The server knows a client message id for 300 s; stay well inside. In seconds.
SAFE_RETRY_S = 240.0
#: A command that the server fails on is not sent for ever, or nothing behind it would ever be.
MAX_INTERNAL = 5
_ENVELOPE_BYTES = 32  # the `id` that is added


@dataclass(eq=False)
class Outgoing:
    """One command on its way into a room.

    Attributes:
        room_id: the room.
        command: what is sent, without `id`.
        client_message_id: the name under which a retry is recognised.
        size: in bytes, as sent.
        sending: it was sent on the live connection, and the answer is due.
        attempt: how often it was refused for now.
        not_before: monotonic time in seconds before which it is not sent again.
        sent_at: monotonic time of the last time it was sent, None before.
        doubt_since: monotonic time of the first attempt that may have taken effect although it was
            not acknowledged; None while there is none.
        blind: since that attempt there was a gap in what is seen of the room.
        echo: the event it became, if that was seen before the answer.
    """

    room_id: str
    command: Mapping[str, Any]
    client_message_id: str
    size: int
    sending: bool = False
    attempt: int = 0
    not_before: float = 0.0
    sent_at: float | None = None
    doubt_since: float | None = None
    blind: bool = False
    echo: Ordered | None = field(default=None, repr=False)


class Outbox:
    """What waits in all rooms, bounded in count and bytes.

    Args:
        max_count: commands.
        max_bytes: their size.
    """

    def __init__(self, max_count: int, max_bytes: int) -> None:
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._rooms: dict[str, deque[Outgoing]] = {}
        self.count = 0
        self.bytes = 0

    def add(self, room_id: str, command: Mapping[str, Any], client_message_id: str) -> Outgoing:
        """Put a command at the end of its room's queue.

        Raises:
            OutboxFullError: there is no space for it.
        """
        size = len(encode(command).encode()) + _ENVELOPE_BYTES
        if self.count >= self._max_count or self.bytes + size > self._max_bytes:
            raise OutboxFullError(
                f"{self.count} commands of {self.bytes} bytes wait already, "
                f"at most {self._max_count} of {self._max_bytes} may"
            )
        item = Outgoing(room_id, command, client_message_id, size)
        self._rooms.setdefault(room_id, deque()).append(item)
        self.count += 1
        self.bytes += size
        return item

    def of(self, room_id: str) -> tuple[Outgoing, ...]:
        """Return what waits in a room, first to be sent first."""
        return tuple(self._rooms.get(room_id, ()))

    def next(self, room_id: str, now: float) -> Outgoing | None:
        """Return the command to send now: the first, unless it is on its way or has to wait."""
        first = self._first(room_id)
        if first is None or first.sending or first.not_before > now:
            return None
        return first

    def due_at(self, room_id: str) -> float | None:
        """Return when the first one may be sent, None if there is none."""
        first = self._first(room_id)
        return None if first is None or first.sending else first.not_before

    def sent(self, item: Outgoing, now: float) -> None:
        """It is on its way."""
        item.sending = True
        item.sent_at = now

    def unanswered(self, room_id: str) -> None:
        """The connection is another one: what was on its way has to be sent again."""
        for item in self._rooms.get(room_id, ()):
            if item.sending:
                _doubt(item)

    def refused(self, item: Outgoing, error: RefusedError, now: float, random: float) -> bool:
        """Take a refusal; return whether the command will be sent again."""
        if error.uncertain:
            _doubt(item)
        item.sending = False
        item.attempt += 1
        if error.code == "internal" and item.attempt >= MAX_INTERNAL:
            return False
        if not may_retry(error.code, error.retry_after_ms):
            return False
        item.not_before = now + retry_pause_s(error.retry_after_ms, item.attempt - 1, random)
        return True

    def echoed(self, event: Ordered, client_message_id: str) -> None:
        """Note that an own command was seen at its place in the room.

        That is not an acknowledgement: a server may be asked to wait for replicas with that.
        """
        for item in self._rooms.get(event.room_id, ()):
            if item.client_message_id == client_message_id:
                item.echo = event

    def lose_sight(self, room_id: str) -> None:
        """There was a gap: what became of a command that is in doubt may lie in it."""
        for item in self._rooms.get(room_id, ()):
            item.blind |= item.sending or item.doubt_since is not None

    def doubtful(self, room_id: str, now: float) -> tuple[Outgoing, ...]:
        """Return what may be stored for so long that a retry is perhaps not recognised any more."""
        return tuple(
            item
            for item in self._rooms.get(room_id, ())
            if item.doubt_since is not None and now - item.doubt_since > SAFE_RETRY_S
        )

    def renew(self, item: Outgoing) -> None:
        """It is certain that it was never stored: as if it had not been sent."""
        item.doubt_since = None
        item.blind = False

    def remove(self, item: Outgoing) -> None:
        """It is through, or given up; harmless if it is gone already."""
        queue = self._rooms.get(item.room_id)
        if queue is None or item not in queue:
            return
        queue.remove(item)
        self.count -= 1
        self.bytes -= item.size
        if not queue:
            del self._rooms[item.room_id]

    def _first(self, room_id: str) -> Outgoing | None:
        queue = self._rooms.get(room_id)
        return queue[0] if queue else None


def _doubt(item: Outgoing) -> None:
    item.sending = False
    if item.doubt_since is None:
        item.doubt_since = item.sent_at

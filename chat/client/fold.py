"""A room's events folded into its messages, as people see them: pure, and the same for everyone.

Events of the room and pages of its history may come in any order and overlap; what is shown depends
on what has come only. A message out of history has folded in what had happened before (`version`),
so of each message its latest version is kept, and what happened later.
"""

import bisect
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from chat.client.events import (
    Amendment,
    ChatMessage,
    Event,
    Gap,
    HistoryPage,
    MessageDeleted,
    MessageEdited,
    Position,
    ReactionAdded,
    ReactionRemoved,
)

#: Of one message so many amendments are kept apart, for the case that the store goes back in time.
MAX_APART = 200
#: Amendments kept of messages that are not loaded: a page that contains those may be on its way.
MAX_ORPHANS = 1000


def amended(message: ChatMessage, event: Amendment) -> ChatMessage:
    """Return what becomes of a message; a deleted one stays deleted."""
    if message.deleted:
        return message
    match event:
        case MessageEdited(content=str(content)):
            return replace(
                message,
                content=content,
                mentions=event.mentions or None,
                version=event.seq,
                edited_at=event.timestamp,
                edited_seq=event.seq,
            )
        case MessageDeleted():
            return replace(
                message,
                content="",
                mentions=None,
                attachments=None,
                version=event.seq,
                edited_at=None,
                edited_seq=None,
                reactions=None,
                deleted=True,
                deleted_by=event.user_id,
            )
        case ReactionAdded():
            return _with_users(message, event, event.reaction, there=True)
        case ReactionRemoved():
            return _with_users(message, event, event.reaction, there=False)
    return message


def _with_users(
    message: ChatMessage, event: Amendment, reaction: str, *, there: bool
) -> ChatMessage:
    """Return a message with a user among those of a reaction, at the end, or not among them."""
    reactions = dict(message.reactions or {})
    users = reactions.pop(reaction, [])
    if (event.user_id in users) is there:
        return message
    if there:
        reactions = {**(message.reactions or {}), reaction: [*users, event.user_id]}
    elif len(users) > 1:
        left = [user for user in users if user != event.user_id]
        reactions = {**(message.reactions or {}), reaction: left}
    return replace(message, reactions=reactions or None, version=event.seq)


@dataclass(slots=True)
class _Entry:
    """One message: folded up to a seq, and what came after."""

    base: ChatMessage
    folded_to: int
    later: list[Amendment] = field(default_factory=list)
    shown: ChatMessage | None = None

    def take(self, event: Amendment) -> bool:
        """Add something that happened; return whether it is news."""
        if event.seq <= self.folded_to or event.message_id != self.base.message_id:
            return False
        at = bisect.bisect_left(self.later, event.seq, key=_seq)
        if at < len(self.later) and self.later[at].seq == event.seq:
            return False
        self.later.insert(at, event)
        self.shown = None
        if len(self.later) > MAX_APART:
            oldest = self.later.pop(0)
            self.base, self.folded_to = amended(self.base, oldest), oldest.seq
        return True

    def message(self) -> ChatMessage:
        """Return what it is now."""
        if self.shown is None:
            self.shown = self.base
            for event in self.later:
                self.shown = amended(self.shown, event)
        return self.shown


def _seq(event: Amendment) -> int:
    return event.seq


class Conversation:
    """The messages of one room.

    Args:
        limit: so many are kept, the latest.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._entries: dict[int, _Entry] = {}
        self._order: list[int] = []
        self._orphans: deque[Amendment] = deque(maxlen=MAX_ORPHANS)
        #: Stretches that will never come; see `Gap`.
        self.gaps: deque[Gap] = deque(maxlen=100)

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[ChatMessage]:
        """Yield the messages in the room's order."""
        return (self._entries[seq].message() for seq in self._order)

    def get(self, seq: int) -> ChatMessage | None:
        """Return the message that stands at a seq."""
        entry = self._entries.get(seq)
        return None if entry is None else entry.message()

    def apply(self, event: Event) -> bool:
        """Take an event of the room; return whether any message is another one now."""
        match event:
            case ChatMessage():
                return self._add(event)
            case Amendment():
                return self._amend(event)
            case Gap(reason="reset"):
                self._reset(event)
                return True
            case Gap():
                self.gaps.append(event)
        return False

    def add_page(self, page: HistoryPage) -> bool:
        """Take a page of history; return whether any message is another one now."""
        changed = [self._add(message) for message in page.messages]
        return any(changed)

    def thread(self, message_id: str) -> list[ChatMessage]:
        """Return the messages of a thread, without its root."""
        return [message for message in self if message.thread_id == message_id]

    def _add(self, message: ChatMessage) -> bool:
        folded_to = message.version or message.seq
        entry = self._entries.get(message.seq)
        if entry is not None and entry.folded_to >= folded_to:
            return False
        if entry is None:
            if len(self._order) >= self._limit and message.seq < self._order[0]:
                return False
            bisect.insort(self._order, message.seq)
        known: Iterable[Amendment] = self._orphans if entry is None else entry.later
        fresh = self._entries[message.seq] = _Entry(message, folded_to)
        for event in list(known):
            if event.message_seq == message.seq:
                fresh.take(event)
        if len(self._order) > self._limit:
            del self._entries[self._order.pop(0)]
        return True

    def _amend(self, event: Amendment) -> bool:
        entry = self._entries.get(event.message_seq)
        if entry is None:
            self._orphans.append(event)
            return False
        return entry.take(event)

    def _reset(self, gap: Gap) -> None:
        """The store went back: what came after `from_seq` has not happened."""
        last: Position = gap.position
        kept = [event for event in self._orphans if event.seq <= last.seq]
        self._orphans = deque(kept, maxlen=MAX_ORPHANS)
        for seq in list(self._order):
            entry = self._entries[seq]
            if seq > last.seq or entry.folded_to > last.seq:
                # Gone, or folded with something that may be gone: history has the truth.
                del self._entries[seq]
                continue
            entry.later = [event for event in entry.later if event.seq <= last.seq]
            entry.shown = None
        self._order = [seq for seq in self._order if seq in self._entries]
        self.gaps.append(gap)

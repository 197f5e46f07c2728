"""What is to be stored in a room: a message, or an event with what it does besides."""

from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from chat.broker.keys import Keys
from chat.broker.scripts import Script, Scripts


@dataclass(frozen=True, slots=True)
class Fold:
    """What an event makes of the message it names; see `scripts/room_fold.lua`.

    Args:
        letter: of the event's record.
        seq: of the message.
        digest: SHA-1 of the message's record that the fold was made of.
        body: what the record's body becomes, without what only the script knows.
        is_edit: the message notes when and where it was edited.
        overtaken_seq: of the edit that the event overtakes; 0 for none.
        latest_ms: time after which it is too late; 0 for never.
    """

    letter: bytes
    seq: int
    digest: str
    body: bytes
    is_edit: bool
    overtaken_seq: int
    latest_ms: int

    def arguments(self) -> tuple[str | bytes | int, ...]:
        """Return its arguments of the script."""
        return (
            self.letter,
            self.seq,
            self.digest,
            self.body,
            int(self.is_edit),
            self.overtaken_seq,
            self.latest_ms,
        )


@dataclass(frozen=True, slots=True)
class Setting:
    """What an event sets of its room; see `scripts/room_change.lua`.

    Args:
        before: what is set as the caller has seen it, as JSON; empty for nothing.
        after: what it becomes.
        rules: those among it that scripts go by.
    """

    before: bytes
    after: bytes
    rules: str


class Event(Protocol):
    """An event that is stored by a script of its own, with whatever it changes."""

    def script(self, scripts: Scripts) -> Script:
        """Return the script; see `scripts/_append.lua` for what it shares with the others."""

    def keys(self, keys: Keys, room_id: str) -> tuple[str, ...]:
        """Return its keys between the third and the last."""

    def arguments(self) -> tuple[str | bytes | int, ...]:
        """Return its arguments between the ninth and the last."""


#: Instead of a slow mode: who may moderate is bound neither by it nor by read-only.
EXEMPT = -1


class Publication(Struct, frozen=True, gc=False):
    """What goes into the publish script, or into the one for what the event does besides.

    `slow_mode_ms` holds where the room has no rule of its own; EXEMPT for who may moderate.
    `needs_seat` is false for a back end, which is in no roster.
    """

    room_id: str
    user_id: str
    message_id: str
    body: bytes
    client_message_id: str | None
    slow_mode_ms: int
    effect: Fold | Setting | Event | None = None
    needs_seat: bool = True

"""What events have in common: their encoding, and places in a room's order."""

from typing import Any, NamedTuple

from msgspec import Struct


class Position(NamedTuple):
    """A place in a room's order: from here on a client can be told what it has missed."""

    epoch: str
    seq: int


class Event(
    Struct, frozen=True, kw_only=True, tag_field="type", rename="camel", omit_defaults=True
):
    """Base of everything the server sends."""


class RoomEvent(Event, frozen=True, kw_only=True):
    """About a room, but without a place in its order: sent once, may be left out."""

    room_id: str


class Ordered(Event, frozen=True, kw_only=True):
    """An event at its place in the room's order: each is handed over once, without a hole.

    `user_id` is who caused it, and `client_message_id` what that user called the command.
    """

    room_id: str
    epoch: str
    seq: int
    timestamp: int
    user_id: str
    user: dict[str, Any] | None = None
    client_message_id: str | None = None

    @property
    def position(self) -> Position:
        """Its place."""
        return Position(self.epoch, self.seq)


class Reference(Struct, frozen=True, rename="camel"):
    """Which message another one is about."""

    seq: int
    message_id: str

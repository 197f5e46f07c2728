"""What a program gets for a command that was stored."""

from dataclasses import dataclass
from typing import Protocol

from chat.client.events import Ack, Amendment, ChatMessage, Ordered, Position, Reference


class Placed(Protocol):
    """A message that can be answered, edited, deleted or reacted to: it has a place and an id."""

    @property
    def seq(self) -> int:
        """Its place in the room's order."""

    @property
    def message_id(self) -> str:
        """Its id."""


@dataclass(frozen=True)
class Published:
    """An acknowledged command, with the place that its event has in the room.

    Attributes:
        room_id: the room.
        epoch: with `seq`, the place of the event.
        seq: rises by one from event to event; 0 where there was nothing to change, as for a
            reaction that is there already.
        message_seq: place of the message: the same, unless the command was about an earlier one.
        message_id: the message; of an edit, a deletion or a reaction the one it was about, and
            empty where it was about none, but about the room.
        timestamp: of the message store, in milliseconds since the Unix epoch.
        client_message_id: the name under which it was sent.
        duplicate: an earlier attempt had been stored already.
    """

    room_id: str
    epoch: str
    seq: int
    message_seq: int
    message_id: str
    timestamp: int
    client_message_id: str
    duplicate: bool = False

    @property
    def position(self) -> Position:
        """The place of its event."""
        return Position(self.epoch, self.seq)


def reference(message: Placed) -> Reference:
    """Return which message is meant, by it, by its acknowledgement or by what happened to it."""
    if isinstance(message, Amendment | Published):
        return Reference(message.message_seq, message.message_id)
    return Reference(message.seq, message.message_id)


def published(ack: Ack, room_id: str, client_message_id: str, about: Reference | None) -> Published:
    """Return what an `ack` says; `about` is the earlier message that the command was about."""
    return Published(
        room_id=room_id,
        epoch=ack.epoch or "",
        seq=ack.seq or 0,
        message_seq=about.seq if about else ack.seq or 0,
        message_id=about.message_id if about else ack.message_id or "",
        timestamp=ack.timestamp or 0,
        client_message_id=client_message_id,
        duplicate=ack.duplicate,
    )


def seen(event: Ordered, client_message_id: str) -> Published:
    """Return the same for a command that is known from its event alone."""
    return Published(
        room_id=event.room_id,
        epoch=event.epoch,
        seq=event.seq,
        message_seq=event.message_seq if isinstance(event, Amendment) else event.seq,
        message_id=event.message_id if isinstance(event, ChatMessage | Amendment) else "",
        timestamp=event.timestamp,
        client_message_id=client_message_id,
        duplicate=True,
    )

"""Events with a place in a room's order, and the gaps in it."""

from typing import Any, Literal

from msgspec import Struct

from chat.protocol.about import About
from chat.protocol.commands import MessagePlace, Role
from chat.protocol.events.base import Event

GapReason = Literal["trimmed", "reset"]


class Attachment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that comes with a message; `width` and `height` are those of a picture, in pixels."""

    id: str
    name: str
    contentType: str
    size: int
    url: str
    width: int | None = None
    height: int | None = None


class Message(Event, frozen=True, kw_only=True, tag="chat_message"):
    """One message at its place in the room's order.

    What happened to it later is folded in when it is read from history: `version` is the `seq` of
    the last such event, `editedSeq` that of the last edit.
    """

    roomId: str
    epoch: str
    seq: int
    timestamp: int
    messageId: str
    userId: str
    user: dict[str, Any] | None = None
    clientMessageId: str | None = None
    replyTo: MessagePlace | None = None
    threadId: str | None = None
    mentions: list[str] | None = None
    attachments: list[Attachment] | None = None
    content: str
    version: int | None = None
    editedAt: int | None = None
    editedSeq: int | None = None
    deleted: bool = False
    deletedBy: str | None = None
    reactions: dict[str, list[str]] | None = None


class MessageChange(Event, frozen=True, kw_only=True):
    """What all events about a message have: their own place in the order, and the message's."""

    roomId: str
    epoch: str
    seq: int
    timestamp: int
    userId: str
    user: dict[str, Any] | None = None
    clientMessageId: str | None = None
    messageSeq: int
    messageId: str


class MessageEdited(MessageChange, frozen=True, kw_only=True, tag="message_edited"):
    """A message has another content; without one a later event has overtaken this."""

    content: str | None = None
    mentions: list[str] | None = None


class MessageDeleted(MessageChange, frozen=True, kw_only=True, tag="message_deleted"):
    """A message is gone, and what it said with it."""


class ReactionAdded(MessageChange, frozen=True, kw_only=True, tag="reaction_added"):
    """A user reacted to a message."""

    reaction: str


class ReactionRemoved(MessageChange, frozen=True, kw_only=True, tag="reaction_removed"):
    """A user took a reaction back."""

    reaction: str


class RoomChanged(Event, frozen=True, kw_only=True, tag="room_changed"):
    """Another title, topic or rules hold for the room from here on: `room` is all that is set."""

    roomId: str
    epoch: str
    seq: int
    timestamp: int
    userId: str
    user: dict[str, Any] | None = None
    clientMessageId: str | None = None
    room: About


class Seated(Struct, frozen=True, omit_defaults=True):
    """What a user has become in a room; the role is null for who is out of it."""

    userId: str
    role: Role | None
    invited: bool = False


class ParticipantChanged(Event, frozen=True, kw_only=True, tag="participant_changed"):
    """A roster has changed, at this place of the room's order; `userId` is who changed it."""

    roomId: str
    epoch: str
    seq: int
    timestamp: int
    userId: str
    clientMessageId: str | None = None
    participant: Seated


class Membership(Struct, frozen=True, omit_defaults=True):
    """What one has become in a room, and by whom; the role is null when one is out of it."""

    roomId: str
    role: Role | None
    invited: bool = False
    title: str | None = None
    userIds: list[str] | None = None
    by: str | None = None


class MembershipChanged(Event, frozen=True, kw_only=True, tag="membership_changed"):
    """Somebody let the user into a room, invited the user, or changed that; in the inbox."""

    roomId: str
    epoch: str
    seq: int
    timestamp: int
    membership: Membership


class Gap(Event, frozen=True, kw_only=True, tag="gap"):
    """Messages that this client will not receive, said instead of hidden.

    `reason` is "trimmed" when `fromSeq`..`toSeq` fell off the capped history, and "reset" when the
    store itself went back in time: positions of `previousEpoch` after `fromSeq` no longer hold.
    """

    roomId: str
    reason: GapReason
    epoch: str
    fromSeq: int
    toSeq: int
    previousEpoch: str | None = None

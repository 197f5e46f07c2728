"""Events with a place in a room's order, and the gap where some are missing."""

from msgspec import Struct

from chat.client.events.about import About
from chat.client.events.base import Event, Ordered, Position, Reference


class Attachment(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A file that comes with a message; `url` begins at the root of the server's HTTP side."""

    id: str
    name: str
    content_type: str
    size: int
    url: str
    width: int | None = None
    height: int | None = None


class ChatMessage(Ordered, frozen=True, kw_only=True, tag="chat_message"):
    """A message, as far as what became of it is folded in.

    `version` is the `seq` of the last event that is folded in, None for none; `edited_seq` that of
    the last edit.
    """

    message_id: str
    content: str
    reply_to: Reference | None = None
    thread_id: str | None = None
    mentions: list[str] | None = None
    attachments: list[Attachment] | None = None
    version: int | None = None
    edited_at: int | None = None
    edited_seq: int | None = None
    deleted: bool = False
    deleted_by: str | None = None
    reactions: dict[str, list[str]] | None = None


class Amendment(Ordered, frozen=True, kw_only=True):
    """Something that happened to an earlier message."""

    message_seq: int
    message_id: str


class MessageEdited(Amendment, frozen=True, kw_only=True, tag="message_edited"):
    """A message says something else now; without a content, a later event has overtaken this."""

    content: str | None = None
    mentions: list[str] | None = None


class MessageDeleted(Amendment, frozen=True, kw_only=True, tag="message_deleted"):
    """A message was taken back, by its author or a moderator."""


class ReactionAdded(Amendment, frozen=True, kw_only=True, tag="reaction_added"):
    """A user reacted to a message."""

    reaction: str


class ReactionRemoved(Amendment, frozen=True, kw_only=True, tag="reaction_removed"):
    """A user took a reaction back."""

    reaction: str


class RoomChanged(Ordered, frozen=True, kw_only=True, tag="room_changed"):
    """Another title, topic or rules hold for the room from here on: `room` is all that is set."""

    room: About


class Seat(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a user has become in a private room; `role` is None for who is out of it."""

    user_id: str
    role: str | None
    invited: bool = False


class ParticipantChanged(Ordered, frozen=True, kw_only=True, tag="participant_changed"):
    """Who belongs to a private room, and as what, is something else now."""

    participant: Seat


class Entry(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What one has become in a private or direct room; `role` is None when one is out of it.

    `user_ids` are those of a direct room, `by` is who did it.
    """

    room_id: str
    role: str | None
    invited: bool = False
    title: str | None = None
    user_ids: list[str] | None = None
    by: str | None = None


class MembershipChanged(Ordered, frozen=True, kw_only=True, tag="membership_changed"):
    """Somebody let one into a room, invited one, or changed that: in the inbox."""

    user_id: str = ""  # the server says it in `membership`
    membership: Entry


class Gap(Event, frozen=True, kw_only=True, tag="gap"):
    """Events that will not come, said instead of hidden.

    With reason `trimmed`, `from_seq`..`to_seq` fell off the history. With `reset` the store went
    back in time: what was seen of earlier epochs after `from_seq` no longer holds.
    """

    room_id: str
    reason: str
    epoch: str
    from_seq: int
    to_seq: int
    previous_epoch: str | None = None

    @property
    def position(self) -> Position:
        """Where the room goes on."""
        return Position(self.epoch, self.to_seq)

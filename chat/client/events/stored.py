"""Events with a place in a room's order, and the gap where some are missing."""

from chat.client.events.base import Event, Ordered, Position, Reference


class ChatMessage(Ordered, frozen=True, kw_only=True, tag="chat_message"):
    """A message, as far as what became of it is folded in.

    `version` is the `seq` of the last event that is folded in, None for none; `edited_seq` that of
    the last edit.
    """

    message_id: str
    client_message_id: str | None = None
    content: str
    reply_to: Reference | None = None
    thread_id: str | None = None
    mentions: list[str] | None = None
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
    client_message_id: str | None = None


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

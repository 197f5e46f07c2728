"""Commands that write: messages, what is done to them, and typing."""

from typing import Annotated

from msgspec import Meta

from chat.protocol.commands.fields import (
    ClientMessageId,
    Command,
    MessageId,
    MessagePlace,
    RoomId,
    Seq,
    UserId,
)

#: The most files that come with one message.
ATTACHMENTS_MAX = 10
FileId = Annotated[str, Meta(min_length=1, max_length=160)]
FileIds = Annotated[list[FileId], Meta(max_length=ATTACHMENTS_MAX)]


class ChatMessage(Command, frozen=True, kw_only=True, tag="chat_message"):
    """Publish to a room; `clientMessageId` makes a retry safe."""

    roomId: RoomId
    content: str
    clientMessageId: ClientMessageId | None = None
    replyTo: MessagePlace | None = None
    threadId: MessageId | None = None
    mentions: list[UserId] | None = None
    attachments: FileIds | None = None


class Change(Command, frozen=True, kw_only=True):
    """What all commands about one message have; the message is found by its place."""

    roomId: RoomId
    seq: Seq
    messageId: MessageId
    clientMessageId: ClientMessageId | None = None


class EditMessage(Change, frozen=True, kw_only=True, tag="edit_message"):
    """Replace the content and the mentions of one's own message."""

    content: str
    mentions: list[UserId] | None = None


class DeleteMessage(Change, frozen=True, kw_only=True, tag="delete_message"):
    """Take a message away: one's own, or with `moderate` anybody's."""


class AddReaction(Change, frozen=True, kw_only=True, tag="add_reaction"):
    """Put a reaction to a message, once per user."""

    reaction: str


class RemoveReaction(Change, frozen=True, kw_only=True, tag="remove_reaction"):
    """Take one's reaction back."""

    reaction: str


class Typing(Command, frozen=True, kw_only=True, tag="typing"):
    """Say that the user is typing, or no longer is."""

    roomId: RoomId
    isTyping: bool = True


ReportReason = Annotated[str, Meta(min_length=1, max_length=500)]


class ReportMessage(Command, frozen=True, kw_only=True, tag="report_message"):
    """Bring a message before the moderators, once per user; who sent it is not told."""

    roomId: RoomId
    seq: Seq
    messageId: MessageId
    reason: ReportReason

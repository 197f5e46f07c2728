"""What goes to a pre-publish hook about a message that is to be stored, and what it may answer.

As in commands, unknown fields are ignored and field names are the wire's.
"""

from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Meta, Struct

from chat.protocol.commands import MessagePlace, UserId

SubmissionKind = Literal["chat_message", "edit_message"]


class Submission(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who wants to say what where; with an edit, `seq` and `messageId` name the message."""

    kind: SubmissionKind
    roomId: str
    userId: str
    content: str
    user: dict[str, Any] | None = None
    mentions: list[str] | None = None
    replyTo: MessagePlace | None = None
    threadId: str | None = None
    attachments: list[dict[str, Any]] | None = None
    clientMessageId: str | None = None
    seq: int | None = None
    messageId: str | None = None


class Allow(Struct, frozen=True, tag_field="action", tag="allow"):
    """The message is stored as it is."""


class Refuse(Struct, frozen=True, tag_field="action", tag="refuse"):
    """The message is not stored; the sender is shown why."""

    message: Annotated[str, Meta(min_length=1, max_length=500)] = "This message was refused."


class Replace(Struct, frozen=True, tag_field="action", tag="replace"):
    """The message is stored with another content, and other mentions if there are any here."""

    content: Annotated[str, Meta(min_length=1)]
    mentions: list[UserId] | None = None


Verdict = Allow | Refuse | Replace


class Text(NamedTuple):
    """What is stored of a message."""

    content: str
    mentions: list[str]

"""What only the HTTP side says: bodies of requests, and answers and events without a WebSocket.

As in commands, unknown fields are ignored and field names are the wire's.
"""

from typing import Annotated, Any

from msgspec import Meta, Struct

from chat.protocol.about import About, AboutChange, Words
from chat.protocol.commands import (
    INVITED_AT_ONCE_MAX,
    UNREAD_ROOMS_MAX,
    ClientMessageId,
    Command,
    Cursor,
    FileIds,
    MessageId,
    MessagePlace,
    Role,
    RoomId,
    Seq,
    UserId,
)
from chat.protocol.events import Event


class Publish(Command, frozen=True, kw_only=True):
    """Where a message is published; what it is stands in the body."""

    roomId: RoomId


class UnreadOf(Command, frozen=True, kw_only=True):
    """Whose unread counts are asked for; with a token one's own."""

    roomIds: Annotated[list[RoomId], Meta(min_length=1, max_length=UNREAD_ROOMS_MAX)]
    userId: UserId | None = None


class OneMessage(Command, frozen=True, kw_only=True):
    """Which message is changed."""

    roomId: RoomId
    messageId: MessageId
    seq: Seq


class OneReaction(OneMessage, frozen=True, kw_only=True):
    """Which reaction to which message."""

    reaction: str


class Follow(Command, frozen=True, kw_only=True):
    """Which room a stream is of, and from where on."""

    roomId: RoomId
    since: Annotated[str, Meta(max_length=64)] | None = None


class MessageBody(Struct, frozen=True, kw_only=True):
    """A message to publish; with an API key, `userId` says in whose name."""

    content: str
    clientMessageId: ClientMessageId | None = None
    replyTo: MessagePlace | None = None
    threadId: MessageId | None = None
    mentions: list[UserId] | None = None
    attachments: FileIds | None = None
    userId: UserId | None = None
    user: dict[str, Any] | None = None


class Upload(Command, frozen=True, kw_only=True):
    """For which room a file is, what it is called, and with an API key whose it is."""

    roomId: RoomId
    name: Annotated[str, Meta(max_length=500)] = ""
    userId: UserId | None = None


class UploadRules(Struct, frozen=True, kw_only=True):
    """What may be uploaded here."""

    maxBytes: int
    contentTypes: list[str]
    maxAttachments: int


class EditBody(Struct, frozen=True, kw_only=True):
    """What a message says from now on, and whom it mentions."""

    content: str
    mentions: list[UserId] | None = None
    clientMessageId: ClientMessageId | None = None


class ReadRoom(Command, frozen=True, kw_only=True):
    """Which room is asked about, or changed."""

    roomId: RoomId


class RoomBody(AboutChange, frozen=True, kw_only=True):
    """What is to be set of a room: null resets a field, what is left out stays as it is."""

    clientMessageId: ClientMessageId | None = None


class RoomPage(Struct, frozen=True, kw_only=True):
    """A room: where its order is, how many its members are, and what is set of it."""

    roomId: str
    epoch: str
    headSeq: int
    memberCount: int
    room: About


class NewRoom(Struct, frozen=True, kw_only=True):
    """A room to make: a private one, or with `direct` the direct room of some users.

    With an API key `userId` says who owns it; of a direct room all users stand in `userIds`.
    """

    direct: bool = False
    roomId: RoomId | None = None
    title: Words | None = None
    topic: Words | None = None
    userIds: Annotated[list[UserId], Meta(max_length=INVITED_AT_ONCE_MAX)] = []
    userId: UserId | None = None


class RoomsOf(Command, frozen=True, kw_only=True):
    """Whose rooms are asked for, in pages."""

    userId: UserId
    cursor: Cursor = "0"
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class ParticipantPath(Command, frozen=True, kw_only=True):
    """Whose seat in which room is changed."""

    roomId: RoomId
    userId: UserId


class SeatBody(Struct, frozen=True, kw_only=True):
    """What a user is to be in a room; without a role one accepts an invitation of one's own."""

    role: Role | None = None


class TokenBody(Struct, frozen=True, kw_only=True):
    """Whom a token is for, what it allows in which rooms, and for how long."""

    userId: UserId
    rooms: dict[str, list[str]]
    user: dict[str, Any] | None = None
    expiresInMs: Annotated[int, Meta(ge=1000)] | None = None


class MintedToken(Struct, frozen=True, kw_only=True):
    """A token that opens a WebSocket, until `expiresAt`."""

    token: str
    userId: str
    expiresAt: int


class Statistics(Struct, frozen=True, kw_only=True):
    """The cluster as its workers last told, a few seconds ago at most.

    `rooms` counts a room once for each worker that has members of it.
    """

    hosts: int
    workers: int
    workersReady: int
    connections: int
    rooms: int
    versions: list[str]


class StreamOpened(Event, frozen=True, kw_only=True, tag="stream_opened"):
    """First of a stream: `headSeq` is where the room is; what was missed up to there follows."""

    roomId: str
    epoch: str
    headSeq: int
    memberCount: int
    recovered: bool | None = None
    room: About | None = None


class StreamClosed(Event, frozen=True, kw_only=True, tag="stream_closed"):
    """Last of a stream, for a reason.

    `token_expired`, `slow_consumer`, `removed` from the room's roster; by a moderator `kicked`,
    `banned`, `token_revoked` or `disconnected`.
    """

    roomId: str
    reason: str

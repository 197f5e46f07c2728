"""What the server says, as typed, immutable values with Python's names.

A tolerant reader: unknown fields are ignored, an event of an unknown type is an `Unknown`, which
still has its place in the room's order. Times are milliseconds since the Unix epoch unless the name
ends in `_ms`, which is a duration. `encode` gives the wire's form back.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec import DecodeError, Struct, ValidationError, json


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
    """An event at its place in the room's order: each is handed over once, without a hole."""

    room_id: str
    epoch: str
    seq: int
    timestamp: int
    user_id: str
    user: dict[str, Any] | None = None

    @property
    def position(self) -> Position:
        """Its place."""
        return Position(self.epoch, self.seq)


class Reference(Struct, frozen=True, rename="camel"):
    """Which message another one is about."""

    seq: int
    message_id: str


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
    client_message_id: str | None = None
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


class RoomJoined(RoomEvent, frozen=True, kw_only=True, tag="room_joined"):
    """One is a member."""

    id: int | str | None = None
    member_count: int
    epoch: str
    seq: int
    recovered: bool | None = None
    read_seq: int | None = None
    unread: int | None = None

    @property
    def position(self) -> Position:
        """Where live events begin."""
        return Position(self.epoch, self.seq)


class RoomLeft(RoomEvent, frozen=True, kw_only=True, tag="room_left"):
    """One is not a member any more.

    `reason` is there if it was not one's own wish: `forbidden` by the token, `kicked`, `banned`, or
    what a newer server says. `message` is what a moderator said, and `retry_after_ms` when a ban
    ends.
    """

    id: int | str | None = None
    reason: str | None = None
    message: str | None = None
    retry_after_ms: int | None = None


class UserJoined(RoomEvent, frozen=True, kw_only=True, tag="user_joined"):
    """A user's first device joined."""

    user_id: str
    user: dict[str, Any] | None = None
    member_count: int


class UserLeft(RoomEvent, frozen=True, kw_only=True, tag="user_left"):
    """A user's last device left."""

    user_id: str
    member_count: int


class MemberCount(RoomEvent, frozen=True, kw_only=True, tag="member_count"):
    """How many are in a large room, now and then."""

    member_count: int


class TypingChanged(RoomEvent, frozen=True, kw_only=True, tag="typing"):
    """Someone started or stopped typing; to be forgotten after `expires_in_ms`."""

    user_id: str
    is_typing: bool
    expires_in_ms: int | None = None


class ReadMarker(RoomEvent, frozen=True, kw_only=True, tag="read_marker"):
    """A user has read up to a place: oneself on another device, or with receipts anyone."""

    user_id: str
    epoch: str
    read_seq: int


class Unread(Struct, frozen=True, rename="camel"):
    """How much of a room one has not read; without `read_seq` nothing is known to be read."""

    room_id: str
    head_seq: int
    unread: int
    epoch: str | None = None
    read_seq: int | None = None


class UnreadCounts(Event, frozen=True, kw_only=True, tag="unread"):
    """What one has not read, room by room."""

    id: int | str | None = None
    rooms: list[Unread]


class ServerInfo(Struct, frozen=True, rename="camel"):
    """Who answers."""

    worker_id: str
    version: str


class Connected(Event, frozen=True, kw_only=True, tag="connected"):
    """The connection is open for commands."""

    id: int | str | None = None
    connection_id: str
    user_id: str
    protocol: str
    server_info: ServerInfo
    expires_at: int
    ping_interval_ms: int
    max_message_bytes: int


class Ack(Event, frozen=True, kw_only=True, tag="ack"):
    """A command took effect."""

    id: int | str | None = None
    room_id: str | None = None
    epoch: str | None = None
    seq: int | None = None
    message_id: str | None = None
    client_message_id: str | None = None
    timestamp: int | None = None
    duplicate: bool = False


class Error(Event, frozen=True, kw_only=True, tag="error"):
    """A command was refused."""

    id: int | str | None = None
    code: str
    message: str
    room_id: str | None = None
    retry_after_ms: int | None = None
    uncertain: bool = False


class HistoryPage(Event, frozen=True, kw_only=True, tag="history"):
    """Stored messages in rising `seq`: all that there are from `from_seq` to `to_seq`."""

    id: int | str | None = None
    room_id: str
    epoch: str
    head_seq: int
    from_seq: int | None = None
    to_seq: int | None = None
    messages: list[ChatMessage]
    more: bool


class Member(Struct, frozen=True, rename="camel"):
    """A user in a room, on however many devices."""

    user_id: str
    user: dict[str, Any] | None = None


class PresencePage(Event, frozen=True, kw_only=True, tag="presence"):
    """Some of a room's members; `cursor` continues."""

    id: int | str | None = None
    room_id: str
    member_count: int
    members: list[Member]
    cursor: str | None = None


class TokenRefreshed(Event, frozen=True, kw_only=True, tag="token_refreshed"):
    """The new token is in force."""

    id: int | str | None = None
    expires_at: int


class TokenExpiring(Event, frozen=True, kw_only=True, tag="token_expiring"):
    """The token ends soon."""

    expires_at: int
    expires_in_ms: int


class Drain(Event, frozen=True, kw_only=True, tag="drain"):
    """The worker is leaving."""

    closes_in_ms: int
    reconnect_after_ms: int


class Pong(Event, frozen=True, kw_only=True, tag="pong"):
    """The server is there."""

    id: int | str | None = None
    timestamp: int


class Unknown(Struct, frozen=True, kw_only=True, rename="camel"):
    """An event of a type, or of a shape, that this version does not know."""

    type: str
    id: int | str | None = None
    room_id: str | None = None
    epoch: str | None = None
    seq: int | None = None


AnyEvent = (
    ChatMessage
    | MessageEdited
    | MessageDeleted
    | ReactionAdded
    | ReactionRemoved
    | Gap
    | RoomJoined
    | RoomLeft
    | UserJoined
    | UserLeft
    | MemberCount
    | TypingChanged
    | Connected
    | Ack
    | Error
    | HistoryPage
    | PresencePage
    | ReadMarker
    | UnreadCounts
    | TokenRefreshed
    | TokenExpiring
    | Drain
    | Pong
)

_decoder = json.Decoder(AnyEvent)
_unknown_decoder = json.Decoder(Unknown)
_encoder = json.Encoder()


def decode(text: str | bytes) -> AnyEvent | Unknown | None:
    """Decode one message of the server; None if it is no event at all."""
    try:
        event: AnyEvent = _decoder.decode(text)
    except ValidationError:
        try:
            return _unknown_decoder.decode(text)
        except (DecodeError, RecursionError):
            return None
    except (DecodeError, RecursionError):
        return None
    return event


def encode(message: Event | Mapping[str, object]) -> str:
    """Return an event, or a command, as JSON text."""
    return _encoder.encode(message).decode()

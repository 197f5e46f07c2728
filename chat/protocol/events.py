"""Events, server to client: the typed schema and its encoder.

An event that answers a command repeats its `id`. Fields that are None are left out on the wire.
Times are milliseconds since the Unix epoch unless the name ends in `Ms`, which is a duration.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Raw, Struct, json

from chat.protocol.about import About
from chat.protocol.availability import Shown, State
from chat.protocol.commands import MessagePlace, Role
from chat.protocol.errors import ErrorCode

#: Where schemas of the protocol lie in our OpenAPI and AsyncAPI documents.
SCHEMA_REF = "#/components/schemas/{name}"

#: A stored message is passed on unread: only the schema says what it is.
StoredMessage = Annotated[Raw, Meta(extra_json_schema={"$ref": SCHEMA_REF.format(name="Message")})]

GapReason = Literal["trimmed", "reset"]
LeftReason = Literal["forbidden", "kicked", "banned", "removed"]


class Event(Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """Base of everything the server sends."""


class ServerInfo(Struct, frozen=True):
    """Who answers: the worker's id and the server's version."""

    workerId: str
    version: str


class Connected(Event, frozen=True, kw_only=True, tag="connected"):
    """The connection is authenticated and open for commands."""

    id: int | str | None = None
    connectionId: str
    userId: str
    protocol: str
    serverInfo: ServerInfo
    expiresAt: int
    pingIntervalMs: int
    maxMessageBytes: int
    inbox: str


class Ack(Event, frozen=True, kw_only=True, tag="ack"):
    """A command took effect; for a published message, with its place in the room.

    Sent where the command has an `id` or a `clientMessageId`.
    """

    id: int | str | None = None
    roomId: str | None = None
    epoch: str | None = None
    seq: int | None = None
    messageId: str | None = None
    clientMessageId: str | None = None
    timestamp: int | None = None
    duplicate: bool = False


class Error(Event, frozen=True, kw_only=True, tag="error"):
    """A command was refused; the connection lives."""

    id: int | str | None = None
    code: ErrorCode
    message: str
    roomId: str | None = None
    retryAfterMs: int | None = None
    uncertain: bool = False


class RoomJoined(Event, frozen=True, kw_only=True, tag="room_joined"):
    """The connection is a member; live messages continue after `seq`.

    `readSeq` and `unread` are there where the user has a read marker in the room, `room` where
    anything is set of it, `role` where it has a roster.
    """

    id: int | str | None = None
    roomId: str
    memberCount: int
    epoch: str
    seq: int
    recovered: bool | None = None
    readSeq: int | None = None
    unread: int | None = None
    room: About | None = None
    role: Role | None = None


class RoomLeft(Event, frozen=True, kw_only=True, tag="room_left"):
    """The connection is no longer a member.

    `reason` is there where the client did not ask: its token does not allow the room any more, a
    moderator put the user out, or the user is in the room's roster no longer. `message` is what the
    moderator says, `retryAfterMs` when a ban ends.
    """

    id: int | str | None = None
    roomId: str
    reason: LeftReason | None = None
    message: str | None = None
    retryAfterMs: int | None = None


class UserJoined(Event, frozen=True, kw_only=True, tag="user_joined"):
    """A user's first device joined the room, anywhere in the cluster.

    `state` and `status` are there where the user is not plainly online.
    """

    roomId: str
    userId: str
    user: dict[str, Any] | None = None
    memberCount: int
    state: State | None = None
    status: str | None = None


class UserLeft(Event, frozen=True, kw_only=True, tag="user_left"):
    """A user's last device left the room, anywhere in the cluster."""

    roomId: str
    userId: str
    memberCount: int


class MemberCount(Event, frozen=True, kw_only=True, tag="member_count"):
    """Sent now and then in rooms too large for join and leave events."""

    roomId: str
    memberCount: int


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


class TypingChanged(Event, frozen=True, kw_only=True, tag="typing"):
    """A member started or stopped typing; forget it after `expiresInMs`."""

    roomId: str
    userId: str
    isTyping: bool
    expiresInMs: int | None = None


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


class HistoryPage(Event, frozen=True, kw_only=True, tag="history"):
    """A page of messages in rising `seq`; `more` says whether the page has a successor.

    It covers `fromSeq` to `toSeq`: what is not among its messages there was none, or is gone.
    """

    id: int | str | None = None
    roomId: str
    epoch: str
    headSeq: int
    fromSeq: int
    toSeq: int
    messages: list[StoredMessage]
    more: bool


class Member(Struct, frozen=True, omit_defaults=True):
    """One user in a room, on however many devices.

    `state` and `status` are there where the user is not plainly online.
    """

    userId: str
    user: dict[str, Any] | None = None
    state: State | None = None
    status: str | None = None


class PresencePage(Event, frozen=True, kw_only=True, tag="presence"):
    """A page of members; `cursor` continues the list, its absence ends it."""

    id: int | str | None = None
    roomId: str
    memberCount: int
    members: list[Member]
    cursor: str | None = None


class ReadMarker(Event, frozen=True, kw_only=True, tag="read_marker"):
    """A user has read up to `readSeq`, on whichever device; it has no place in the order itself.

    Sent to that user's own connections in the room; with receipts to all of its members.
    """

    roomId: str
    userId: str
    epoch: str
    readSeq: int


class DeliveredMarker(Event, frozen=True, kw_only=True, tag="delivered_marker"):
    """A device of a user has got all up to `deliveredSeq`; it has no place in the order itself."""

    roomId: str
    userId: str
    epoch: str
    deliveredSeq: int


class PresenceChanged(Event, frozen=True, kw_only=True, tag="presence_changed"):
    """A member's state or status text is another; without `status` there is none.

    Not sent in rooms too large for join and leave events.
    """

    roomId: str
    userId: str
    state: State
    status: str | None = None


class UserState(Struct, frozen=True, omit_defaults=True):
    """What a user's devices are together, and when the last one was gone."""

    userId: str
    state: Shown
    status: str | None = None
    lastSeen: int | None = None


class UserStates(Event, frozen=True, kw_only=True, tag="users"):
    """The states of some users of a room; of who is none of its users only `offline` is said."""

    id: int | str | None = None
    roomId: str
    users: list[UserState]


class RoomUnread(Struct, frozen=True, omit_defaults=True):
    """How much of a room a user has not read; `epoch` is missing where nobody was ever in it."""

    roomId: str
    headSeq: int
    unread: int
    epoch: str | None = None
    readSeq: int | None = None


class UnreadCounts(Event, frozen=True, kw_only=True, tag="unread"):
    """What one has not read, room by room; those from which one is banned are left out."""

    id: int | str | None = None
    rooms: list[RoomUnread]


class RoomCreated(Event, frozen=True, kw_only=True, tag="room_created"):
    """There is such a room, and one is in its roster; join it next."""

    id: int | str | None = None
    roomId: str
    role: Role
    room: About | None = None
    duplicate: bool = False


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


class Participant(Struct, frozen=True, omit_defaults=True):
    """Who belongs to a room, as what, and since when; an invited user may do nothing yet."""

    userId: str
    role: Role
    since: int
    invited: bool = False


class ParticipantsPage(Event, frozen=True, kw_only=True, tag="participants"):
    """A page of a roster; `cursor` continues it, its absence ends it."""

    id: int | str | None = None
    roomId: str
    participants: list[Participant]
    cursor: str | None = None


class OwnRoom(Struct, frozen=True, omit_defaults=True):
    """A private or direct room of a user; `userIds` are those of a direct room."""

    roomId: str
    role: Role
    invited: bool = False
    title: str | None = None
    userIds: list[str] | None = None


class RoomsPage(Event, frozen=True, kw_only=True, tag="rooms"):
    """A page of a user's rooms and invitations; `cursor` continues it, its absence ends it."""

    id: int | str | None = None
    rooms: list[OwnRoom]
    cursor: str | None = None


class TokenRefreshed(Event, frozen=True, kw_only=True, tag="token_refreshed"):
    """The new token is in force."""

    id: int | str | None = None
    expiresAt: int


class TokenExpiring(Event, frozen=True, kw_only=True, tag="token_expiring"):
    """The token ends soon: send `refresh_token`, or the connection is closed with 4101."""

    expiresAt: int
    expiresInMs: int


class Drain(Event, frozen=True, kw_only=True, tag="drain"):
    """This worker is leaving; the connection closes with 1012 and the client should come back."""

    closesInMs: int
    reconnectAfterMs: int


class Pong(Event, frozen=True, kw_only=True, tag="pong"):
    """Answer to the `ping` command."""

    id: int | str | None = None
    timestamp: int


AnyEvent = (
    Connected
    | Ack
    | Error
    | RoomJoined
    | RoomLeft
    | UserJoined
    | UserLeft
    | MemberCount
    | Message
    | MessageEdited
    | MessageDeleted
    | ReactionAdded
    | ReactionRemoved
    | RoomChanged
    | TypingChanged
    | Gap
    | HistoryPage
    | PresencePage
    | ReadMarker
    | DeliveredMarker
    | PresenceChanged
    | UserStates
    | UnreadCounts
    | RoomCreated
    | ParticipantChanged
    | MembershipChanged
    | ParticipantsPage
    | RoomsPage
    | TokenRefreshed
    | TokenExpiring
    | Drain
    | Pong
)

encode_event = json.Encoder().encode

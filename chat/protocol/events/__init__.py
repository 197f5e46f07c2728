"""Events, server to client: the typed schema and its encoder.

An event that answers a command repeats its `id`. Fields that are None are left out on the wire.
Times are milliseconds since the Unix epoch unless the name ends in `Ms`, which is a duration.
"""

from msgspec import json

from chat.protocol.events.answers import (
    HistoryPage,
    Member,
    OwnRoom,
    Participant,
    ParticipantsPage,
    PresencePage,
    RoomCreated,
    RoomJoined,
    RoomsPage,
    RoomUnread,
    StoredMessage,
    UnreadCounts,
    UserState,
    UserStates,
)
from chat.protocol.events.base import SCHEMA_REF, Event
from chat.protocol.events.connection import (
    Ack,
    Connected,
    Drain,
    Error,
    Pong,
    ServerInfo,
    TokenExpiring,
    TokenRefreshed,
)
from chat.protocol.events.passing import (
    DeliveredMarker,
    LeftReason,
    MemberCount,
    PresenceChanged,
    ReadMarker,
    RoomLeft,
    TypingChanged,
    UserJoined,
    UserLeft,
)
from chat.protocol.events.stored import (
    Attachment,
    Gap,
    GapReason,
    Membership,
    MembershipChanged,
    Message,
    MessageChange,
    MessageDeleted,
    MessageEdited,
    ParticipantChanged,
    ReactionAdded,
    ReactionRemoved,
    RoomChanged,
    Seated,
)

__all__ = [
    "SCHEMA_REF",
    "Ack",
    "AnyEvent",
    "Attachment",
    "Connected",
    "DeliveredMarker",
    "Drain",
    "Error",
    "Event",
    "Gap",
    "GapReason",
    "HistoryPage",
    "LeftReason",
    "Member",
    "MemberCount",
    "Membership",
    "MembershipChanged",
    "Message",
    "MessageChange",
    "MessageDeleted",
    "MessageEdited",
    "OwnRoom",
    "Participant",
    "ParticipantChanged",
    "ParticipantsPage",
    "Pong",
    "PresenceChanged",
    "PresencePage",
    "ReactionAdded",
    "ReactionRemoved",
    "ReadMarker",
    "RoomChanged",
    "RoomCreated",
    "RoomJoined",
    "RoomLeft",
    "RoomUnread",
    "RoomsPage",
    "Seated",
    "ServerInfo",
    "StoredMessage",
    "TokenExpiring",
    "TokenRefreshed",
    "TypingChanged",
    "UnreadCounts",
    "UserJoined",
    "UserLeft",
    "UserState",
    "UserStates",
    "encode_event",
]

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

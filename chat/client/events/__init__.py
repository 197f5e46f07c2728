"""What the server says, as typed, immutable values with Python's names.

A tolerant reader: unknown fields are ignored, an event of an unknown type is an `Unknown`, which
still has its place in the room's order. Times are milliseconds since the Unix epoch unless the name
ends in `_ms`, which is a duration. `encode` gives the wire's form back.
"""

from chat.client.events.answers import (
    Ack,
    Error,
    HistoryPage,
    Member,
    Pong,
    PresencePage,
    RoomJoined,
    TokenRefreshed,
    Unread,
    UnreadCounts,
)
from chat.client.events.base import Event, Ordered, Position, Reference, RoomEvent
from chat.client.events.connection import Connected, Drain, ServerInfo, TokenExpiring
from chat.client.events.passing import (
    MemberCount,
    ReadMarker,
    RoomLeft,
    TypingChanged,
    UserJoined,
    UserLeft,
)
from chat.client.events.stored import (
    Amendment,
    ChatMessage,
    Gap,
    MessageDeleted,
    MessageEdited,
    ReactionAdded,
    ReactionRemoved,
)
from chat.client.events.wire import AnyEvent, Unknown, decode, encode

__all__ = [
    "Ack",
    "Amendment",
    "AnyEvent",
    "ChatMessage",
    "Connected",
    "Drain",
    "Error",
    "Event",
    "Gap",
    "HistoryPage",
    "Member",
    "MemberCount",
    "MessageDeleted",
    "MessageEdited",
    "Ordered",
    "Pong",
    "Position",
    "PresencePage",
    "ReactionAdded",
    "ReactionRemoved",
    "ReadMarker",
    "Reference",
    "RoomEvent",
    "RoomJoined",
    "RoomLeft",
    "ServerInfo",
    "TokenExpiring",
    "TokenRefreshed",
    "TypingChanged",
    "Unknown",
    "Unread",
    "UnreadCounts",
    "UserJoined",
    "UserLeft",
    "decode",
    "encode",
]

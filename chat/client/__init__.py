"""The Python client: connect, stay connected, say and hear everything once and in order.

    from chat.client import ChatMessage, Client

    async with Client("wss://chat.example/ws", token=get_token) as client:
        room = await client.join("lobby")
        await room.publish("Hello!")
        async for event in room.events():
            if isinstance(event, ChatMessage):
                print(event.user_id, event.content)

docs/clients.md has the rest. It needs `websockets` and `msgspec`, and nothing of the server.
"""

from chat.client.client import Client
from chat.client.errors import (
    AuthenticationError,
    ChatError,
    ConnectionLostError,
    GoneError,
    InvalidCommandError,
    LimitError,
    NotAllowedError,
    OutboxFullError,
    RefusedError,
    RoomLeftError,
    StoppedError,
    UnavailableError,
    UncertainError,
)
from chat.client.events import (
    Amendment,
    Attachment,
    ChatMessage,
    Event,
    Gap,
    Member,
    MemberCount,
    MessageDeleted,
    MessageEdited,
    Ordered,
    Position,
    ReactionAdded,
    ReactionRemoved,
    ReadMarker,
    RoomLeft,
    TypingChanged,
    Unread,
    UserJoined,
    UserLeft,
)
from chat.client.fold import Conversation
from chat.client.options import Options
from chat.client.published import Published
from chat.client.room import Pending, Room
from chat.client.states import Phase, State

__all__ = [
    "Amendment",
    "Attachment",
    "AuthenticationError",
    "ChatError",
    "ChatMessage",
    "Client",
    "ConnectionLostError",
    "Conversation",
    "Event",
    "Gap",
    "GoneError",
    "InvalidCommandError",
    "LimitError",
    "Member",
    "MemberCount",
    "MessageDeleted",
    "MessageEdited",
    "NotAllowedError",
    "Options",
    "Ordered",
    "OutboxFullError",
    "Pending",
    "Phase",
    "Position",
    "Published",
    "ReactionAdded",
    "ReactionRemoved",
    "ReadMarker",
    "RefusedError",
    "Room",
    "RoomLeft",
    "RoomLeftError",
    "State",
    "StoppedError",
    "TypingChanged",
    "UnavailableError",
    "UncertainError",
    "Unread",
    "UserJoined",
    "UserLeft",
]

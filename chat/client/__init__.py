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
    About,
    Amendment,
    Attachment,
    ChatMessage,
    DeliveredMarker,
    Entry,
    Event,
    Gap,
    Member,
    MemberCount,
    MembershipChanged,
    MessageDeleted,
    MessageEdited,
    Ordered,
    OwnRoom,
    Participant,
    ParticipantChanged,
    Position,
    PresenceChanged,
    ReactionAdded,
    ReactionRemoved,
    ReadMarker,
    RoomChanged,
    RoomCreated,
    RoomLeft,
    Seat,
    TypingChanged,
    Unread,
    UserJoined,
    UserLeft,
    UserState,
)
from chat.client.fold import Conversation
from chat.client.options import Options
from chat.client.published import Published
from chat.client.room import Room
from chat.client.roster import Role
from chat.client.states import Phase, State
from chat.client.talk import Pending

__all__ = [
    "About",
    "Amendment",
    "Attachment",
    "AuthenticationError",
    "ChatError",
    "ChatMessage",
    "Client",
    "ConnectionLostError",
    "Conversation",
    "DeliveredMarker",
    "Entry",
    "Event",
    "Gap",
    "GoneError",
    "InvalidCommandError",
    "LimitError",
    "Member",
    "MemberCount",
    "MembershipChanged",
    "MessageDeleted",
    "MessageEdited",
    "NotAllowedError",
    "Options",
    "Ordered",
    "OutboxFullError",
    "OwnRoom",
    "Participant",
    "ParticipantChanged",
    "Pending",
    "Phase",
    "Position",
    "PresenceChanged",
    "Published",
    "ReactionAdded",
    "ReactionRemoved",
    "ReadMarker",
    "RefusedError",
    "Role",
    "Room",
    "RoomChanged",
    "RoomCreated",
    "RoomLeft",
    "RoomLeftError",
    "Seat",
    "State",
    "StoppedError",
    "TypingChanged",
    "UnavailableError",
    "UncertainError",
    "Unread",
    "UserJoined",
    "UserLeft",
    "UserState",
]

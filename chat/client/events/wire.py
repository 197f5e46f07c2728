"""From the wire and back."""

from collections.abc import Mapping

from msgspec import DecodeError, Struct, ValidationError, json

from chat.client.events.answers import (
    Ack,
    Error,
    HistoryPage,
    ParticipantsPage,
    Pong,
    PresencePage,
    RoomCreated,
    RoomJoined,
    RoomsPage,
    TokenRefreshed,
    UnreadCounts,
    UserStates,
)
from chat.client.events.base import Event
from chat.client.events.connection import Connected, Drain, TokenExpiring
from chat.client.events.passing import (
    DeliveredMarker,
    MemberCount,
    PresenceChanged,
    ReadMarker,
    RoomLeft,
    TypingChanged,
    UserJoined,
    UserLeft,
)
from chat.client.events.stored import (
    ChatMessage,
    Gap,
    MembershipChanged,
    MessageDeleted,
    MessageEdited,
    ParticipantChanged,
    ReactionAdded,
    ReactionRemoved,
    RoomChanged,
)


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
    | RoomChanged
    | ParticipantChanged
    | MembershipChanged
    | DeliveredMarker
    | PresenceChanged
    | UserStates
    | RoomCreated
    | ParticipantsPage
    | RoomsPage
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

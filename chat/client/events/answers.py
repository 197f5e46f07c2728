"""What answers a command."""

from typing import Any

from msgspec import Struct

from chat.client.events.about import About
from chat.client.events.base import Event, Position, RoomEvent
from chat.client.events.stored import ChatMessage


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


class RoomJoined(RoomEvent, frozen=True, kw_only=True, tag="room_joined"):
    """One is a member; `role` is there in private and direct rooms, `room` is what is set."""

    id: int | str | None = None
    member_count: int
    epoch: str
    seq: int
    recovered: bool | None = None
    read_seq: int | None = None
    unread: int | None = None
    role: str | None = None
    room: About = About()

    @property
    def position(self) -> Position:
        """Where live events begin."""
        return Position(self.epoch, self.seq)


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
    """A user in a room, on however many devices; `state` and `status` are how the user is."""

    user_id: str
    user: dict[str, Any] | None = None
    state: str = "online"
    status: str | None = None


class PresencePage(Event, frozen=True, kw_only=True, tag="presence"):
    """Some of a room's members; `cursor` continues."""

    id: int | str | None = None
    room_id: str
    member_count: int
    members: list[Member]
    cursor: str | None = None


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


class TokenRefreshed(Event, frozen=True, kw_only=True, tag="token_refreshed"):
    """The new token is in force."""

    id: int | str | None = None
    expires_at: int


class Pong(Event, frozen=True, kw_only=True, tag="pong"):
    """The server is there."""

    id: int | str | None = None
    timestamp: int


class UserState(Struct, frozen=True, rename="camel"):
    """How a user is, here or not: `online`, `away`, `busy` or `offline`."""

    user_id: str
    state: str
    status: str | None = None
    last_seen: int | None = None


class UserStates(Event, frozen=True, kw_only=True, tag="users"):
    """How some users are."""

    id: int | str | None = None
    room_id: str
    users: list[UserState]


class RoomCreated(Event, frozen=True, kw_only=True, tag="room_created"):
    """There is such a room and one belongs to it: join it next. `duplicate`: it was there."""

    id: int | str | None = None
    room_id: str
    role: str
    room: About = About()
    duplicate: bool = False


class Participant(Struct, frozen=True, rename="camel"):
    """Who belongs to a private room, as what, and since when; `invited`: has not answered yet."""

    user_id: str
    role: str
    since: int
    invited: bool = False


class ParticipantsPage(Event, frozen=True, kw_only=True, tag="participants"):
    """Some of those who belong to a private room; `cursor` continues."""

    id: int | str | None = None
    room_id: str
    participants: list[Participant]
    cursor: str | None = None


class OwnRoom(Struct, frozen=True, rename="camel"):
    """A private or direct room of one's own; `user_ids` are those of a direct room."""

    room_id: str
    role: str
    invited: bool = False
    title: str | None = None
    user_ids: list[str] | None = None


class RoomsPage(Event, frozen=True, kw_only=True, tag="rooms"):
    """Some of one's private and direct rooms; `cursor` continues."""

    id: int | str | None = None
    rooms: list[OwnRoom]
    cursor: str | None = None

"""Answers that tell of rooms, users and what is stored."""

from typing import Annotated, Any

from msgspec import Meta, Raw, Struct

from chat.protocol.about import About
from chat.protocol.availability import Shown, State
from chat.protocol.commands import Role
from chat.protocol.events.base import SCHEMA_REF, Event

#: A stored message is passed on unread: only the schema says what it is.
StoredMessage = Annotated[Raw, Meta(extra_json_schema={"$ref": SCHEMA_REF.format(name="Message")})]


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


class RoomCreated(Event, frozen=True, kw_only=True, tag="room_created"):
    """There is such a room, and one is in its roster; join it next."""

    id: int | str | None = None
    roomId: str
    role: Role
    room: About | None = None
    duplicate: bool = False


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

"""Commands about oneself and other users: how far one has read, who is there."""

from typing import Annotated

from msgspec import Meta

from chat.protocol.availability import STATUS_MAX, State
from chat.protocol.commands.fields import Command, Epoch, RoomId, Seq, UserId

#: The most rooms that one `unread` asks about.
UNREAD_ROOMS_MAX = 100
#: Rooms asked about that cost as much as one command more.
UNREAD_ROOMS_PER_COMMAND = 10
#: The most users that one `users` asks about, and how many cost as much as one command more.
USERS_MAX = 100
USERS_PER_COMMAND = 10


class MarkRead(Command, frozen=True, kw_only=True, tag="mark_read"):
    """Say that one has read up to a place; the marker only moves forward.

    With `private` only one's own devices are told, whatever others are told of receipts.
    """

    roomId: RoomId
    seq: Seq
    epoch: Epoch | None = None
    private: bool = False


class MarkDelivered(Command, frozen=True, kw_only=True, tag="mark_delivered"):
    """Say that a device has got all up to a place; only where the operator turned that on."""

    roomId: RoomId
    seq: Seq
    epoch: Epoch | None = None


class Unread(Command, frozen=True, kw_only=True, tag="unread"):
    """Ask how much there is to read in rooms that one may join; one need not be in them."""

    roomIds: Annotated[list[RoomId], Meta(min_length=1, max_length=UNREAD_ROOMS_MAX)]


class SetPresence(Command, frozen=True, kw_only=True, tag="set_presence"):
    """Choose the state that others see, on all devices, and with `status` the text beside it.

    `online` takes a choice back. With `automatic` nothing is chosen: `away` says that nobody is at
    this device, `online` that somebody is again; a user is away when nobody is at any device.
    """

    state: State
    status: Annotated[str, Meta(max_length=STATUS_MAX)] | None = None
    automatic: bool = False


class Users(Command, frozen=True, kw_only=True, tag="users"):
    """Ask for the states of users of a room one is in, and when they were last seen."""

    roomId: RoomId
    userIds: Annotated[list[UserId], Meta(min_length=1, max_length=USERS_MAX)]

"""Commands about rooms with a roster: private and direct ones."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, field

from chat.protocol.about import Words
from chat.protocol.commands.fields import ClientMessageId, Command, Cursor, RoomId, UserId

#: The most users that `create_room` invites at once.
INVITED_AT_ONCE_MAX = 50
#: The most users of a direct room beside the one who opens it.
DIRECT_OTHERS_MAX = 7


class Role(StrEnum):
    """What a participant is in a room: each may also do what those before it may."""

    MEMBER = "member"
    MODERATOR = "moderator"
    OWNER = "owner"


class CreateRoom(Command, frozen=True, kw_only=True, tag="create_room"):
    """Make a private room of one's own; without `roomId` the server names it."""

    roomId: RoomId | None = None
    title: Words | None = None
    topic: Words | None = None
    userIds: Annotated[list[UserId], Meta(max_length=INVITED_AT_ONCE_MAX)] = field(
        default_factory=list
    )


class OpenDirect(Command, frozen=True, kw_only=True, tag="open_direct"):
    """Open the direct room of oneself and others; the same users get the same room."""

    userIds: Annotated[list[UserId], Meta(min_length=1, max_length=DIRECT_OTHERS_MAX)]


class RosterCommand(Command, frozen=True, kw_only=True):
    """What all commands that change a roster have."""

    roomId: RoomId
    clientMessageId: ClientMessageId | None = None


class InviteUser(RosterCommand, frozen=True, kw_only=True, tag="invite_user"):
    """Ask a user to take part in a private room, as a member unless it says otherwise."""

    userId: UserId
    role: Role | None = None


class AnswerInvitation(RosterCommand, frozen=True, kw_only=True, tag="answer_invitation"):
    """Accept an invitation, or decline it."""

    accept: bool


class SetRole(RosterCommand, frozen=True, kw_only=True, tag="set_role"):
    """Make a participant something else."""

    userId: UserId
    role: Role


class RemoveParticipant(RosterCommand, frozen=True, kw_only=True, tag="remove_participant"):
    """Take a user out of a private room; oneself: leave it for good."""

    userId: UserId


class Participants(Command, frozen=True, kw_only=True, tag="participants"):
    """List who belongs to a room, present or not, in pages."""

    roomId: RoomId
    cursor: Cursor = "0"
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class ListRooms(Command, frozen=True, kw_only=True, tag="list_rooms"):
    """List the private and direct rooms of oneself, and invitations, in pages."""

    cursor: Cursor = "0"
    limit: Annotated[int, Meta(ge=1, le=100)] = 50

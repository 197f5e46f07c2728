"""Private and direct rooms: making them, and changing who belongs to them."""

from typing import TYPE_CHECKING

from chat.broker.conversations import Actor
from chat.broker.outcomes import ack_of
from chat.conversations import rules
from chat.conversations.asking import (
    ROOMS_PER_COMMAND,
    about_after,
    check_private,
    check_users,
    described,
    direct_users,
)
from chat.conversations.kinds import direct_between
from chat.conversations.rules import Wish
from chat.identity.access import Action
from chat.protocol.commands import (
    AnswerInvitation,
    CreateRoom,
    InviteUser,
    ListRooms,
    OpenDirect,
    Participants,
    RemoveParticipant,
    Role,
    RosterCommand,
    SetRole,
)
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.events import Ack, RoomCreated

if TYPE_CHECKING:
    from chat.worker.session import Session


async def create(session: "Session", command: CreateRoom) -> None:
    """Make a private room of the user's own.

    Raises:
        CommandError: forbidden, invalid_room, invalid_message, content_refused, rate_limited,
            room_exists, too_many_rooms, too_many_participants.
        LinkError: Redis is away; it may have been done.
    """
    conversations, identity = session.services.conversations, session.require_identity()
    room_id = command.roomId or conversations.new_room_id()
    check_private(room_id)
    require_create(session, room_id)
    check_users(command.userIds)
    session.charge(messages=len(command.userIds))
    wanted = described(command.title, command.topic)
    about = await conversations.create(identity.user_id, room_id, command.userIds, wanted)
    session.send(
        RoomCreated(id=command.id, roomId=room_id, role=Role.OWNER, room=about_after(about))
    )


async def open_direct(session: "Session", command: OpenDirect) -> None:
    """Open the direct room of the user and others.

    Raises:
        CommandError: forbidden, invalid_message, rate_limited, too_many_rooms.
        LinkError: Redis is away; it may have been done.
    """
    user_id = session.require_identity().user_id
    check_users(command.userIds)
    users = direct_users(user_id, command.userIds)
    room_id = direct_between(users)
    require_create(session, room_id)
    session.charge(messages=len(users))
    again = await session.services.conversations.open_direct(users, user_id, room_id)
    session.send(RoomCreated(id=command.id, roomId=room_id, role=Role.MEMBER, duplicate=again))


async def change(session: "Session", command: RosterCommand) -> None:
    """Invite, answer, give a role, remove; the user need not have joined the room.

    Raises:
        CommandError: forbidden, invalid_message, last_owner, too_many_participants,
            too_many_rooms, banned, busy, unavailable, not_replicated.
        LinkError: Redis is away; it may have been done, and asking again does no harm.
    """
    user_id = session.require_identity().user_id
    target, wish = _wanted(user_id, command)
    leaves = target == user_id and wish in (rules.Remove(), rules.Answer(accept=False))
    if not leaves:
        session.require_entry(command.roomId)
    check_users([target])
    published = await session.services.conversations.change(
        Actor(user_id), command.roomId, target, wish, command.clientMessageId
    )
    if command.id is None and command.clientMessageId is None:
        return
    if published is None:
        ack = Ack(
            id=command.id,
            roomId=command.roomId,
            clientMessageId=command.clientMessageId,
            duplicate=True,
        )
    else:
        ack = ack_of(
            published,
            command.roomId,
            command_id=command.id,
            client_message_id=command.clientMessageId,
        )
    session.send(ack)


def _wanted(user_id: str, command: RosterCommand) -> tuple[str, Wish]:
    """Return whom a command is about, and what is to become of that user."""
    match command:
        case InviteUser():
            return command.userId, rules.Invite(command.role or Role.MEMBER)
        case AnswerInvitation():
            return user_id, rules.Answer(command.accept)
        case SetRole():
            return command.userId, rules.SetRole(command.role)
        case RemoveParticipant():
            return command.userId, rules.Remove()
    raise TypeError(f"{type(command).__name__} changes no roster")


async def participants(session: "Session", command: Participants) -> None:
    """Answer a page of a roster, to who is in it.

    Raises:
        CommandError: forbidden, invalid_message.
        LinkError: Redis is away.
    """
    session.require_entry(command.roomId)
    directory = session.services.directory
    page = await directory.participants(command)
    await directory.require_seat(command.roomId, session.require_identity().user_id)
    session.send(page)


async def rooms(session: "Session", command: ListRooms) -> None:
    """Answer a page of the user's private and direct rooms.

    Raises:
        CommandError: invalid_message, rate_limited.
        LinkError: Redis is away.
    """
    session.charge(messages=command.limit // ROOMS_PER_COMMAND)
    user_id = session.require_identity().user_id
    session.send(await session.services.directory.rooms(user_id, command))


def require_create(session: "Session", room_id: str) -> None:
    """Let pass whose token allows to make a room of this id.

    Raises:
        CommandError: forbidden.
    """
    if not session.require_identity().capabilities.allows(room_id, Action.CREATE):
        raise CommandError(
            ErrorCode.FORBIDDEN, "Your token does not allow you to create such a room."
        )

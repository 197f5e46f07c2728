"""Commands of moderators, which concern a room; and what they mean for connections here."""

from typing import TYPE_CHECKING, cast

from chat.conversations.kinds import has_roster
from chat.identity.access import Action
from chat.moderation.acts import Act, Kind
from chat.protocol.commands import (
    BanUser,
    KickUser,
    ModerationCommand,
    MuteUser,
    UnbanUser,
    UnmuteUser,
)
from chat.protocol.events import Ack, RoomLeft
from chat.rooms.room import Member, Room

if TYPE_CHECKING:
    from chat.gateway.connection import Connection
    from chat.worker.session import Session

_KINDS: dict[type, Kind] = {
    KickUser: Kind.KICK,
    BanUser: Kind.BAN,
    UnbanUser: Kind.UNBAN,
    MuteUser: Kind.MUTE,
    UnmuteUser: Kind.UNMUTE,
}


async def moderate(session: "Session", command: ModerationCommand) -> None:
    """Do it, and answer once it is stored and told; who moderates need not be in the room.

    Raises:
        CommandError: forbidden, invalid_message, banned.
        LinkError: Redis is away; it may have been done.
    """
    services, identity = session.services, session.require_identity()
    if has_roster(command.roomId):
        by_token = identity.capabilities.allows(command.roomId, Action.MODERATE)
        await services.directory.require_above(
            command.roomId, identity.user_id, command.userId, by_token=by_token
        )
    else:
        session.require(command.roomId, Action.MODERATE)
    act = Act(
        kind=_KINDS[type(command)],
        by=identity.user_id,
        on=command.userId,
        room_id=command.roomId,
        reason=command.reason,
        duration_ms=getattr(command, "durationMs", None),
    )
    await services.moderation.act(act)
    services.stats.moderation_acts.add(act.kind)
    session.send(Ack(id=command.id, roomId=command.roomId))


def put_out(member: Member, room: Room, event: RoomLeft) -> None:
    """Take a connection out of a room and tell it why."""
    session = cast("Session | None", cast("Connection", member).handler)
    if session is not None:
        session.leave(room)
        session.send(event)

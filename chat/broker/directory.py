"""Who belongs to a room, and which rooms a user belongs to: one reading for every way to ask."""

import asyncio

from chat.broker.broker import Broker
from chat.broker.listings import Listed, Listings
from chat.broker.rosters import Rosters
from chat.broker.settling import Settling
from chat.conversations.rules import OUTSIDE
from chat.conversations.seats import Seat, outranks
from chat.ops.stats import Stats
from chat.protocol.commands import ListRooms, Participants, Role
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.events import OwnRoom, Participant, ParticipantsPage, RoomsPage


class Directory:
    """Reads rosters and lists."""

    def __init__(
        self,
        broker: Broker,
        rosters: Rosters,
        listings: Listings,
        settling: Settling,
        stats: Stats,
    ) -> None:
        self._broker = broker
        self._rosters = rosters
        self._listings = listings
        self._settling = settling
        self._stats = stats

    async def participants(self, command: Participants) -> ParticipantsPage:
        """Return a page of a roster.

        Raises:
            CommandError: invalid_message.
            LinkError: Redis is away.
        """
        check_cursor(command.cursor)
        following, found = await self._rosters.page(command.roomId, command.cursor, command.limit)
        return ParticipantsPage(
            id=command.id,
            roomId=command.roomId,
            participants=[
                Participant(user_id, held.seat.role, held.since_ms, held.seat.invited)
                for user_id, held in found
            ],
            cursor=None if following == "0" else following,
        )

    async def rooms(self, user_id: str, command: ListRooms) -> RoomsPage:
        """Return a page of a user's rooms, each as its roster says; the list is corrected.

        Raises:
            CommandError: invalid_message.
            LinkError: Redis is away.
        """
        check_cursor(command.cursor)
        following, listed = await self._listings.page(user_id, command.cursor, command.limit)
        found = await asyncio.gather(*(self._own_room(user_id, one) for one in listed))
        return RoomsPage(
            id=command.id,
            rooms=[room for room in found if room is not None],
            cursor=None if following == "0" else following,
        )

    async def _own_room(self, user_id: str, listed: Listed) -> OwnRoom | None:
        held = await self._rosters.held(listed.room_id, user_id)
        seat = None if held is None else held.seat
        if seat is None or seat.code.encode() != listed.entry[:2]:
            self._stats.listings_repaired += 1
            seat = await self._settling.settle(listed.room_id, user_id, None)
        if seat is None:
            return None
        title = (await self._broker.read_page(listed.room_id)).about.title
        return OwnRoom(listed.room_id, seat.role, seat.invited, title, listed.user_ids)

    # ------------------------------------------------------------------- gates

    async def seat(self, room_id: str, user_id: str) -> Seat | None:
        """Return the seat of a user, None where there is none.

        Raises:
            LinkError: Redis is away.
        """
        held = await self._rosters.held(room_id, user_id)
        return None if held is None else held.seat

    async def require_seat(self, room_id: str, user_id: str) -> None:
        """Let pass who takes part in a room with a roster.

        Raises:
            CommandError: forbidden.
            LinkError: Redis is away.
        """
        seat = await self.seat(room_id, user_id)
        if seat is None or seat.invited:
            raise CommandError(ErrorCode.FORBIDDEN, OUTSIDE)

    async def require_above(
        self, room_id: str, user_id: str, target: str, *, by_token: bool
    ) -> None:
        """Let pass who may act on another user of a room with a roster, as moderators do.

        Args:
            room_id: the room.
            user_id: who acts.
            target: on whom; who has no seat counts as a member.
            by_token: the token of who acts allows to moderate there, which makes a member a
                moderator.

        Raises:
            CommandError: forbidden.
            LinkError: Redis is away.
        """
        own, theirs = (await self._rosters.read(room_id, [user_id, target])).held
        seat = None if own is None else own.seat
        if seat is not None and by_token and seat.role is Role.MEMBER:
            seat = seat._replace(role=Role.MODERATOR)
        if not outranks(seat, Role.MEMBER if theirs is None else theirs.seat.role):
            raise CommandError(ErrorCode.FORBIDDEN, "Your role does not allow that on this user.")


def check_cursor(cursor: str) -> None:
    """Refuse what is no cursor of a Redis scan.

    Raises:
        CommandError: invalid_message.
    """
    if not cursor.isascii() or not cursor.isdecimal() or int(cursor) >= 2**64:
        raise CommandError(ErrorCode.INVALID_MESSAGE, "That is not a cursor of ours.")

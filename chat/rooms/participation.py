"""Who of this process' members belongs to rooms with a roster, and as what.

Redis is the judge of who may come in and of what is stored. What a member is afterwards is kept
here and follows the room's order: a change of the roster is an event of it, so a member is put out
behind the event that says so and gets nothing that came later, however late this process hears it.
Where events of the order are lost, the roster is asked again. Other rooms have nothing here.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

from chat.broker.link import LinkError
from chat.broker.pacing import Pacing
from chat.broker.rosters import USERS_MAX, Held, Rosters
from chat.broker.settling import Settling
from chat.conversations.kinds import has_roster, inbox_of, is_inbox, is_reserved
from chat.conversations.rules import OUTSIDE
from chat.conversations.seats import Seat
from chat.ops.stats import Stats
from chat.protocol.commands import Role
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.events import RoomLeft
from chat.protocol.records import ROSTER, ChangeRecord
from chat.rooms.hub import Hub
from chat.rooms.room import Member, Room

log = logging.getLogger(__name__)

#: Rooms whose unsettled users wait; of others the next who joins sees the note again.
REPAIRS_MAX = 1000

PutOut = Callable[[Member, Room, RoomLeft], None]
EndGrace = Callable[[Room, str], None]


class _Known(NamedTuple):
    """The seats of users who came into a room here, each with the place of what made it so."""

    seats: dict[str, tuple[Seat, str, int]]
    changes: list[int]  # one number: how many changes of the roster were heard


class Participation:
    """Lets in who has a seat, and puts out who has lost it.

    Args:
        stats: counts who is put out.
        rosters: tells who has a seat.
        settling: brings to an end what a change has left undone.
        put_out: ends a connection's membership of a room and tells it so.
        end_grace: lets a user leave a room who is away for a moment only.
    """

    def __init__(
        self,
        stats: Stats,
        rosters: Rosters,
        settling: Settling,
        put_out: PutOut,
        end_grace: EndGrace,
    ) -> None:
        self._stats = stats
        self._rosters = rosters
        self._settling = settling
        self._put_out = put_out
        self._end_grace = end_grace
        self._known: dict[str, _Known] = {}
        self._unsettled: dict[str, dict[str, str]] = {}  # users, by room
        self._behind: dict[Room, None] = {}  # rooms whose order has lost something
        self._checks = asyncio.Event()
        self._repairs = asyncio.Event()

    def follow(self, hub: Hub) -> None:
        """Hear of what happens in the rooms of a process."""
        hub.fan_out.behind[ROSTER] = self.heard
        hub.fan_out.on_lost = self.lost
        hub.on_dropped = self.forget

    # --------------------------------------------------------- from the sessions

    async def admit(self, room: Room, user_id: str) -> None:
        """Let pass who may be in a room; `user_id` is empty for a back end, which may.

        Nothing may be awaited between this and registering as a member.

        Raises:
            CommandError: forbidden.
            LinkError: Redis is away.
        """
        room_id = room.room_id
        if not is_reserved(room_id) or not user_id:
            return
        if is_inbox(room_id):
            if room_id != inbox_of(user_id):
                raise CommandError(ErrorCode.FORBIDDEN, "That is not your inbox.")
            return
        while True:
            known = self._known.setdefault(room_id, _Known({}, [0]))
            heard = known.changes[0]
            reading = await self._rosters.read(room_id, [user_id])
            if heard == known.changes[0] and self._known.get(room_id) is known:
                break
        if reading.unsettled and len(self._unsettled) < REPAIRS_MAX:
            self._unsettled[room_id] = reading.unsettled
            self._repairs.set()
        held = reading.held[0]
        if held is None or held.seat.invited:
            raise CommandError(ErrorCode.FORBIDDEN, OUTSIDE)
        known.seats[user_id] = held.seat, held.epoch, held.seq

    def seat(self, room_id: str, user_id: str) -> Seat | None:
        """Return the seat of a user who came in here, None of others."""
        known = self._known.get(room_id)
        found = None if known is None else known.seats.get(user_id)
        return None if found is None else found[0]

    def holds(self, room: Room, user_id: str) -> bool:
        """Whether a user who was admitted has not been put out since."""
        if not user_id or not has_roster(room.room_id):
            return True
        return self.seat(room.room_id, user_id) is not None

    def require(self, room: Room, user_id: str) -> None:
        """Let pass who was admitted and not put out since.

        Raises:
            CommandError: forbidden.
        """
        if not self.holds(room, user_id):
            raise CommandError(ErrorCode.FORBIDDEN, OUTSIDE)

    async def confirm(self, room_id: str, user_id: str) -> None:
        """Let pass who has a seat now: what was read before is then for that user to see.

        Raises:
            CommandError: forbidden.
            LinkError: Redis is away.
        """
        if not await self.is_in(room_id, user_id):
            raise CommandError(ErrorCode.FORBIDDEN, OUTSIDE)

    async def is_in(self, room_id: str, user_id: str) -> bool:
        """Whether a room has no roster, or one in which a user has a seat now.

        Raises:
            LinkError: Redis is away.
        """
        if not has_roster(room_id):
            return True
        held = await self._rosters.held(room_id, user_id)
        return held is not None and not held.seat.invited

    async def settle(self, room: Room, user_id: str) -> None:
        """Compare the list of a user who came in with the roster."""
        try:
            held = await self._rosters.held(room.room_id, user_id)
        except LinkError as exc:
            log.warning("roster_not_read", extra={"room": room.room_id, "error": str(exc)})
            return
        if held is not None:
            await self._settling.look(room.room_id, user_id, held)

    # ------------------------------------------------------------ from the rooms

    def heard(self, room: Room, record: ChangeRecord) -> None:
        """A roster has changed, at this place of the room's order.

        Raises:
            ValueError, KeyError: it is nothing of ours.
        """
        known = self._known.get(room.room_id)
        if known is None:
            return
        known.changes[0] += 1
        about = record.fields()["participant"]
        user_id, role = about["userId"], about["role"]
        found = known.seats.get(user_id)
        if found is None or (found[1] == record.epoch and record.seq <= found[2]):
            return
        if role is None or about.get("invited"):
            self._expel(room, known, user_id)
        else:
            known.seats[user_id] = Seat(Role(role)), record.epoch, record.seq

    def lost(self, room: Room) -> None:
        """Events of a room's order are gone: its roster may be another."""
        if room.room_id in self._known:
            self._behind[room] = None
            self._checks.set()

    def forget(self, room: Room) -> None:
        """The room is gone from this process."""
        if has_roster(room.room_id):
            self._known.pop(room.room_id, None)

    async def run(self) -> None:
        """Find out what was lost, and settle what others have left, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._run_checks())
            group.create_task(self._run_repairs())

    async def _run_checks(self) -> None:
        pacing = Pacing()
        while True:
            await self._checks.wait()
            self._checks.clear()
            behind, self._behind = self._behind, {}
            for room in behind:
                try:
                    await self._ask_again(room)
                except LinkError as exc:
                    log.warning("roster_not_read", extra={"room": room.room_id, "error": str(exc)})
                    self.lost(room)
            if self._behind:
                await pacing.wait()
            else:
                pacing.reset()

    async def _run_repairs(self) -> None:
        """Apart from the checks: a shard of users that is away must not hold these up."""
        while True:
            await self._repairs.wait()
            room_id, users = self._unsettled.popitem()
            if not self._unsettled:
                self._repairs.clear()
            await self._settling.repair(room_id, users)

    async def _ask_again(self, room: Room) -> None:
        known = self._known.get(room.room_id)
        if known is None:
            return
        heard, users = known.changes[0], list(known.seats)
        for start in range(0, len(users), USERS_MAX):
            some = users[start : start + USERS_MAX]
            reading = await self._rosters.read(room.room_id, some)
            if heard != known.changes[0]:
                self.lost(room)  # what was heard meanwhile may be newer than the answer
                return
            for user_id, held in zip(some, reading.held, strict=True):
                self._correct(room, known, user_id, held)

    def _correct(self, room: Room, known: _Known, user_id: str, held: Held | None) -> None:
        if held is None or held.seat.invited:
            self._expel(room, known, user_id)
        else:
            known.seats[user_id] = held.seat, held.epoch, held.seq

    def _expel(self, room: Room, known: _Known, user_id: str) -> None:
        known.seats.pop(user_id, None)
        self._end_grace(room, user_id)
        event = RoomLeft(roomId=room.room_id, reason="removed")
        for member in [member for member in room.members if member.user_id == user_id]:
            self._stats.put_out += 1
            self._put_out(member, room, event)

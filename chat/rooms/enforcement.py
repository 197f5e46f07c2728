"""What moderators did, put in force on this worker: who is put out, who may not come in or type.

Redis is the judge of what is stored: its script refuses the message of a muted user whatever a
worker knows. What is kept here is for the rest, and is as old as what the worker has heard. A
worker that missed an act sees it by the time of the room's last act, which comes with every head
that it reads, and asks how its users of that room stand.
"""

import asyncio
import logging
import math
from collections.abc import Callable

from chat.broker.link import LinkError
from chat.broker.pacing import Pacing
from chat.broker.sanctions import USERS_MAX, Sanctions, decode_told
from chat.moderation.acts import Kind
from chat.moderation.standing import FOR_GOOD, Standing, refusal
from chat.ops.stats import Stats
from chat.protocol.errors import ErrorCode
from chat.protocol.events import LeftReason, RoomLeft
from chat.rooms.room import ACTS_UNKNOWN, Member, Room

log = logging.getLogger(__name__)

PutOut = Callable[[Member, Room, RoomLeft], None]
EndGrace = Callable[[Room, str], None]


class Enforcement:
    """Acts on what is heard, and on what turns out to have been missed.

    Args:
        stats: counts who is put out, and what was missed.
        sanctions: tells how users stand.
        put_out: ends a connection's membership of a room and tells it so.
        end_grace: lets a user leave a room who is away for a moment only.
    """

    def __init__(
        self, stats: Stats, sanctions: Sanctions, put_out: PutOut, end_grace: EndGrace
    ) -> None:
        self._stats = stats
        self._sanctions = sanctions
        self._put_out = put_out
        self._end_grace = end_grace
        self._loop = asyncio.get_running_loop()
        self._behind: dict[Room, int] = {}  # rooms with missed acts, and the last one not missed
        self._work = asyncio.Event()

    # ------------------------------------------------------------- from the hub

    def heard(self, room: Room, payload: bytes) -> None:
        """An act was told on the channel of a room.

        Raises:
            ValueError, KeyError: it is nothing of ours.
        """
        told = decode_told(payload)
        if told.before > room.acts:
            self.missed(room, told.before)
        room.acts = max(room.acts, told.act)
        if told.kind is Kind.MUTE:
            if told.user_id in room.users:
                self._note_mute(room, told.user_id, told.left_ms)
        elif told.kind is Kind.KICK:
            self._expel(room, told.user_id, _left(room, "kicked", told.reason))
        elif told.left_ms:
            self._expel(room, told.user_id, _left(room, "banned", told.reason, told.left_ms))

    def missed(self, room: Room, act: int) -> None:
        """The last act of a room is one that was not heard of."""
        self._look(room, room.acts)
        room.acts = max(room.acts, act)

    def came_in(self, room: Room, admitted: int) -> None:
        """Somebody is in who was admitted after an act: look whether there were others since."""
        if room.acts > admitted:
            self._look(room, admitted)

    def _look(self, room: Room, since: int) -> None:
        self._behind[room] = min(since, self._behind.get(room, since))
        self._work.set()

    async def run(self) -> None:
        """Find out what was missed until cancelled."""
        pacing = Pacing()
        while True:
            await self._work.wait()
            self._work.clear()
            behind, self._behind = self._behind, {}
            for room, since in behind.items():
                try:
                    await self._catch_up(room, since)
                    self._stats.acts_caught_up += 1
                except LinkError as exc:
                    log.warning("acts_not_read", extra={"room": room.room_id, "error": str(exc)})
                    self._look(room, since)
            if self._behind:
                await pacing.wait()
            else:
                pacing.reset()

    # --------------------------------------------------------- from the sessions

    async def admit(self, room: Room, user_id: str) -> int:
        """Let pass who may come in; return the act after which that was so.

        Asks Redis only where somebody was sanctioned once.

        Raises:
            CommandError: banned.
            LinkError: Redis is away.
        """
        if room.acts == 0:
            return 0
        heard = room.acts
        act, [standing] = await self._sanctions.standing(room.room_id, [user_id])
        if room.acts == ACTS_UNKNOWN:
            room.acts = act
        if standing.ban_ms:
            raise refusal(ErrorCode.BANNED, standing.ban_ms)
        self._note_mute(room, user_id, standing.mute_ms)
        return max(heard, act)  # Redis may have lost an act that was heard

    def require_voice(self, room: Room, user_id: str) -> None:
        """Let pass who is not muted, as far as this worker has heard.

        Raises:
            CommandError: muted.
        """
        until_s = room.muted.get(user_id)
        if until_s is None:
            return
        left_s = until_s - self._loop.time()
        if left_s <= 0.0:
            del room.muted[user_id]
            return
        left_ms = FOR_GOOD if left_s == math.inf else math.ceil(left_s * 1000)
        raise refusal(ErrorCode.MUTED, left_ms)

    # ---------------------------------------------------------------- putting out

    async def _catch_up(self, room: Room, since: int) -> None:
        """Ask how the users stand, and put out whom an act after `since` concerns.

        Raises:
            LinkError: Redis is away.
        """
        heard = room.acts
        users = list({member.user_id for member in room.members})
        for start in range(0, len(users), USERS_MAX):
            some = users[start : start + USERS_MAX]
            _, standings = await self._sanctions.standing(room.room_id, some)
            for user_id, standing in zip(some, standings, strict=True):
                self._judge(room, user_id, standing, since)
        if room.acts > heard:  # what was heard meanwhile may be newer than the answer
            self._look(room, heard)

    def _judge(self, room: Room, user_id: str, standing: Standing, since: int) -> None:
        self._note_mute(room, user_id, standing.mute_ms)
        if standing.ban_ms:
            self._expel(room, user_id, _left(room, "banned", None, standing.ban_ms))
        elif standing.kicked > since != ACTS_UNKNOWN:
            self._expel(room, user_id, _left(room, "kicked", None))

    def _note_mute(self, room: Room, user_id: str, left_ms: int) -> None:
        if not left_ms:
            room.muted.pop(user_id, None)
        else:
            left_s = math.inf if left_ms == FOR_GOOD else left_ms / 1000
            room.muted[user_id] = self._loop.time() + left_s

    def _expel(self, room: Room, user_id: str, event: RoomLeft) -> None:
        self._end_grace(room, user_id)
        for member in [member for member in room.members if member.user_id == user_id]:
            self._stats.put_out += 1
            self._put_out(member, room, event)


def _left(room: Room, reason: LeftReason, message: str | None, left_ms: int = FOR_GOOD) -> RoomLeft:
    return RoomLeft(
        roomId=room.room_id,
        reason=reason,
        message=message,
        retryAfterMs=None if left_ms == FOR_GOOD else left_ms,
    )

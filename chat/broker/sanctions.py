"""Kicks, bans and mutes of a room, in Redis: one hash per room, on the shard of the room.

They are told on the room's own channel by the script that stores them: a worker that has the room
hears of an act exactly as it hears of messages, and no other worker does. What a worker did not
hear it finds by the act's time, which every read of the room's head brings along.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from chat.broker.store import Store
from chat.moderation.acts import Act, Kind
from chat.moderation.standing import Standing, refusal
from chat.protocol.errors import CommandError, ErrorCode

#: How long a kick is remembered for workers that did not hear of it.
KICK_MEMORY_MS = 3600 * 1000
#: Users asked about with one command.
USERS_MAX = 256
_LIFT_MS = -1
_FOR_GOOD_MS = 0
_LETTERS = {
    Kind.KICK: "k",
    Kind.BAN: "b",
    Kind.UNBAN: "b",
    Kind.MUTE: "m",
    Kind.UNMUTE: "m",
}


class Told(NamedTuple):
    """What workers are told of an act on a room's channel.

    Args:
        act: its time, in microseconds of the shard's clock; rises within the room.
        before: the act before it, 0 for none.
        left_ms: how long it holds, FOR_GOOD, or 0 when it is lifted.
        kind: KICK, BAN or MUTE.
        user_id: whom it concerns.
        reason: as the moderator worded it.
    """

    act: int
    before: int
    left_ms: int
    kind: Kind
    user_id: str
    reason: str | None


_KINDS = {b"k": Kind.KICK, b"b": Kind.BAN, b"m": Kind.MUTE}


def decode_told(payload: bytes) -> Told:
    """Decode what follows the `s` of a message.

    Raises:
        ValueError: these bytes are nothing of ours.
        KeyError: they are of another version.
    """
    act, before, left_ms, letter, rest = payload.split(b":", 4)
    about = orjson.loads(rest)
    return Told(
        int(act), int(before), int(left_ms), _KINDS[letter], about["userId"], about.get("reason")
    )


class Sanctions:
    """Writes and reads them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def apply(self, act: Act, room_id: str) -> None:
        """Store an act and tell it. Doing so again does no harm.

        Raises:
            CommandError: banned, when who acts is; forbidden, when the room has too many.
            LinkError: no answer; it may have been done.
        """
        store, keys = self._store, self._store.keys
        about = {"userId": act.on}
        if act.reason:
            about["reason"] = act.reason
        reply = await store.evaluated(
            store.scripts.room_sanction,
            room_id,
            (keys.stream(room_id), keys.sanctions(room_id)),
            keys.channel(room_id),
            _LETTERS[act.kind],
            act.on,
            act.by,
            _duration_ms(act),
            orjson.dumps({"by": act.by, "reason": act.reason}),
            orjson.dumps(about),
            store.settings.sanctions_per_room,
            KICK_MEMORY_MS,
        )
        if reply[0] == b"banned":
            raise refusal(ErrorCode.BANNED, reply[1])
        if reply[0] == b"full":
            raise CommandError(
                ErrorCode.FORBIDDEN, "This room has as many sanctions as a room may have."
            )

    async def standing(self, room_id: str, users: Sequence[str]) -> tuple[int, list[Standing]]:
        """Return the last act of a room, 0 for none, and how users stand, in their order.

        Args:
            room_id: the room.
            users: at most USERS_MAX.

        Raises:
            LinkError: no answer.
        """
        store, keys = self._store, self._store.keys
        act, *flat = await store.evaluated(
            store.scripts.sanction_read,
            room_id,
            (keys.stream(room_id), keys.sanctions(room_id)),
            *users,
        )
        each = zip(flat[::3], flat[1::3], flat[2::3], strict=True)
        return int(act), [Standing(ban, mute, int(kick)) for ban, mute, kick in each]

    async def require_admitted(self, room_id: str, user_id: str) -> None:
        """Let pass who may be in a room as far as moderators are concerned.

        Raises:
            CommandError: banned.
            LinkError: no answer.
        """
        _, [standing] = await self.standing(room_id, [user_id])
        if standing.ban_ms:
            raise refusal(ErrorCode.BANNED, standing.ban_ms)

    async def require_heard(self, room_id: str, user_id: str) -> None:
        """Let pass who may write in a room as far as moderators are concerned.

        Raises:
            CommandError: banned, muted.
            LinkError: no answer.
        """
        _, [standing] = await self.standing(room_id, [user_id])
        if standing.ban_ms:
            raise refusal(ErrorCode.BANNED, standing.ban_ms)
        if standing.mute_ms:
            raise refusal(ErrorCode.MUTED, standing.mute_ms)

    async def page(self, room_id: str, cursor: str, limit: int) -> tuple[str, list["Listed"]]:
        """Return the next cursor, "0" at the end, and some bans and mutes of a room.

        Raises:
            LinkError: no answer.
        """
        key = self._store.keys.sanctions(room_id)
        following, flat = await self._store.ask(room_id, "HSCAN", key, cursor, "COUNT", limit)
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return following.decode(), [
            _listed(field, value) for field, value in pairs if field[:1] in (b"b", b"m")
        ]


class Listed(NamedTuple):
    """A ban or a mute as it is kept.

    Args:
        user_id: whom it concerns.
        kind: BAN or MUTE.
        at_ms: since when.
        ends_ms: until when, None for good; may be over.
        by: who did it.
        reason: why.
    """

    user_id: str
    kind: Kind
    at_ms: int
    ends_ms: int | None
    by: str
    reason: str | None


#: NEVER_MS of `scripts/_sanctions.lua`.
_NEVER_MS = 2**53 - 1


def _listed(field: bytes, value: bytes) -> Listed:
    ends_ms, act, rest = value.split(b":", 2)
    details: dict[str, Any] = orjson.loads(rest)
    return Listed(
        field[1:].decode(),
        _KINDS[field[:1]],
        int(act) // 1000,
        None if int(ends_ms) == _NEVER_MS else int(ends_ms),
        details["by"],
        details["reason"],
    )


def _duration_ms(act: Act) -> int:
    if act.kind in (Kind.UNBAN, Kind.UNMUTE):
        return _LIFT_MS
    if act.kind is Kind.KICK:
        return KICK_MEMORY_MS
    return _FOR_GOOD_MS if act.duration_ms is None else act.duration_ms

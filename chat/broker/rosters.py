"""Rosters in Redis: who belongs to a room, on the shard of the room; see `roster_change.lua`.

A change is judged here on what was read and stored by comparison with it, as folds are: no rule is
written twice, and none in Lua.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chat.broker.keys import Keys
from chat.broker.scripts import Script, Scripts
from chat.broker.store import Store
from chat.conversations.seats import Seat, seat_of

#: Users asked about with one command.
USERS_MAX = 256


class Held(NamedTuple):
    """A seat as it is kept.

    Args:
        seat: what the user is.
        since_ms: since when, by the shard's clock.
        epoch: of the event that made it so.
        seq: of that event.
        kept: the same, to the letter.
    """

    seat: Seat
    since_ms: int
    epoch: str
    seq: int
    kept: bytes


class Reading(NamedTuple):
    """What a roster says of some users.

    Args:
        version: the roster as a whole, to be compared; empty where there is none.
        owners: who own the room and take part.
        size: seats.
        unsettled: some users whose own lists may say something else, and by whose doing.
        held: the seat of each user asked about, in their order.
    """

    version: bytes
    owners: int
    size: int
    unsettled: dict[str, str]
    held: list[Held | None]


@dataclass(frozen=True, slots=True)
class RosterChange:
    """What a roster becomes, for `roster_change.lua`.

    Args:
        version: as it was read.
        owners: then.
        size: then.
        seats: users, what each is then, and the body of the event that says so.
        if_banned: who is banned from the room may do this all the same.
    """

    version: bytes
    owners: int
    size: int
    seats: Sequence[tuple[str, Seat | None, bytes]]
    if_banned: bool = False

    def script(self, scripts: Scripts) -> Script:
        """Return the script."""
        return scripts.roster_change

    def keys(self, keys: Keys, room_id: str) -> tuple[str, ...]:
        """Return its own keys."""
        return (
            keys.unsettled(room_id),
            keys.markers(room_id),
            keys.delivered(room_id),
            keys.roster(room_id),
        )

    def arguments(self) -> tuple[str | bytes | int, ...]:
        """Return its own arguments."""
        each: list[str | bytes | int] = []
        for user_id, seat, body in self.seats:
            each += user_id, "" if seat is None else seat.code, body
        return self.version, self.owners, self.size, int(self.if_banned), *each


class Rosters:
    """Reads them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, room_id: str, users: Sequence[str]) -> Reading:
        """Return what the roster of a room says of some users, at most USERS_MAX.

        Raises:
            LinkError: no answer.
        """
        store, keys = self._store, self._store.keys
        version, unsettled, *kept = await store.evaluated(
            store.scripts.roster_read,
            room_id,
            (keys.roster(room_id), keys.unsettled(room_id)),
            *users,
        )
        owners = size = 0
        if version:
            _, _, owners, size = version.split(b":")
        names = [name.decode() for name in unsettled]
        return Reading(
            version,
            int(owners),
            int(size),
            dict(zip(names[::2], names[1::2], strict=True)),
            [_held(one) if one else None for one in kept],
        )

    async def held(self, room_id: str, user_id: str) -> Held | None:
        """Return the seat of one user.

        Raises:
            LinkError: no answer.
        """
        return (await self.read(room_id, [user_id])).held[0]

    async def page(
        self, room_id: str, cursor: str, limit: int
    ) -> tuple[str, list[tuple[str, Held]]]:
        """Return the next cursor, "0" at the end, and some users with their seats.

        Raises:
            LinkError: no answer.
        """
        key = self._store.keys.roster(room_id)
        following, flat = await self._store.ask(room_id, "HSCAN", key, cursor, "COUNT", limit)
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return following.decode(), [
            (field[1:].decode(), _held(value)) for field, value in pairs if field[:1] == b"u"
        ]

    async def settled(self, room_id: str, user_id: str, kept: bytes) -> bool:
        """Note that a user's list was made of a seat as it is kept; false if that is another now.

        Raises:
            LinkError: no answer.
        """
        store, keys = self._store, self._store.keys
        noted = await store.evaluated(
            store.scripts.roster_settled,
            room_id,
            (keys.roster(room_id), keys.unsettled(room_id)),
            user_id,
            kept,
        )
        return bool(noted)


def _held(kept: bytes) -> Held:
    code, since_ms, epoch, seq = kept.split(b":")
    return Held(seat_of(code.decode()), int(since_ms), epoch.decode(), int(seq), kept)

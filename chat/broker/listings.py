"""The list of a user's private and direct rooms, with the inbox of that user.

It is written after the roster, which is the truth: what it says of a room is never believed, only
that the room is worth asking. List and inbox are written by one script, which stores nothing where
the list says the same already.
"""

from dataclasses import dataclass
from typing import NamedTuple

import orjson

from chat.broker.keys import Keys
from chat.broker.scripts import Script, Scripts
from chat.broker.store import Store
from chat.conversations.kinds import inbox_of
from chat.conversations.seats import Seat


@dataclass(frozen=True, slots=True)
class ListingChange:
    """What a user's list says of a room, for `listing_set.lua`; published to the user's inbox.

    Args:
        inbox_id: of the user.
        room_id: the room.
        entry: what the list says of it; empty takes it off.
    """

    inbox_id: str
    room_id: str
    entry: bytes

    def script(self, scripts: Scripts) -> Script:
        """Return the script."""
        return scripts.listing_set

    def keys(self, keys: Keys, _room_id: str) -> tuple[str, ...]:
        """Return its own keys."""
        return (keys.listing(self.inbox_id),)

    def arguments(self) -> tuple[str | bytes | int, ...]:
        """Return its own arguments."""
        return self.room_id, self.entry


class Listed(NamedTuple):
    """A room on a user's list.

    Args:
        room_id: the room.
        entry: as it is kept, see `entry_of`.
        user_ids: of a direct room; None of others.
    """

    room_id: str
    entry: bytes
    user_ids: list[str] | None


def entry_of(seat: Seat | None, user_ids: list[str] | None) -> bytes:
    """Return what a list says of a room: the code of the seat, and who is in a direct room."""
    if seat is None:
        return b""
    return seat.code.encode() + (b"" if user_ids is None else orjson.dumps(user_ids))


class Listings:
    """Reads them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def count(self, user_id: str) -> int:
        """Return how many rooms are on a user's list.

        Raises:
            LinkError: no answer.
        """
        inbox = inbox_of(user_id)
        return int(await self._store.ask(inbox, "HLEN", self._store.keys.listing(inbox)))

    async def entry(self, user_id: str, room_id: str) -> bytes:
        """Return what a user's list says of a room, empty for nothing.

        Raises:
            LinkError: no answer.
        """
        inbox = inbox_of(user_id)
        return await self._store.ask(inbox, "HGET", self._store.keys.listing(inbox), room_id) or b""

    async def page(self, user_id: str, cursor: str, limit: int) -> tuple[str, list[Listed]]:
        """Return the next cursor, "0" at the end, and some rooms of a user.

        Raises:
            LinkError: no answer.
        """
        inbox = inbox_of(user_id)
        key = self._store.keys.listing(inbox)
        following, flat = await self._store.ask(inbox, "HSCAN", key, cursor, "COUNT", limit)
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return following.decode(), [_listed(room_id.decode(), entry) for room_id, entry in pairs]


def _listed(room_id: str, entry: bytes) -> Listed:
    return Listed(room_id, entry, orjson.loads(entry[2:]) if len(entry) > 2 else None)

"""Bringing the list and the inbox of a user to what the roster of a room says.

They lie on the user's shard, so no script writes both. What may be missing there is noted with
the roster, in the step that changes it; whoever joins the room next sees the note and brings it to
an end. Doing so twice stores nothing.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping

import orjson

from chat.broker.broker import EXEMPT, Broker, Publication
from chat.broker.link import LinkError
from chat.broker.listings import ListingChange, Listings, entry_of
from chat.broker.retries import stored
from chat.broker.rosters import Held, Rosters
from chat.conversations.kinds import inbox_of, is_direct
from chat.conversations.seats import Seat
from chat.ops.stats import Stats
from chat.settings import Settings

log = logging.getLogger(__name__)

#: Rounds before a user's list is left to whoever comes next: each follows another change.
TRIES = 4
#: More than the users of a direct room: its roster comes with one answer.
_DIRECT_MAX = 64


class Settling:
    """Writes lists.

    Args:
        broker: stores what the inbox is told.
        rosters: what there is.
        listings: what the lists say.
        settings: how long to wait.
        stats: counts lists that were found to be wrong.
    """

    def __init__(
        self,
        broker: Broker,
        rosters: Rosters,
        listings: Listings,
        settings: Settings,
        stats: Stats,
    ) -> None:
        self._broker = broker
        self._rosters = rosters
        self._listings = listings
        self._settings = settings
        self._stats = stats

    async def settle_all(self, room_id: str, user_ids: Iterable[str], by: str) -> None:
        """Settle some users behind a change; what cannot be done now is left to who comes next."""
        try:
            async with asyncio.timeout(self._settings.redis_timeout):
                async with asyncio.TaskGroup() as group:
                    for user_id in user_ids:
                        group.create_task(self._settle(room_id, user_id, by))
        except TimeoutError:
            log.warning("listings_not_written", extra={"room": room_id})

    async def _settle(self, room_id: str, user_id: str, by: str) -> None:
        try:
            await self.settle(room_id, user_id, by)
        except LinkError as exc:
            log.warning("listing_not_written", extra={"room": room_id, "error": str(exc)})

    async def repair(self, room_id: str, unsettled: Mapping[str, str]) -> None:
        """Settle users whom somebody else has left unsettled."""
        async with asyncio.TaskGroup() as group:
            for user_id, by in unsettled.items():
                self._stats.listings_repaired += 1
                group.create_task(self.settle_all(room_id, [user_id], by))

    async def look(self, room_id: str, user_id: str, held: Held) -> None:
        """Compare a user's list with a seat that was read just now, and correct it."""
        try:
            async with asyncio.timeout(self._settings.redis_timeout):
                if (await self._listings.entry(user_id, room_id))[:2] != held.kept[:2]:
                    self._stats.listings_repaired += 1
                    await self.settle(room_id, user_id, None)
        except (LinkError, TimeoutError) as exc:
            log.warning("listing_not_read", extra={"room": room_id, "error": str(exc)})

    async def settle(self, room_id: str, user_id: str, by: str | None) -> Seat | None:
        """Write what the roster says of a user now; return it.

        Raises:
            LinkError: no answer; it may have been done.
        """
        seat = None
        for _ in range(TRIES):
            held = await self._rosters.held(room_id, user_id)
            seat = None if held is None else held.seat
            users = await self.users_of_direct(room_id)
            await self._write(room_id, user_id, seat, users, by)
            kept = b"" if held is None else held.kept
            if await self._rosters.settled(room_id, user_id, kept):
                break
        return seat

    async def users_of_direct(self, room_id: str) -> list[str] | None:
        """Return who is in a direct room; None of other rooms.

        Raises:
            LinkError: no answer.
        """
        if not is_direct(room_id):
            return None
        _, found = await self._rosters.page(room_id, "0", _DIRECT_MAX)
        return sorted({user_id for user_id, _ in found})

    async def _write(
        self,
        room_id: str,
        user_id: str,
        seat: Seat | None,
        user_ids: list[str] | None,
        by: str | None,
    ) -> None:
        membership: dict[str, object] = {
            "roomId": room_id,
            "role": None if seat is None else seat.role.value,
        }
        if seat is not None and seat.invited:
            membership["invited"] = True
        if seat is not None and user_ids is not None:
            membership["userIds"] = user_ids
        title = None if seat is None else (await self._broker.read_page(room_id)).about.title
        if title is not None:
            membership["title"] = title
        if by is not None:
            membership["by"] = by
        inbox = inbox_of(user_id)
        found = await stored(
            self._broker,
            Publication(
                inbox,
                user_id,
                "-",
                orjson.dumps({"membership": membership})[1:],
                None,
                EXEMPT,
                ListingChange(inbox, room_id, entry_of(seat, user_ids)),
                needs_seat=False,
            ),
        )
        if isinstance(found, LinkError):
            raise found

"""Members of rooms and the leases of workers that hold them, in Redis."""

import asyncio
import logging

from chat.broker import scripts
from chat.broker.link import LinkError, Reply
from chat.broker.store import Store

log = logging.getLogger(__name__)


class Members:
    """What presence asks of Redis."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def is_up(self) -> bool:
        """Commands can be sent."""
        return self._store.is_up

    async def put(
        self,
        room_id: str,
        lease: str,
        user_id: str,
        info: bytes,
        *,
        present: bool,
        first_in_room: bool = False,
    ) -> tuple[int, int]:
        """Put a member into a room for a lease, or take it out.

        Args:
            room_id: the room.
            lease: who holds the member.
            user_id: the member.
            info: its JSON in the list of members.
            present: false takes it out.
            first_in_room: also put the room on the list for sweepers, just before.

        Returns:
            The member count of the room, and how many members the lease holds in it.

        Raises:
            LinkError: no answer, or the room could not be put on the list.
        """
        refused: list[Exception] = []

        def noted(reply: Reply) -> None:
            if isinstance(reply, Exception):
                refused.append(reply)

        if first_in_room:  # one way to Redis for both: answers come in order
            self._store.call(noted, "SADD", self._store.keys.lease_rooms(lease), room_id)
        count, held = await self._store.evaluated(
            scripts.MEMBER_SET,
            (self._store.keys.members(room_id), self._store.keys.held(room_id, lease)),
            self._store.keys.channel(room_id),
            user_id,
            1 if present else 0,
            info,
            self._store.settings.large_room_members,
        )
        if refused:
            raise LinkError(str(refused[0]))
        return count, held

    async def page(
        self, room_id: str, cursor: str, limit: int
    ) -> tuple[int, str, list[tuple[str, bytes]]]:
        """Return (member count, next cursor, [(user id, display data)]) of a room.

        `limit` is a hint: small rooms come whole, as Redis stores them packed.

        Raises:
            LinkError: no answer.

        Source: Redis HSCAN; a member present throughout the listing appears at least once.
        """
        store = self._store
        key = self._store.keys.members(room_id)
        count, (following, flat) = await asyncio.gather(
            store.ask("HLEN", key), store.ask("HSCAN", key, cursor, "COUNT", limit)
        )
        found = [
            (user.decode(), value.partition(b"|")[2])
            for user, value in zip(flat[::2], flat[1::2], strict=True)
        ]
        return int(count), following.decode(), found

    async def forget_room(self, lease: str, room_id: str) -> None:
        """Take a room off the list of those a sweeper would have to visit.

        Raises:
            LinkError: no answer.
        """
        await self._store.ask("SREM", self._store.keys.lease_rooms(lease), room_id)

    def let_go(self, lease: str, room_ids: list[str]) -> None:
        """The same for several rooms, without waiting; if it fails, a sweeper has more to visit."""

        def noted(reply: Reply) -> None:
            if isinstance(reply, Exception):
                log.debug("lease_rooms_kept", extra={"error": str(reply)})

        try:
            self._store.call(noted, "SREM", self._store.keys.lease_rooms(lease), *room_ids)
        except LinkError as exc:
            noted(exc)

    async def renew_lease(self, lease: str, ttl_s: float, *, new: bool) -> tuple[bool, list[str]]:
        """Renew a lease; return whether it is kept and which leases have run out.

        Raises:
            LinkError: no answer.
        """
        reply = await self._store.evaluated(
            scripts.LEASE_RENEW,
            (self._store.keys.leases,),
            lease,
            int(ttl_s * 1000),
            1 if new else 0,
        )
        return reply[0] == 1, [expired.decode() for expired in reply[1:]]

    async def claim_sweep(self, lease: str, claim_s: float) -> bool:
        """Become the one who cleans up behind a lease, for a while."""
        return (
            await self._store.ask(
                "SET",
                self._store.keys.sweep(lease),
                self._store.name,
                "NX",
                "PX",
                int(claim_s * 1000),
            )
            is not None
        )

    async def extend_claim(self, lease: str, claim_s: float) -> None:
        """Go on cleaning up for a while longer."""
        store = self._store
        await store.ask("PEXPIRE", store.keys.sweep(lease), int(claim_s * 1000))

    async def rooms_of(self, lease: str, limit: int) -> list[str]:
        """Return some rooms in which a lease holds members; empty when there are none."""
        rooms = await self._store.ask("SRANDMEMBER", self._store.keys.lease_rooms(lease), limit)
        return [room.decode() for room in rooms]

    async def sweep(self, room_id: str, lease: str, limit: int) -> int:
        """Take up to about `limit` of a lease's members out of a room; return how many are left."""
        return int(
            await self._store.evaluated(
                scripts.MEMBER_SWEEP,
                (self._store.keys.members(room_id), self._store.keys.held(room_id, lease)),
                self._store.keys.channel(room_id),
                limit,
                self._store.settings.large_room_members,
            )
        )

    async def forget_lease(self, lease: str) -> None:
        """A lease is swept: drop it from the list."""
        store = self._store
        await store.ask("ZREM", self._store.keys.leases, lease)
        await store.ask("DEL", self._store.keys.lease_rooms(lease), self._store.keys.sweep(lease))

    async def end_lease(self, lease: str, in_s: float) -> None:
        """Let a lease run out in `in_s` seconds by Redis' clock, for another worker to sweep."""
        seconds, micros = await self._store.ask("TIME")
        ends_ms = int(seconds) * 1000 + int(micros) // 1000 + int(in_s * 1000)
        await self._store.ask("ZADD", self._store.keys.leases, "XX", ends_ms, lease)

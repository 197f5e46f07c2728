"""Members of rooms and the leases of workers that hold them, in Redis."""

import asyncio
import logging

from chat.broker.link import LinkError, Reply
from chat.broker.store import Store

log = logging.getLogger(__name__)


class Members:
    """What the presence of one group of rooms asks of Redis.

    Args:
        store: the connection.
        group: the group; its leases may be on another shard than some of its rooms.
    """

    def __init__(self, store: Store, group: int = 0) -> None:
        self.group = group
        self._store = store
        self._keys = store.keys
        self._scripts = store.scripts
        self._tag = store.keys.lease_tag(group)

    @property
    def is_up(self) -> bool:
        """Commands about the leases can be sent."""
        return self._store.shard(self._tag).is_up

    def reaches(self, room_id: str) -> bool:
        """Commands about a room can be sent."""
        return self._store.shard(room_id).is_up

    async def put(
        self,
        room_id: str,
        lease: str,
        user_id: str,
        info: bytes,
        *,
        present: bool,
        first_in_room: bool = False,
    ) -> tuple[int, int, bool]:
        """Put a member into a room for a lease, or take it out.

        Args:
            room_id: the room.
            lease: who holds the member.
            user_id: the member.
            info: its JSON in the list of members.
            present: false takes it out.
            first_in_room: also put the room on the list for sweepers, just before.

        Returns:
            The member count of the room, how many members the lease holds in it, and whether the
            list has other JSON of the user, by another lease, and keeps it until `tell_state`.

        Raises:
            LinkError: no answer, or the room could not be put on the list.
        """
        refused: list[Exception] = []

        def noted(reply: Reply) -> None:
            if isinstance(reply, Exception):
                refused.append(reply)

        store, keys = self._store, self._keys
        if first_in_room:
            listing = ("SADD", keys.lease_rooms(self.group, lease), room_id)
            shard = store.shard(self._tag)
            if shard is store.shard(room_id):  # one way to Redis for both: answers come in order
                shard.call(noted, *listing)
            else:
                await store.ask(self._tag, *listing)
        count, held, differs = await store.evaluated(
            self._scripts.member_set,
            room_id,
            (
                keys.members(room_id),
                keys.held(room_id, lease),
                keys.stream(room_id),
                *self._lane_keys(room_id),
            ),
            keys.channel(room_id),
            user_id,
            1 if present else 0,
            info,
            store.settings.large_room_members,
            *self._lane_arguments(room_id),
        )
        if refused:
            raise LinkError(str(refused[0]))
        return count, held, bool(differs)

    async def page(
        self, room_id: str, cursor: str, limit: int
    ) -> tuple[int, str, list[tuple[str, bytes]]]:
        """Return (member count, next cursor, [(user id, display data)]) of a room.

        `limit` is a hint: small rooms come whole, as Redis stores them packed.

        Raises:
            LinkError: no answer.

        Source: Redis HSCAN; a member present throughout the listing appears at least once.
        """
        store, key = self._store, self._keys.members(room_id)
        count, (following, flat) = await asyncio.gather(
            store.ask(room_id, "HLEN", key),
            store.ask(room_id, "HSCAN", key, cursor, "COUNT", limit),
        )
        found = [
            (user.decode(), value.partition(b"|")[2])
            for user, value in zip(flat[::2], flat[1::2], strict=True)
        ]
        return int(count), following.decode(), found

    async def forget_rooms(self, lease: str, room_ids: list[str]) -> None:
        """Take rooms off the list of those a sweeper would have to visit.

        Raises:
            LinkError: no answer.
        """
        await self._ask(*self._unlisting(lease, room_ids))

    def let_go(self, lease: str, room_ids: list[str]) -> None:
        """The same without waiting; if it fails, a sweeper has more to visit."""

        def noted(reply: Reply) -> None:
            if isinstance(reply, Exception):
                log.debug("lease_rooms_kept", extra={"error": str(reply)})

        command = self._unlisting(lease, room_ids)
        self._store.start(self._tag, lambda shard, done: shard.call(done, *command), noted)

    def _unlisting(self, lease: str, room_ids: list[str]) -> tuple[str, ...]:
        return ("SREM", self._keys.lease_rooms(self.group, lease), *room_ids)

    async def renew_lease(self, lease: str, ttl_s: float, *, new: bool) -> tuple[bool, list[str]]:
        """Renew a lease; return whether it is kept and which leases have run out.

        Raises:
            LinkError: no answer.
        """
        reply = await self._store.evaluated(
            self._scripts.lease_renew,
            self._tag,
            (self._keys.leases(self.group),),
            lease,
            int(ttl_s * 1000),
            1 if new else 0,
        )
        return reply[0] == 1, [expired.decode() for expired in reply[1:]]

    async def claim_sweep(self, lease: str, claim_s: float) -> bool:
        """Become the one who cleans up behind a lease, for a while."""
        key = self._keys.sweep(self.group, lease)
        claim_ms = int(claim_s * 1000)
        return await self._ask("SET", key, self._store.name, "NX", "PX", claim_ms) is not None

    async def extend_claim(self, lease: str, claim_s: float) -> None:
        """Go on cleaning up for a while longer."""
        await self._ask("PEXPIRE", self._keys.sweep(self.group, lease), int(claim_s * 1000))

    async def rooms_of(self, lease: str, limit: int) -> list[str]:
        """Return some rooms in which a lease holds members; empty when there are none."""
        key = self._keys.lease_rooms(self.group, lease)
        return [room.decode() for room in await self._ask("SRANDMEMBER", key, limit)]

    async def sweep(self, room_id: str, lease: str, limit: int) -> tuple[int, list[str]]:
        """Take up to about `limit` of a lease's members out of a room.

        Returns:
            How many are left, and whom the lease held.

        Raises:
            LinkError: no answer.
        """
        left, *users = await self._store.evaluated(
            self._scripts.member_sweep,
            room_id,
            (
                self._keys.members(room_id),
                self._keys.held(room_id, lease),
                self._keys.stream(room_id),
                *self._lane_keys(room_id),
            ),
            self._keys.channel(room_id),
            limit,
            self._store.settings.large_room_members,
            *self._lane_arguments(room_id),
        )
        return left, [user.decode() for user in users]

    async def tell_state(self, room_id: str, user_id: str, info: bytes) -> bool:
        """Put a member's state into the list, and tell it unless the room is large.

        Args:
            room_id: the room.
            user_id: the member.
            info: its JSON in the list of members.

        Returns:
            Whether that was news; who is no member is left alone.

        Raises:
            LinkError: no answer.
        """
        reply = await self._store.evaluated(
            self._scripts.member_state,
            room_id,
            (self._keys.members(room_id), self._keys.stream(room_id)),
            self._keys.channel(room_id),
            user_id,
            info,
            self._store.settings.large_room_members,
        )
        return bool(reply)

    def _lane_keys(self, room_id: str) -> tuple[str, ...]:
        """Return the keys under which `chat hooks` is told; none without webhooks."""
        news = self._store.news
        return () if news is None else news.lane_of(room_id).log_keys

    def _lane_arguments(self, room_id: str) -> tuple[str | int, ...]:
        news = self._store.news
        return () if news is None else (news.lane_of(room_id).channel, news.events_max, room_id)

    async def forget_lease(self, lease: str) -> None:
        """A lease is swept: drop it from the list."""
        await self._ask("ZREM", self._keys.leases(self.group), lease)
        await self._ask("DEL", self._keys.lease_rooms(self.group, lease))
        await self._ask("DEL", self._keys.sweep(self.group, lease))

    async def end_lease(self, lease: str, in_s: float) -> None:
        """Let a lease run out in `in_s` seconds by Redis' clock, for another worker to sweep."""
        seconds, micros = await self._ask("TIME")
        ends_ms = int(seconds) * 1000 + int(micros) // 1000 + int(in_s * 1000)
        await self._ask("ZADD", self._keys.leases(self.group), "XX", ends_ms, lease)

    async def _ask(self, *args: str | bytes | int) -> Reply:
        return await self._store.ask(self._tag, *args)

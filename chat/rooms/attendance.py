"""Presence of all rooms, in groups: each with leases, a flusher and a sweeper of its own.

In a Redis Cluster a group has the rooms of a sixteenth of the slots, so that a shard that is away
holds up its own rooms and no others. Elsewhere there is one group.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import NamedTuple

from chat.broker.members import Members
from chat.ops.stats import Stats
from chat.protocol.availability import PLAIN, Availability
from chat.rooms.hub import Hub
from chat.rooms.lease import LeaseKeeper
from chat.rooms.presence import Presence, describe, worker_of
from chat.rooms.room import Room
from chat.rooms.sweeper import Sweeper
from chat.settings import Settings


class _Group(NamedTuple):
    members: Members
    presence: Presence
    sweeper: Sweeper
    lease: LeaseKeeper


class Attendance:
    """Who of this worker's users is in which room.

    Args:
        settings: leases and grace.
        stats: counts swept workers.
        members: one per group, in the order of the groups.
        hub: the rooms.
        worker_id: of this worker.
    """

    def __init__(
        self, settings: Settings, stats: Stats, members: list[Members], hub: Hub, worker_id: str
    ) -> None:
        #: What others see of a user, who is told of users that a dead worker held, and of this
        #: worker's members not being relied on any more; set by the worker.
        self.shown: Callable[[str], Availability] = lambda _user_id: PLAIN
        self.on_swept: Callable[[str, list[str]], None] = _ignore
        self.on_distrust: Callable[[], None] = lambda: None
        #: Who is told of users of whom the list of a room has something else to say.
        self.on_differing: Callable[[str], None] = lambda _user_id: None
        self._groups: list[_Group] = []
        leaves_per_s = -(-settings.presence_leaves_per_s // len(members))
        for group in members:
            presence = Presence(
                group,
                settings.presence_grace,
                leaves_per_s,
                worker_id=worker_id,
                shown=self._shown,
                on_differing=self._differing,
            )
            sweeper = Sweeper(stats, group, hub, presence, self._swept)
            lease = LeaseKeeper(settings, group, hub, presence, sweeper, self._distrusted)
            self._groups.append(_Group(group, presence, sweeper, lease))

    async def arrive(self, room: Room, user_id: str, display: bytes | None) -> int:
        """Count a connection in; see `Presence.arrive`.

        Raises:
            LinkError: the shard of the room is away; the user is not counted.

        Cancellation: the caller must call `depart` if this does not return.
        """
        return await self._groups[room.group].presence.arrive(room, user_id, display)

    def depart(self, room: Room, user_id: str, *, at_once: bool) -> None:
        """Count a connection out; if it broke, its user leaves after a grace only."""
        self._groups[room.group].presence.depart(room, user_id, at_once=at_once)

    def end_grace(self, room: Room, user_id: str) -> None:
        """Let a user whose connection broke leave now, if there is such a one."""
        self._groups[room.group].presence.end_grace(room, user_id)

    @property
    def in_grace(self) -> int:
        """Users whose connection broke and who have not left yet."""
        return sum(group.presence.in_grace for group in self._groups)

    def on_tick(self) -> None:
        """Let users go whose grace is over."""
        for group in self._groups:
            group.presence.on_tick()

    def distrust(self, groups: Iterable[int]) -> None:
        """Redis may have gone back in time: what it holds of these groups is not relied on."""
        for number in groups:
            self._groups[number].lease.distrust()

    async def tell_state(self, room: Room, user_id: str, shown: Availability) -> bool:
        """Let a room see a user's state; return whether that was news.

        Raises:
            LinkError: the shard of the room is away.
        """
        info = describe(user_id, room.display.get(user_id), shown)
        return await self._groups[room.group].members.tell_state(room.room_id, user_id, info)

    def _shown(self, user_id: str) -> Availability:
        return self.shown(user_id)

    def _differing(self, user_id: str) -> None:
        self.on_differing(user_id)

    def _swept(self, lease: str, users: list[str]) -> None:
        self.on_swept(worker_of(lease), users)

    def _distrusted(self) -> None:
        self.on_distrust()

    def problems(self) -> tuple[list[str], bool]:
        """Return what is wrong, in sentences, and whether any lease is held at all."""
        lacking = sum(not group.lease.is_held for group in self._groups)
        if not lacking:
            return [], True
        if lacking == len(self._groups):
            return ["the presence lease is not held"], False
        return [f"{lacking} of {len(self._groups)} presence leases are not held"], True

    async def run(self) -> None:
        """Keep all groups true until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for group in self._groups:
                tasks.create_task(group.presence.run())
                tasks.create_task(group.lease.run())
                tasks.create_task(group.sweeper.run())

    async def hand_over(self) -> None:
        """This worker ends: its members stay for the grace, then another worker sweeps them.

        Raises:
            LinkError: Redis is away; the leases run out by themselves.
        """
        outcomes = await asyncio.gather(
            *(self._hand_over(group) for group in self._groups), return_exceptions=True
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _hand_over(self, group: _Group) -> None:
        await group.presence.flushed()
        await group.lease.hand_over()


def _ignore(_worker_id: str, _users: list[str]) -> None:
    """Nobody wants to know."""

"""The composition root of `chat hooks`: hears of news, takes note of them, has them delivered."""

import asyncio
import logging
import secrets
from collections.abc import Sequence

from chat.broker.link import LinkError
from chat.broker.news import Lane, News
from chat.broker.shard import Shard
from chat.broker.store import Store
from chat.broker.subscriptions import open_channels
from chat.ops.server import Readiness
from chat.ops.stats import Stats
from chat.settings import Settings, SettingsError
from chat.webhooks.courier import Courier
from chat.webhooks.cursors import Cursors, Place
from chat.webhooks.endpoints import Endpoint
from chat.webhooks.shares import Shares

log = logging.getLogger(__name__)

#: Rooms taken note of in one script call.
TAKEN_MAX = 200
#: Lanes that are looked at side by side.
LANES_AT_ONCE = 64
#: How often files of secrets are looked at.
SECRETS_LOOK_S = 2.0
#: Pause after a lane could not be read.
REDIS_PAUSE_S = 0.5


class Dispatcher:
    """One process of `chat hooks`.

    Args:
        settings: all settings.
        endpoints: who is told.

    Raises:
        SettingsError: webhooks are switched off.
    """

    def __init__(self, settings: Settings, endpoints: Sequence[Endpoint]) -> None:
        self.process_id = f"hooks-{secrets.token_hex(5)}"
        self.redis = Stats()
        self._settings = settings
        self._endpoints = endpoints
        name = f"chat-{self.process_id}"
        self._store = Store(settings, self.redis, name, on_up=self._on_redis_up)
        news = self._store.news
        if news is None:
            raise SettingsError("CHAT_WEBHOOKS is off: set it here and for workers and `chat api`.")
        self._news: News = news
        self._channels = open_channels(
            self._store, self.redis, on_message=self._on_message, on_restored=self._on_restored
        )
        self._cursors = Cursors(self._store, news, endpoints)
        self.couriers = [
            Courier(endpoint, settings, self._cursors, self._look_again) for endpoint in endpoints
        ]
        self.shares = Shares(
            self._store, news, self.process_id, gained=self._gained, let_go=self._let_go
        )
        self._by_channel: dict[bytes, Lane] = {}
        self._noisy: dict[Lane, None] = {}  # lanes with news
        self._unknown: dict[Lane, None] = {}  # lanes of which all that is due has to be looked up
        self._work = asyncio.Event()
        self._stop = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None

    def begin_drain(self) -> None:
        """Leave: what is under way is ended, the rest is for other processes."""
        self._stop.set()

    async def run(self) -> None:
        """Deliver until `begin_drain`."""
        async with asyncio.TaskGroup() as group:
            self._tasks = group
            sharing = group.create_task(self.shares.run(), name="shares")
            tasks = [
                group.create_task(loop)
                for loop in (
                    self._store.run(),
                    self._channels.run(),
                    self._run_looks(),
                    self._run_sweeps(),
                    self._run_secrets(),
                    *(courier.run() for courier in self.couriers),
                )
            ]
            log.info("hooks_started", extra={"endpoints": len(self.couriers)})
            await self._stop.wait()
            sharing.cancel()
            await self._leave()
            for task in tasks:
                task.cancel()
        log.info("hooks_ended")

    async def _leave(self) -> None:
        try:
            async with asyncio.timeout(self._settings.webhook_timeout):
                await asyncio.gather(*map(self._let_go, range(self._news.groups)))
                await self.shares.leave()
        except (LinkError, TimeoutError) as exc:
            log.warning("hook_shares_not_left", extra={"error": str(exc)})

    # -------------------------------------------------------------- what is ours

    def _gained(self, group: int) -> None:
        lanes = [lane for lane in self._news.lanes if lane.group == group]
        for lane in lanes:
            self._by_channel[lane.channel.encode()] = lane
        if self._tasks is not None:
            self._tasks.create_task(self._open(lanes), name=f"open-{group}")

    async def _open(self, lanes: list[Lane]) -> None:
        """Hear the news of lanes from here on, and look up what there is already."""
        for start in range(0, len(lanes), LANES_AT_ONCE):
            some = lanes[start : start + LANES_AT_ONCE]
            await asyncio.gather(*(self._subscribe(lane) for lane in some))
            self._look_again({lane for lane in some if self._is_ours(lane)})

    async def _subscribe(self, lane: Lane) -> None:
        try:
            await self._channels.subscribe(lane.channel)
        except LinkError:
            log.debug("hook_lane_not_heard_yet", extra={"lane": lane.tag})  # it will be restored

    async def _let_go(self, group: int) -> None:
        for lane in self._news.lanes:
            if lane.group == group and self._is_ours(lane):
                del self._by_channel[lane.channel.encode()]
                self._channels.unsubscribe(lane.channel)
                self._noisy.pop(lane, None)
                self._unknown.pop(lane, None)
        await asyncio.gather(*(courier.turns.let_go(group) for courier in self.couriers))

    def _is_ours(self, lane: Lane) -> bool:
        return lane.channel.encode() in self._by_channel

    # ------------------------------------------------------------------ looking

    def _on_message(self, channel: bytes, _room_id: bytes) -> None:
        lane = self._by_channel.get(channel)
        if lane is not None:
            self._noisy[lane] = None
            self._work.set()

    def _on_restored(self, channels: set[bytes]) -> None:
        for channel in channels:
            self._on_message(channel, b"")

    def _on_redis_up(self, shard: Shard, _history_may_have_changed: bool) -> None:
        if shard.address is not None:
            self._channels.follow(shard.address)
        self._look_again(set(self._by_channel.values()))

    def _look_again(self, lanes: set[Lane]) -> None:
        """Look up all that is due in lanes, and their news."""
        self._unknown.update(dict.fromkeys(lanes))
        self._noisy.update(dict.fromkeys(lanes))
        self._work.set()

    async def _run_looks(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while self._noisy:
                some = [
                    self._noisy.popitem()[0] for _ in range(min(LANES_AT_ONCE, len(self._noisy)))
                ]
                outcomes = await asyncio.gather(*(self._look(lane) for lane in some))
                if not all(outcomes):
                    await asyncio.sleep(REDIS_PAUSE_S)

    async def _look(self, lane: Lane) -> bool:
        """Look at one lane; false if Redis did not answer, and it is looked at again."""
        if not self._is_ours(lane):
            return True
        try:
            if lane in self._unknown:
                del self._unknown[lane]
                await self._look_up_due(lane)
            rooms, is_more = await self._cursors.take(lane, TAKEN_MAX)
        except LinkError as exc:
            log.debug("hook_lane_not_read", extra={"lane": lane.tag, "error": str(exc)})
            self._look_again({lane} if self._is_ours(lane) else set())
            return False
        if self._is_ours(lane):
            for room_id in rooms:
                for courier in self.couriers:
                    courier.turns.news(Place(lane, room_id))
            if is_more:
                self._noisy[lane] = None
        return True

    async def _look_up_due(self, lane: Lane) -> None:
        for courier in self.couriers:
            first, rooms = 0, [""]
            while rooms and self._is_ours(lane):
                rooms = await self._cursors.due(lane, courier.endpoint, first, TAKEN_MAX)
                for room_id in rooms:
                    courier.turns.news(Place(lane, room_id))
                first += len(rooms)

    async def _run_sweeps(self) -> None:
        """Look at all lanes now and then, a few at a time: what is published may be lost."""
        while True:
            await asyncio.sleep(self._settings.webhook_sweep_interval)
            lanes = list(self._by_channel.values())
            steps = -(-len(lanes) // LANES_AT_ONCE)
            for step in range(steps):
                for lane in lanes[step * LANES_AT_ONCE : (step + 1) * LANES_AT_ONCE]:
                    if self._is_ours(lane):
                        self._noisy[lane] = None
                self._work.set()
                await asyncio.sleep(self._settings.webhook_sweep_interval / steps / 2)

    async def _run_secrets(self) -> None:
        while True:
            await asyncio.sleep(SECRETS_LOOK_S)
            for endpoint in self._endpoints:
                endpoint.look()

    # -------------------------------------------------------------------- state

    def readiness(self) -> Readiness:
        """Return whether all works, and if not, why. An endpoint that fails is none of that."""
        reasons = []
        if self._stop.is_set():
            reasons.append("draining")
        if not self._store.is_up:
            reasons.append("Redis is away")
        elif not self.shares.are_held:
            reasons.append("its share of the rooms is not known")
        return Readiness(ready=not reasons, reasons=reasons, workers=[])

    def observe(self) -> None:
        """Bring the gauges of Redis up to date."""
        self._store.observe()

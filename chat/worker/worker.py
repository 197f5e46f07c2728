"""The composition root of a worker: builds the parts, runs them, drains them."""

import asyncio
import gc
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from chat import __version__
from chat.broker.broker import Broker
from chat.broker.budgets import settle_budgets
from chat.broker.changes import Changes
from chat.broker.event_log import EventLog
from chat.broker.link import LinkError
from chat.broker.markers import Markers
from chat.broker.members import Members
from chat.broker.moderation import Moderation
from chat.broker.people import people_of
from chat.broker.probes import Probes
from chat.broker.registry import Registry
from chat.broker.replication import ConfirmingBroker, Replication
from chat.broker.reports import Reports
from chat.broker.revocation_feed import RevocationFeed, token_life_s
from chat.broker.room_changes import RoomChanges
from chat.broker.shard import Shard
from chat.broker.store import Store
from chat.broker.subscriptions import open_channels
from chat.broker.user_presence import CHANGED, UserPresence
from chat.gateway.gateway import Gateway
from chat.identity.keys import KeyRing
from chat.identity.tokens import Verifier
from chat.limits.addresses import AddressLimits
from chat.limits.slow_mode import SlowMode
from chat.limits.users import UserBudgets
from chat.moderation.revocations import Revocations
from chat.ops.reports import Report, State
from chat.ops.stats import Stats
from chat.rooms.attendance import Attendance
from chat.rooms.delivered_markers import DeliveredMarkers
from chat.rooms.enforcement import Enforcement
from chat.rooms.hub import Hub
from chat.rooms.participation import Participation
from chat.rooms.read_markers import ReadMarkers
from chat.rooms.room import Room
from chat.rooms.typing import Typists
from chat.screening.screening import Screening
from chat.settings import Settings
from chat.worker.advertised import advertised_address
from chat.worker.application import ChatApplication
from chat.worker.asking import Asking
from chat.worker.comings import Comings
from chat.worker.drain import drain
from chat.worker.moderating import put_out
from chat.worker.registration import Registration
from chat.worker.services import Services
from chat.worker.signing_out import sign_out
from chat.worker.user_states import UserStates

log = logging.getLogger(__name__)

TICK_S = 1.0
STARTING_TICK_S = 0.05
#: A worker that cannot become ready accepts all the same: clients should hear why.
ACCEPT_AFTER_S = 5.0


class Worker:
    """One process of the cluster.

    Args:
        settings: all settings.
        report: called once a second with the state of this worker.
        slot: its place under the supervisor.
    """

    def __init__(self, settings: Settings, report: Callable[[Report], None], slot: int = 0) -> None:
        self.worker_id = secrets.token_hex(5)  # 40 random bits: unique across hosts and restarts
        self.stats = Stats()
        self._settings = settings
        self._report = report
        self._slot = slot
        self._stop = asyncio.Event()
        self._draining = False
        name = f"chat-{self.worker_id}"
        self._store = Store(settings, self.stats, name, on_up=self._on_redis_up)
        self._replication: Replication | None = None
        self._broker = broker = Broker(self._store)
        if settings.redis_wait_replicas:
            self._replication = Replication(self._store, self.stats)
            self._broker = broker = ConfirmingBroker(self._store, self._replication)
        self._channels = open_channels(
            self._store, self.stats, on_message=self._on_message, on_restored=self._on_restored
        )
        self._probes = Probes(settings, self.stats, self._store, self._channels, self.worker_id)
        self._probe_channels = self._probes.channels
        self._hub = Hub(settings, self.stats, broker, self._channels)
        members = [Members(self._store, group) for group in range(self._store.keys.groups)]
        self._attendance = Attendance(settings, self.stats, members, self._hub, self.worker_id)
        self._user_states = UserStates(
            settings,
            self.stats,
            UserPresence(self._store),
            self._attendance,
            lambda: self._gateway.connections,
            self.worker_id,
        )
        self._attendance.shown = self._user_states.shown
        self._attendance.on_swept = self._user_states.swept
        self._attendance.on_distrust = self._user_states.distrust
        moderation = Moderation(self._store)
        self._enforcement = Enforcement(
            self.stats, moderation.sanctions, put_out, self._attendance.end_grace
        )
        keyring, screening = (
            KeyRing.from_settings(settings),
            Screening.from_settings(settings, self.stats),
        )
        room_changes = RoomChanges(broker, settings, moderation, screening)
        people = people_of(self._store, broker, room_changes, moderation.audit, self.stats)
        self._participation = Participation(
            self.stats, people.rosters, people.settling, put_out, self._attendance.end_grace
        )
        markers, fan_out = Markers(self._store, self.worker_id), self._hub.fan_out
        self._read_markers = ReadMarkers(settings, self.stats, markers, fan_out, self.worker_id)
        self._delivered_markers = DeliveredMarkers(settings, self.stats, markers, fan_out)
        self._listen()
        self._revocations = Revocations(token_life_s(settings))
        self._feed = RevocationFeed(
            settings, self._store, self._revocations, self._on_user_acts, self._channels
        )
        self._registration = Registration(settings, Registry(self._store), self.report)
        self._services = Services(
            worker_id=self.worker_id,
            settings=settings,
            stats=self.stats,
            broker=broker,
            changes=Changes(broker, settings, moderation, self.stats, screening),
            room_changes=room_changes,
            hub=self._hub,
            attendance=self._attendance,
            members=members[0],
            typists=Typists(settings, self.stats, broker),
            read_markers=self._read_markers,
            delivered_markers=self._delivered_markers,
            user_states=self._user_states,
            keyring=keyring,
            verifier=Verifier(settings, keyring, self._revocations.refuses),
            users=UserBudgets(settings),
            addresses=AddressLimits(settings),
            slow_mode=SlowMode(settings.slow_mode),
            moderation=moderation,
            enforcement=self._enforcement,
            reports=Reports(self._store),
            screening=screening,
            asking=Asking(),
            participation=self._participation,
            conversations=people.conversations,
            directory=people.directory,
            comings=Comings.told_to(EventLog.of(self._store, self.stats), self.worker_id),
        )
        application = ChatApplication(self._services, lambda: self.state()[0] == "ready")
        self._gateway = Gateway(settings, self.stats, application)

    def _listen(self) -> None:
        """Have what is heard of rooms handed to who knows about it."""
        self._hub.on(b"s", self._enforcement.heard)
        self._hub.on_missed_act = self._enforcement.missed
        self._hub.on(b"p", self._read_markers.heard)
        self._hub.on(b"v", self._on_marker)
        self._participation.follow(self._hub)

    def begin_drain(self) -> None:
        """Leave: readiness turns red now, clients follow."""
        self._stop.set()

    async def run(self, listen_sockets: Sequence[socket.socket]) -> None:
        """Serve until `begin_drain`, then drain."""
        self._registration.address = advertised_address(self._settings, listen_sockets, self._slot)
        loops: list[Coroutine[Any, Any, None]] = [
            self._store.run(),
            self._channels.run(),
            self._probes.run(),
            self._attendance.run(),
            self._user_states.run(),
            self._enforcement.run(),
            self._participation.run(),
            self._feed.run(),
            self._registration.run(),
            self._run_ticks(),
            settle_budgets(self._store, self._services.users),
            self._services.keyring.run(),
        ]
        if self._services.screening is not None:
            loops += self._services.screening.loops()
        if self._replication is not None:
            loops.append(self._replication.run())
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(loop) for loop in loops]
            await self._wait_until_useful()
            await self._gateway.start(listen_sockets)
            gc.collect()
            gc.freeze()  # what is here stays: no collection has to look at it again
            gc.set_threshold(20_000, 20, 50)
            host, port = listen_sockets[0].getsockname()[:2]
            extra = {"host": host, "port": port, "sockets": len(listen_sockets)}
            log.info("worker_started", extra=extra)
            await self._stop.wait()
            await self._leave()
            for task in tasks:
                task.cancel()

    async def _wait_until_useful(self) -> None:
        """Let clients wait in the kernel's queue until Redis is there, but not for long."""
        deadline_s = time.monotonic() + ACCEPT_AFTER_S
        while not self._stop.is_set() and time.monotonic() < deadline_s:
            if not self._problems()[0]:
                return
            await asyncio.sleep(STARTING_TICK_S)

    async def _leave(self) -> None:
        self._draining = True
        self._tell()
        services = self._services
        await drain(self._gateway, self._broker, services.changes, services.asking, self._settings)
        await self._services.tasks.stop()
        await self._hub.stop()
        self._read_markers.write_all()
        self._delivered_markers.write_all()
        try:
            async with asyncio.timeout(self._settings.redis_timeout):
                await self._user_states.hand_over()
                await self._attendance.hand_over()
                await self._registration.leave()
                await self._store.barrier()  # the read markers have been sent without waiting
        except (LinkError, TimeoutError) as exc:
            log.warning("lease_not_handed_over", extra={"error": str(exc)})
        self._tell()

    # ---------------------------------------------------------------- from Redis

    def _on_message(self, channel: bytes, payload: bytes) -> None:
        if channel in self._probe_channels:
            self._probes.heard(channel, payload)
        elif channel == self._feed.channel:
            if payload.startswith(CHANGED):
                self._user_states.heard(payload[len(CHANGED) :])
            else:
                self._feed.heard(payload)
        else:
            self._hub.on_message(channel, payload)

    def _on_marker(self, room: Room, payload: bytes) -> None:
        """A marker that was not always there: one of deliveries, or of what was read in private."""
        kind = {b"d": self._delivered_markers.heard, b"p": self._read_markers.heard_in_private}
        kind[payload[:1]](room, payload[1:])

    def _on_redis_up(self, shard: Shard, history_may_have_changed: bool) -> None:
        if shard.address is not None:
            self._channels.follow(shard.address)
        if history_may_have_changed:
            self._attendance.distrust(self._store.keys.groups_of(shard.slots))
        self._registration.renew()
        self._feed.look()
        self._hub.gaps.resync(self._hub.rooms_in(shard.slots))

    def _on_restored(self, channels: set[bytes]) -> None:
        self._hub.gaps.resync(self._hub.rooms_on(channels))
        if self._feed.channel in channels:
            self._feed.look()
            self._user_states.resync()

    def _on_user_acts(self, news: set[str]) -> None:
        sign_out(self._gateway.connections, self._revocations, news)

    # --------------------------------------------------------------------- loops

    async def _run_ticks(self) -> None:
        told_s = 0.0
        was_ready = False
        while True:
            self._tell()
            was_ready |= self.state()[0] == "ready"
            # The supervisor waits for this worker before it starts the next one.
            await asyncio.sleep(TICK_S if was_ready else STARTING_TICK_S)
            self._store.observe()
            self._probes.observe()
            self._hub.on_tick()
            self._attendance.on_tick()
            self.stats.presence_in_grace = self._attendance.in_grace
            self.stats.revocations = len(self._revocations)
            self._services.typists.on_tick()
            self._read_markers.on_tick()
            self._delivered_markers.on_tick()
            self._user_states.on_tick()
            now_s = time.monotonic()
            self._services.users.sweep(now_s)
            self.stats.budgets_forgotten = self._services.users.forgotten
            if now_s - told_s >= self._settings.member_count_interval:
                told_s = now_s
                self._hub.announcements.tell_member_counts()

    # --------------------------------------------------------------------- state

    def state(self) -> tuple[State, list[str]]:
        """Return whether this worker should get clients, and if not, why."""
        reasons, works = self._problems()
        if self._draining:
            return "draining", ["draining", *reasons]
        if not self._gateway.is_accepting:
            return "starting", ["starting", *reasons]
        return ("ready" if works else "not_ready"), reasons

    def _problems(self) -> tuple[list[str], bool]:
        """Return what is wrong, in sentences, and whether clients are well off here all the same.

        A shard that is away is no reason to send clients to another worker: it is away for all.
        """
        parts = (
            self._store.problems(),
            self._channels.problems(),
            self._probes.problems(),
            self._attendance.problems(),
            self._feed.problems(),
        )
        reasons = [reason for sentences, _ in parts for reason in sentences]
        return reasons, all(works for _, works in parts)

    def report(self) -> Report:
        """Return the present state with all counters."""
        state, reasons = self.state()
        return Report(
            worker_id=self.worker_id,
            pid=os.getpid(),
            slot=self._slot,
            version=__version__,
            state=state,
            reasons=reasons,
            stats=self.stats.snapshot(),
        )

    def _tell(self) -> None:
        report = self.report()
        self._report(report)
        self._registration.note(report.state)

"""The composition root of the HTTP side: builds the parts, runs them, drains them."""

import asyncio
import logging
import secrets
import socket
import time

from chat.api.application import build_application
from chat.api.feed import Feed
from chat.api.metrics import ApiMetrics
from chat.api.reader import Reader
from chat.api.server import HttpServer
from chat.api.services import ApiServices
from chat.api.stats import ApiStats
from chat.api.streams import Streams
from chat.api.sweeping import sweep_files
from chat.broker.broker import Broker
from chat.broker.budgets import settle_budgets
from chat.broker.changes import Changes
from chat.broker.markers import Markers
from chat.broker.members import Members
from chat.broker.moderation import Moderation
from chat.broker.people import people_of
from chat.broker.registry import Registry
from chat.broker.replication import ConfirmingBroker, Replication
from chat.broker.reports import Reports
from chat.broker.revocation_feed import RevocationFeed, token_life_s
from chat.broker.room_changes import RoomChanges
from chat.broker.shard import Shard
from chat.broker.store import Store
from chat.broker.user_presence import CHANGED, UserPresence
from chat.files.intake import Intake
from chat.files.storage import open_storage
from chat.gateway.address import trusted_networks
from chat.gateway.gateway import raise_descriptor_limit
from chat.gateway.origin import OriginPolicy
from chat.identity.keyfile import KeyFile
from chat.identity.keys import KeyRing
from chat.identity.tokens import Verifier
from chat.limits.slow_mode import SlowMode
from chat.limits.users import Limits, UserBudgets
from chat.moderation.revocations import Revocations
from chat.ops.server import Readiness
from chat.ops.stats import Stats
from chat.protocol.events import RoomLeft
from chat.rooms.enforcement import Enforcement
from chat.rooms.participation import Participation
from chat.rooms.room import Member, Room
from chat.screening.screening import Screening
from chat.settings import Settings

log = logging.getLogger(__name__)

TICK_S = 1.0
STARTING_TICK_S = 0.05
#: A process that cannot reach Redis accepts all the same: clients should hear why.
ACCEPT_AFTER_S = 5.0


class HttpSide:
    """One process of the HTTP side.

    Args:
        settings: all settings.

    Raises:
        SettingsError: a setting cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        unique = secrets.token_hex(5)  # as those of workers: unique across hosts and restarts
        self.api_id = f"api-{unique}"
        self._settings = settings
        self._redis = Stats()
        name = f"chat-{self.api_id}"
        self._store = Store(settings, self._redis, name, on_up=self._on_redis_up)
        broker = Broker(self._store)
        self._replication: Replication | None = None
        if settings.redis_wait_replicas:
            self._replication = Replication(self._store, self._redis)
            broker = ConfirmingBroker(self._store, self._replication)
        self._feed = Feed(self._store, self._redis, broker, self.api_id)
        stats = ApiStats()
        moderation = Moderation(self._store)
        self._enforcement = Enforcement(
            self._redis, moderation.sanctions, self._end_stream, lambda _room, _user_id: None
        )
        self._feed.hub.on(b"s", self._enforcement.heard)
        self._feed.hub.on_missed_act = self._enforcement.missed
        screening = Screening.from_settings(settings, self._redis)
        room_changes = RoomChanges(broker, settings, moderation, screening)
        people = people_of(self._store, broker, room_changes, moderation.audit, self._redis)
        self._participation = Participation(
            self._redis,
            people.rosters,
            people.settling,
            self._end_stream,
            lambda _room, _user_id: None,
        )
        self._participation.follow(self._feed.hub)
        self._revocations = Revocations(token_life_s(settings))
        self._user_acts = RevocationFeed(
            settings, self._store, self._revocations, self._on_user_acts, self._feed.channels
        )
        self._feed.on_control = self._on_control
        self._keyring = KeyRing.from_settings(settings)
        self._services = ApiServices(
            api_id=unique,
            settings=settings,
            stats=stats,
            broker=broker,
            changes=Changes(broker, settings, moderation, self._redis, screening),
            room_changes=room_changes,
            members=Members(self._store),
            markers=Markers(self._store, self.api_id),
            presence=UserPresence(self._store),
            registry=Registry(self._store),
            verifier=Verifier(settings, self._keyring, self._revocations.refuses),
            keys=KeyFile.from_settings(settings),
            users=UserBudgets(settings),
            key_budgets=UserBudgets(settings, limits=_key_limits(settings)),
            slow_mode=SlowMode(settings.slow_mode),
            origins=OriginPolicy(settings.allowed_origins),
            trusted_proxies=trusted_networks(settings),
            feed=self._feed,
            streams=Streams(settings, stats),
            moderation=moderation,
            enforcement=self._enforcement,
            intake=_intake(settings),
            upload_budgets=UserBudgets(settings, limits=_upload_limits(settings)),
            reports=Reports(self._store),
            screening=screening,
            participation=self._participation,
            conversations=people.conversations,
            directory=people.directory,
        )
        self.metrics = ApiMetrics(stats, self._redis, self._state)
        self._server = HttpServer(build_application(self._services), self._services)
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()

    def begin_drain(self) -> None:
        """Leave: readiness turns red now, the listening socket follows. Again: hurry."""
        if self._stop.is_set():
            self._hurry.set()
            self._server.leave(at_once=True)
        self._stop.set()

    async def run(self, listen_socket: socket.socket) -> None:
        """Serve until `begin_drain`, then drain."""
        raise_descriptor_limit()
        loops = [
            self._store.run(),
            *self._feed.loops(),
            self._enforcement.run(),
            self._participation.run(),
            self._user_acts.run(),
            self._keyring.run(),
            self._services.keys.run(),
            self._run_ticks(),
            settle_budgets(self._store, self._services.users),
            settle_budgets(self._store, self._services.key_budgets, self._store.keys.key_budget),
            settle_budgets(
                self._store, self._services.upload_budgets, self._store.keys.upload_budget
            ),
            sweep_files(self._services, self._store.keys.groups),
            self._services.reports.run(),
        ]
        if self._services.screening is not None:
            loops += self._services.screening.loops()
        if self._replication is not None:
            loops.append(self._replication.run())
        host, port = listen_socket.getsockname()[:2]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(loop) for loop in loops]
            await self._wait_until_useful()
            serving = group.create_task(self._server.run_on(listen_socket), name="http")
            log.info("api_started", extra={"host": host, "port": port})
            await self._stop.wait()
            await self._leave()
            await serving
            await self._feed.hub.stop()
            for task in tasks:
                task.cancel()
        log.info("api_ended")

    async def _wait_until_useful(self) -> None:
        """Let clients wait in the kernel's queue until Redis is there, but not for long.

        To some of them a 503 is final: a browser's `EventSource` does not come back from one.
        """
        deadline_s = time.monotonic() + ACCEPT_AFTER_S
        while not self._stop.is_set() and time.monotonic() < deadline_s:
            if self._store.is_up and self._feed.is_complete:
                return
            await asyncio.sleep(STARTING_TICK_S)

    async def _leave(self) -> None:
        """Answer on for a while, so that balancers see the red light before the closed door."""
        self._services.draining = True
        log.info("drain_began", extra={"in_flight": self._services.stats.in_flight})
        try:
            async with asyncio.timeout(self._settings.api_drain_delay):
                await self._hurry.wait()
        except TimeoutError:
            pass
        self._server.leave()
        self._services.streams.drain()

    def _on_redis_up(self, shard: Shard, _history_may_have_changed: bool) -> None:
        self._feed.on_redis_up(shard)

    def _on_control(self, payload: bytes) -> None:
        if not payload.startswith(CHANGED):  # what users choose concerns workers only
            self._user_acts.heard(payload)

    def _on_user_acts(self, news: set[str]) -> None:
        self._services.streams.sign_out(self._revocations, news)

    def _end_stream(self, reader: Member, room: Room, event: RoomLeft) -> None:
        """A user is put out of a room: the user's streams of it end, behind what came before."""
        if isinstance(reader, Reader) and event.reason is not None:
            self._feed.hub.fan_out.flush_room(room)
            reader.close(event.reason)

    async def _run_ticks(self) -> None:
        """Look at rooms, and forget the budgets of those who have been idle."""
        while True:
            await asyncio.sleep(TICK_S)
            self._feed.on_tick()
            now_s = time.monotonic()
            self._services.users.sweep(now_s)
            self._services.key_budgets.sweep(now_s)
            self._services.upload_budgets.sweep(now_s)

    # --------------------------------------------------------------------- state

    def readiness(self) -> Readiness:
        """Return whether this process should get requests, and if not, why."""
        reasons = []
        if self._services.draining:
            reasons.append("draining")
        elif not self._server.started:
            reasons.append("starting")
        if not self._store.is_up:
            reasons.append("Redis is away")
        sentences, works = self._user_acts.problems()
        if not works:
            reasons += sentences
        return Readiness(ready=not reasons, reasons=reasons, workers=[])

    def _state(self) -> dict[str, int]:
        self._store.observe()
        return {
            "ready": int(self.readiness().ready),
            "connections": self._services.connections,
            "api_keys": len(self._services.keys),
            "reports_open": self._services.reports.open,
            "api_keys_current": int(self._services.keys.is_current),
        }


def _key_limits(settings: Settings) -> Limits:
    """Return what an API key may do: so many requests, of any size."""
    requests = settings.api_key_requests_per_s, settings.api_key_requests_burst
    return requests, (0.0, 0), (0.0, 0)


def _upload_limits(settings: Settings) -> Limits:
    """Return how many files a user may upload, and how many bytes in them."""
    files = settings.upload_files_per_s, settings.upload_files_burst
    return files, (settings.upload_bytes_per_s, settings.upload_bytes_burst), (0.0, 0)


def _intake(settings: Settings) -> Intake | None:
    storage = open_storage(settings)
    return None if storage is None else Intake(storage, settings)

"""The composition root of the HTTP side: builds the parts, runs them, drains them."""

import asyncio
import logging
import secrets
import socket
import time

from chat.api.application import build_application
from chat.api.metrics import ApiMetrics
from chat.api.server import HttpServer
from chat.api.services import ApiServices
from chat.api.stats import ApiStats
from chat.broker.broker import Broker
from chat.broker.budgets import settle_budgets
from chat.broker.members import Members
from chat.broker.store import Store
from chat.gateway.address import trusted_networks
from chat.gateway.gateway import raise_descriptor_limit
from chat.gateway.origin import OriginPolicy
from chat.identity.keys import KeyRing
from chat.identity.tokens import Verifier
from chat.limits.users import UserBudgets
from chat.ops.server import Readiness
from chat.ops.stats import Stats
from chat.settings import Settings

log = logging.getLogger(__name__)

SWEEP_S = 1.0


class HttpSide:
    """One process of the HTTP side.

    Args:
        settings: all settings.

    Raises:
        SettingsError: a setting cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.api_id = f"api-{secrets.token_hex(5)}"
        self._settings = settings
        self._redis = Stats()
        self._store = Store(
            settings, self._redis, f"chat-{self.api_id}", on_up=lambda _shard, _changed: None
        )
        self._keyring = KeyRing.from_settings(settings)
        self._services = ApiServices(
            settings=settings,
            stats=ApiStats(),
            broker=Broker(self._store),
            members=Members(self._store),
            verifier=Verifier(settings, self._keyring),
            users=UserBudgets(settings),
            origins=OriginPolicy(settings.allowed_origins),
            trusted_proxies=trusted_networks(settings),
        )
        self.metrics = ApiMetrics(self._services.stats, self._redis, self._state)
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
            self._keyring.run(),
            self._sweep(),
            settle_budgets(self._store, self._services.users),
        ]
        host, port = listen_socket.getsockname()[:2]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(loop) for loop in loops]
            serving = group.create_task(self._server.run_on(listen_socket), name="http")
            log.info("api_started", extra={"host": host, "port": port})
            await self._stop.wait()
            await self._leave()
            await serving
            for task in tasks:
                task.cancel()
        log.info("api_ended")

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

    async def _sweep(self) -> None:
        """Forget the budgets of users who have been idle."""
        while True:
            await asyncio.sleep(SWEEP_S)
            self._services.users.sweep(time.monotonic())

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
        return Readiness(ready=not reasons, reasons=reasons, workers=[])

    def _state(self) -> dict[str, int]:
        self._store.observe()
        return {
            "ready": int(self.readiness().ready),
            "connections": self._services.connections,
        }

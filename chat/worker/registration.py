"""This worker's entry in the registry: renewed as its lease is, and when its state changes.

Dead means the same here as for presence: silent for `lease_ttl`.
"""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Callable

from chat.broker.link import LinkError
from chat.broker.registry import Node, Registry
from chat.ops.reports import Report
from chat.settings import Settings

log = logging.getLogger(__name__)


class Registration:
    """Keeps the entry.

    Args:
        settings: interval and length of life.
        registry: where it is kept.
        report: returns the worker's present state.

    Attributes:
        address: under which others reach the worker; empty until it has a socket.
    """

    def __init__(
        self, settings: Settings, registry: Registry, report: Callable[[], Report]
    ) -> None:
        self.address = ""
        self._settings = settings
        self._registry = registry
        self._report = report
        self._host = socket.gethostname()
        self._started_at_ms = int(time.time() * 1000)
        self._state = ""
        self._is_ending = False
        self._beat_now = asyncio.Event()

    def note(self, state: str) -> None:
        """Have a state that others do not know yet told at once."""
        if state != self._state:
            self._state = state
            self._beat_now.set()

    def renew(self) -> None:
        """Tell all of it again: Redis may have forgotten."""
        self._beat_now.set()

    async def run(self) -> None:
        """Beat until cancelled."""
        while not self._is_ending:
            self._beat_now.clear()
            if self._registry.is_up:
                try:
                    await self._registry.beat(self._node(), self._settings.lease_ttl)
                except LinkError as exc:
                    log.warning("registration_failed", extra={"error": str(exc)})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.lease_interval):
                    await self._beat_now.wait()

    async def leave(self) -> None:
        """This worker ends: nobody should look for it any more.

        Raises:
            LinkError: Redis is away; the entry ends by itself.
        """
        self._is_ending = True  # a heartbeat under way was sent before, and is answered before
        await self._registry.leave(self._report().worker_id)

    def _node(self) -> Node:
        report = self._report()
        return Node(
            worker_id=report.worker_id,
            host=self._host,
            address=self.address,
            slot=report.slot,
            pid=report.pid,
            version=report.version,
            started_at_ms=self._started_at_ms,
            state=report.state,
            reasons=report.reasons,
            connections=report.stats["connections"],
            rooms=report.stats["rooms"],
        )

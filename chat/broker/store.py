"""The command connection of a worker to Redis: kept up, scripts loaded, commands by script.

One link carries all commands. While it is down every call fails at once, so that a client hears
`unavailable` within a moment and not after a timeout.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from chat.broker import scripts
from chat.broker.keys import Keys
from chat.broker.link import (
    Callback,
    CommandFailedError,
    LinkDownError,
    LinkError,
    RedisLink,
    Reply,
    answered,
    check_url,
    open_link,
)
from chat.broker.pacing import Pacing
from chat.broker.scripts import Script
from chat.ops.stats import Stats
from chat.settings import Settings

log = logging.getLogger(__name__)


class Store:
    """Commands to Redis over one self-healing link.

    Args:
        on_up: called after each (re)connection, and when the history turns out to be another; the
            argument tells whether it may have changed (another Redis process, a promotion).
    """

    def __init__(
        self, settings: Settings, stats: Stats, name: str, *, on_up: Callable[[bool], None]
    ) -> None:
        self.name = name
        self.settings = settings
        self.keys = Keys(settings.redis_prefix, check_url(settings.redis_url))
        self.history_id = ""
        self._stats = stats
        self._on_up = on_up
        self._link: RedisLink | None = None
        self._refreshing: asyncio.Task[None] | None = None

    @property
    def is_up(self) -> bool:
        """Commands can be sent."""
        return self._link is not None and self._link.is_up

    async def run(self) -> None:
        """Stay connected until cancelled."""
        pacing = Pacing()
        while True:
            try:
                link = await self._open()
            except (OSError, LinkError) as exc:
                log.warning("redis_connect_failed", extra={"error": str(exc)})
                await pacing.wait()
                continue
            pacing.reset()
            await self._serve(link)
            self._stats.redis_reconnects.add("command")

    async def _open(self) -> RedisLink:
        link = await open_link(
            self.settings.redis_url,
            timeout_s=self.settings.redis_connect_timeout,
            max_in_flight=self.settings.redis_max_in_flight,
            name=self.name,
        )
        try:
            async with asyncio.timeout(self.settings.redis_connect_timeout):
                for script in scripts.ALL:
                    await link.ask("SCRIPT", "LOAD", script.source)
                history_id = await _history_id(link)
        except TimeoutError:
            link.close()
            raise OSError("no answer from Redis in time") from None
        except BaseException:
            link.close()
            raise
        changed = history_id != self.history_id
        self.history_id = history_id
        self._link = link
        self._stats.redis_up = 1
        self._on_up(changed)
        return link

    async def _serve(self, link: RedisLink) -> None:
        """Watch a link until it is lost, and cut it when Redis stops answering."""
        loop = asyncio.get_running_loop()
        interval_s = self.settings.redis_timeout / 2
        stood_still = False
        try:
            while not link.lost.done():
                began_s = loop.time()
                await asyncio.wait([link.lost], timeout=interval_s)
                self._stats.redis_in_flight = link.in_flight
                stood_still = loop.time() - began_s > interval_s * 1.5 and not stood_still
                if stood_still:
                    continue  # it was us: read what Redis has answered meanwhile, then judge
                if not link.check():
                    log.warning("redis_stuck", extra={"in_flight": link.in_flight})
                    link.close(LinkError("no answer in time"))
            log.warning("redis_connection_lost", extra={"error": str(link.lost.result())})
        finally:
            self._link = None
            self._stats.redis_up = 0
            link.close()

    # --------------------------------------------------------------- commands

    def call(self, done: Callback, *args: str | bytes | int) -> None:
        """Send a command; `done` gets the reply or an exception, once.

        Raises:
            LinkError: not sent.
        """
        self._stats.redis_commands += 1
        self._require().call(done, *args)

    async def ask(self, *args: str | bytes | int) -> Reply:
        """Send a command and wait for its reply.

        Raises:
            LinkError: no answer, or Redis answered with an error.
        """
        self._stats.redis_commands += 1
        try:
            return await self._require().ask(*args)
        except LinkError as exc:
            self.note_failure(exc)
            raise

    def evaluate(
        self, script: Script, done: Callback, keys: tuple[str, ...], *args: str | bytes | int
    ) -> None:
        """Run a script by digest; if Redis has forgotten it (SCRIPT FLUSH), by source.

        Raises:
            LinkError: not sent.
        """

        def settle(reply: Reply) -> None:
            if isinstance(reply, CommandFailedError) and str(reply).startswith("NOSCRIPT"):
                try:
                    self.call(done, "EVAL", script.source, len(keys), *keys, *args)
                except LinkError as exc:
                    done(exc)
                return
            self.note_failure(reply)
            done(reply)

        self.call(settle, "EVALSHA", script.digest, len(keys), *keys, *args)

    async def evaluated(
        self, script: Script, keys: tuple[str, ...], *args: str | bytes | int
    ) -> Any:
        """Run a script and wait for what it returns.

        Raises:
            LinkError: no answer, or the script failed.
        """
        return await answered(lambda done: self.evaluate(script, done, keys, *args))

    async def barrier(self) -> None:
        """Wait until everything sent so far is answered.

        Raises:
            LinkError: no answer.
        """
        await self.ask("PING")

    def note_failure(self, reply: Reply) -> None:
        """Count a reply that is an error; leave a server that became a replica."""
        if not isinstance(reply, Exception):
            return
        self._stats.redis_errors += 1
        if str(reply).startswith("READONLY") and self._link is not None:
            self._link.close(LinkError("this Redis became a replica"))

    def _require(self) -> RedisLink:
        if self._link is None:
            raise LinkDownError("not connected to Redis")
        return self._link

    # ---------------------------------------------------------------- history

    def after_refresh(self, then: Callable[[], None], failed: Callable[[LinkError], None]) -> None:
        """Ask Redis again which history it writes, then go on; one question serves all who wait."""
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._refresh(), name="history-id")

        def proceed(refreshed: "asyncio.Task[None]") -> None:
            if refreshed.cancelled() or refreshed.exception() is not None:
                failed(LinkDownError("the history id is out of date"))
            else:
                then()

        self._refreshing.add_done_callback(proceed)

    async def _refresh(self) -> None:
        try:
            history_id = await _history_id(self._require())
        finally:
            self._refreshing = None
        if history_id != self.history_id:
            self.history_id = history_id
            self._on_up(True)


async def _history_id(link: RedisLink) -> str:
    """Return the id that changes whenever this Redis may have gone back in time.

    Raises:
        LinkError: no answer, or this server is a replica and must not be written to.

    Source: Redis INFO replication, `master_replid`.
    """
    info: bytes = await link.ask("INFO", "replication")
    fields = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
    if fields.get("role") != "master":
        raise LinkError("this Redis is a replica")
    return fields["master_replid"][:16]

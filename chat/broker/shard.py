"""The command connection of a worker to one master: kept up, scripts loaded, commands by script.

One link carries all commands to a shard. While it is down every call fails at once, so that a
client hears `unavailable` within a moment and not after a timeout. What lies on one shard has one
history, and so one history id (docs/decisions/0004-order-epoch-lineage.md).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Set

from chat.broker.link import (
    Callback,
    CommandFailedError,
    LinkDownError,
    LinkError,
    RedisLink,
    Reply,
    answered,
    open_link,
)
from chat.broker.pacing import Pacing
from chat.broker.scripts import Script, Scripts
from chat.broker.slots import Redirection, read_redirection
from chat.broker.target import Access, Address
from chat.ops.stats import Stats
from chat.settings import Settings

log = logging.getLogger(__name__)

#: Digits of `master_replid` that make a history id; `scripts/_stream.lua` compares as many.
ID_LENGTH = 16
#: The only slot where there is no cluster.
ONE_SLOT: Set[int] = frozenset({0})


class TurnedAwayError(LinkDownError):
    """The shard did nothing with the command: it may be sent again, maybe elsewhere."""

    def __init__(self, shard: "Shard", redirection: Redirection) -> None:
        super().__init__(f"{shard} turned the command away: {redirection.kind}")
        self.shard = shard
        self.redirection = redirection


#: The history id that was sent is not this master's; not an error of Redis but of our scripts.
STALE = Redirection("STALE")
#: Redis has forgotten the script (SCRIPT FLUSH).
NOSCRIPT = Redirection("NOSCRIPT")


class Shard:
    """Commands to one master over one self-healing link.

    Args:
        settings: timeouts and bounds.
        stats: counts commands and failures.
        name: how the connection is called in Redis.
        scripts: loaded at every connection.
        access: user, password, database, TLS.
        locate: finds the master before every connection; may raise OSError or LinkError.
        on_up: called after each (re)connection, and when the history turns out to be another; the
            second argument tells whether it may have changed (another process, a promotion).
        on_down: called when the link is lost, and when no connection could be made.
    """

    def __init__(
        self,
        settings: Settings,
        stats: Stats,
        name: str,
        scripts: Scripts,
        *,
        access: Access,
        locate: Callable[[], Awaitable[Address]],
        on_up: Callable[["Shard", bool], None],
        on_down: Callable[["Shard"], None],
    ) -> None:
        self.address: Address | None = None
        self.history_id = ""
        self.slots = ONE_SLOT
        self._settings = settings
        self._stats = stats
        self._name = name
        self._scripts = scripts
        self._access = access
        self._locate = locate
        self._on_up = on_up
        self._on_down = on_down
        self._link: RedisLink | None = None

    def __str__(self) -> str:
        return str(self.address or "Redis")

    @property
    def is_up(self) -> bool:
        """Commands can be sent."""
        return self._link is not None and self._link.is_up

    @property
    def in_flight(self) -> int:
        """Commands without an answer."""
        return 0 if self._link is None else self._link.in_flight

    # ------------------------------------------------------------- connection

    async def run(self) -> None:
        """Stay connected until cancelled."""
        pacing = Pacing()
        while True:
            try:
                link = await self._open()
            except (OSError, LinkError) as exc:
                log.warning("redis_connect_failed", extra={"shard": str(self), "error": str(exc)})
                self._on_down(self)
                await pacing.wait()
                continue
            pacing.reset()
            try:
                await self._serve(link)
            finally:
                self._link = None
                link.close()
            self._stats.redis_reconnects.add("command")
            self._on_down(self)

    def leave(self, why: str) -> None:
        """Drop the present connection: this server is no longer the master."""
        if self._link is not None:
            self._link.close(LinkError(why))

    async def _open(self) -> RedisLink:
        self.address = await self._locate()
        link = await open_link(
            self.address,
            self._access,
            timeout_s=self._settings.redis_connect_timeout,
            max_in_flight=self._settings.redis_max_in_flight,
            name=self._name,
        )
        try:
            async with asyncio.timeout(self._settings.redis_connect_timeout):
                await self._load(link)
                history_id = read_history_id(await link.ask("INFO", "replication"))
        except TimeoutError:
            link.close()
            raise OSError("no answer from Redis in time") from None
        except BaseException:
            link.close()
            raise
        changed = history_id != self.history_id
        self.history_id = history_id
        self._link = link
        self._on_up(self, changed)
        return link

    async def _serve(self, link: RedisLink) -> None:
        """Watch a link until it is lost, and cut it when Redis stops answering."""
        loop = asyncio.get_running_loop()
        interval_s = self._settings.redis_timeout / 2
        stood_still = False
        while not link.lost.done():
            began_s = loop.time()
            await asyncio.wait([link.lost], timeout=interval_s)
            stood_still = loop.time() - began_s > interval_s * 1.5 and not stood_still
            if stood_still:
                continue  # it was us: read what Redis has answered meanwhile, then judge
            if not link.check():
                log.warning("redis_stuck", extra={"shard": str(self), "in_flight": link.in_flight})
                link.close(LinkError("no answer in time"))
            elif link.is_up and link.in_flight < self._settings.redis_max_in_flight:
                link.call(self._judge_history, "INFO", "replication")
        log.warning(
            "redis_connection_lost", extra={"shard": str(self), "error": str(link.lost.result())}
        )

    def _judge_history(self, reply: Reply) -> None:
        """Notice a demotion on a link that has nothing to write, which nothing else would tell."""
        try:
            if not isinstance(reply, Exception) and read_history_id(reply) != self.history_id:
                self.leave("the history of this Redis is another")
        except LinkError as exc:
            self.leave(str(exc))

    async def _load(self, link: RedisLink) -> None:
        for script in self._scripts.all():
            await link.ask("SCRIPT", "LOAD", script.source)

    async def load_scripts(self) -> None:
        """Load the scripts again.

        Raises:
            LinkError: no answer.
        """
        if self._link is None:
            raise LinkDownError("not connected to Redis")
        await self._load(self._link)

    async def refresh(self) -> None:
        """Ask again which history this master writes.

        Raises:
            LinkError: no answer, or it is a replica now.
        """
        history_id = read_history_id(await self.ask("INFO", "replication"))
        if history_id != self.history_id:
            self.history_id = history_id
            self._on_up(self, True)

    # --------------------------------------------------------------- commands

    def call(self, done: Callback, *args: str | bytes | int) -> None:
        """Send a command; `done` gets the reply or an exception, once.

        Raises:
            LinkError: not sent.
        """

        def settle(reply: Reply) -> None:
            done(self.judged(reply) if isinstance(reply, Exception) else reply)

        self._send(settle, *args)

    def _send(self, done: Callback, *args: str | bytes | int) -> None:
        self._stats.redis_commands += 1
        if self._link is None:
            raise LinkDownError("not connected to Redis")
        self._link.call(done, *args)

    async def ask(self, *args: str | bytes | int) -> Reply:
        """Send a command and wait for its reply.

        Raises:
            TurnedAwayError: the key is elsewhere.
            LinkError: no answer, or Redis answered with an error.
        """
        return await answered(lambda done: self.call(done, *args))

    def evaluate(
        self, script: Script, done: Callback, keys: tuple[str, ...], *args: str | bytes | int
    ) -> None:
        """Run a script by its digest.

        `done` may get a TurnedAwayError: the script has not run.

        Raises:
            LinkError: not sent.
        """

        def settle(reply: Reply) -> None:
            done(self.judged(reply) if isinstance(reply, Exception) else reply)

        self._send(settle, "EVALSHA", script.digest, len(keys), *keys, *args)

    def judged(self, error: Exception) -> Exception:
        """Count a failure, act on what it says about this server, and return it as it is to us."""
        self._stats.redis_errors += 1
        if not isinstance(error, CommandFailedError):
            return error
        redirection = NOSCRIPT if "NOSCRIPT" in str(error) else read_redirection(str(error))
        if redirection is not None:
            return TurnedAwayError(self, redirection)
        if "READONLY" in str(error):
            self.leave("this Redis became a replica")
        elif str(error).startswith("CLUSTERDOWN"):
            self._on_down(self)
        return error


def read_history_id(info: bytes) -> str:
    """Return the id that changes whenever this Redis may have gone back in time.

    Raises:
        LinkError: this server is a replica and must not be written to.

    Source: Redis INFO replication, `master_replid`.
    """
    fields = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
    if fields.get("role") != "master":
        raise LinkError("this Redis is a replica")
    return fields["master_replid"][:ID_LENGTH]


class Shut:
    """Stands where a shard would, and takes nothing.

    Args:
        why: makes the error that every command gets.
    """

    history_id = ""
    is_up = False

    def __init__(self, why: Callable[[], LinkError]) -> None:
        self._why = why

    def call(self, _done: Callback, *_args: str | bytes | int) -> None:
        """Refuse.

        Raises:
            LinkError: always.
        """
        raise self._why()

    def evaluate(
        self,
        _script: Script,
        _done: Callback,
        _keys: tuple[str, ...],
        *_args: str | bytes | int,
    ) -> None:
        """Refuse.

        Raises:
            LinkError: always.
        """
        raise self._why()


Route = Shard | Shut

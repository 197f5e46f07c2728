"""All commands of a worker to Redis: each goes to the shard that has its keys.

One master, or many: the target's form decides which routes there are, and nothing above this file
knows which. What a shard turned away, because its slot moves say, is sent again in order
(`chat.broker.detour`).
"""

from collections.abc import Callable
from typing import Any

from chat.broker.detour import TRIES, Send
from chat.broker.keys import Keys
from chat.broker.link import Callback, LinkError, Reply, answered
from chat.broker.news import News
from chat.broker.scripts import PLAIN, SHARDED, Script, with_news
from chat.broker.shard import Route, Shard, TurnedAwayError
from chat.broker.single import Locate, SingleMaster
from chat.broker.target import Cluster, parse_target
from chat.broker.topology import Topology
from chat.ops.stats import Stats
from chat.settings import Settings

#: Starts a command on a shard.
Start = Callable[[Route, Callback], None]


class Store:
    """Commands to Redis over self-healing links.

    Args:
        on_up: called after each (re)connection of a shard, and when its history turns out to be
            another; the second argument tells whether it may have changed.
    """

    def __init__(
        self,
        settings: Settings,
        stats: Stats,
        name: str,
        *,
        on_up: Callable[[Shard, bool], None],
    ) -> None:
        self.name = name
        self.settings = settings
        self._stats = stats
        self._on_up = on_up
        self.target = target = parse_target(settings.redis_url)
        self.is_sharded = isinstance(target, Cluster)
        self.scripts = SHARDED if self.is_sharded else PLAIN
        self.keys = Keys(settings.redis_prefix, target.access.database, sharded=self.is_sharded)
        #: Where `chat hooks` is told of what is stored; None without webhooks.
        self.news: News | None = None
        if settings.webhooks:
            self.scripts = with_news(self.scripts.publish)
            self.news = News(self.keys, settings, sharded=self.is_sharded)
        self.routes: SingleMaster | Topology
        if isinstance(target, Cluster):
            self.routes = Topology(target, settings, name, self._make_shard)
        else:
            self.routes = SingleMaster(target, settings, name, self._make_shard)
        #: Returns where the keys of a hash tag are; bound once, it is on the message path.
        self.shard = self.routes.shard

    def _make_shard(self, locate: Locate) -> Shard:
        return Shard(
            self.settings,
            self._stats,
            self.name,
            self.scripts,
            access=self.target.access,
            locate=locate,
            on_up=self._on_up,
            on_down=self._on_down,
        )

    def _on_down(self, _shard: Shard) -> None:
        if isinstance(self.routes, Topology):
            self.routes.request()

    @property
    def is_up(self) -> bool:
        """Commands can be sent to some shard."""
        return any(shard.is_up for shard in self.routes.shards)

    def problems(self) -> tuple[list[str], bool]:
        """Return what is wrong, in sentences, and whether anything works at all."""
        shards = self.routes.shards
        away = [shard for shard in shards if not shard.is_up]
        if len(away) == len(shards):
            return ["Redis is away"], False
        sentences = [f"the shard {shard} is away ({len(shard.slots)} slots)" for shard in away]
        return sentences + self.routes.problems(), True

    async def run(self) -> None:
        """Stay connected until cancelled."""
        await self.routes.run()

    def observe(self) -> None:
        """Bring the gauges up to date."""
        shards = self.routes.shards
        away = sum(not shard.is_up for shard in shards)
        self._stats.redis_up = int(bool(shards) and not away)
        self._stats.redis_shards = len(shards)
        self._stats.redis_shards_away = away
        self._stats.redis_in_flight = sum(shard.in_flight for shard in shards)

    def told_of(self, room_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the keys and arguments with which a script tells `chat hooks` what it stores."""
        if self.news is None:
            return (), ()
        lane = self.news.lane_of(room_id)
        return (lane.news,), (lane.channel, room_id)

    # --------------------------------------------------------------- commands

    def start(self, tag: str, start: Start, done: Callback) -> None:
        """Start a command on the shard of a hash tag; turned away, it is started again.

        `done` is called exactly once, with the reply or an exception.
        """
        self._start(tag, start, done, self.shard(tag), TRIES)

    def _start(self, tag: str, start: Start, done: Callback, shard: Route, tries: int) -> None:
        def again(route: Route, counts: bool) -> None:
            self._start(tag, start, done, route, tries - counts)

        def settle(reply: Reply) -> None:
            if isinstance(reply, TurnedAwayError) and tries:
                self.turn(tag, reply, again, done)
            else:
                done(reply)

        try:
            start(shard, settle)
        except LinkError as exc:
            if tries:
                self.turn(tag, exc, again, done)
            else:
                done(exc)

    def turn(
        self, tag: str, error: LinkError, send: Send, failed: Callable[[LinkError], None]
    ) -> None:
        """Take a command that was turned away, or not taken at all; see `Detours.turn`."""
        self.routes.detours.turn(self.routes.slot(tag), error, send, failed)

    async def ask(self, tag: str, *args: str | bytes | int) -> Reply:
        """Send a command for keys of a hash tag and wait for its reply.

        Raises:
            LinkError: no answer, or Redis answered with an error.
        """
        return await answered(
            lambda done: self.start(tag, lambda shard, settle: shard.call(settle, *args), done)
        )

    async def evaluated(
        self, script: Script, tag: str, keys: tuple[str, ...], *args: str | bytes | int
    ) -> Any:
        """Run a script on keys of a hash tag and wait for what it returns.

        Raises:
            LinkError: no answer, or the script failed.
        """
        return await answered(
            lambda done: self.start(
                tag, lambda shard, settle: shard.evaluate(script, settle, keys, *args), done
            )
        )

    async def barrier(self) -> None:
        """Wait until everything sent so far is answered.

        Raises:
            LinkError: a shard does not answer.
        """
        await self.routes.detours.settled()
        for shard in self.routes.shards:
            if shard.is_up:
                await shard.ask("PING")

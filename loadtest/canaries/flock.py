"""The canaries of a test, told what the agents are told."""

import asyncio
import contextlib
import random
import resource
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

from chat.client import Options
from loadtest.agent.dialer import tls_context
from loadtest.agent.engine import resident_kib
from loadtest.agent.plan import Plan
from loadtest.agent.schedule import SECOND_NS
from loadtest.agent.tokens import Tokens
from loadtest.canaries.cable import Cable
from loadtest.canaries.canary import Canary, Pace
from loadtest.canaries.orders import Job
from loadtest.canaries.tally import Tally
from loadtest.control import Phase
from loadtest.results import CanaryFacts

#: Between two arrivals: the server admits 20 connections a second from one address.
_ARRIVAL_NS = SECOND_NS // 10


class Flock:
    """All canaries.

    Args:
        job: what they do.
        tokens: theirs; their numbers follow those of the test's clients.
        tasks: where they live.
        stack: what ends with them.
    """

    def __init__(
        self, job: Job, tokens: Tokens, tasks: asyncio.TaskGroup, stack: AsyncExitStack
    ) -> None:
        scenario = job.scenario
        self._job = job
        self._tokens = tokens
        self._tasks = tasks
        self._stack = stack
        self._plan = Plan(scenario, job.seed)
        churn_per_s = scenario.traffic.churn_per_s / scenario.connections.count
        self._pace = Pace(scenario.canaries.messages_per_s, churn_per_s)
        self._tally = Tally(scenario.traffic.content_bytes)
        self._cables: list[Cable] = []
        self._canaries: list[Canary] = []
        self._lives: list[asyncio.Task[None]] = []

    async def prepare(self) -> None:
        """Make them; they are in rooms of clients that are spread over the whole test.

        Raises:
            TargetError: the certificates are of no use.
            OSError: there is no port for a cable.
        """
        scenario, target = self._job.scenario, self._job.target
        ssl = tls_context(target) if target.url.startswith("wss:") else None
        for number in range(scenario.canaries.count):
            proxy: str | None = None
            if scenario.storm is not None:
                self._cables.append(await self._stack.enter_async_context(Cable()))
                proxy = self._cables[-1].address
            beside = number * scenario.connections.count // scenario.canaries.count
            room_id = self._plan.room_id(self._plan.room_of(beside))
            self._canaries.append(
                Canary(
                    number,
                    room_id,
                    url=target.url,
                    token=self._token(number),
                    options=Options(ssl=ssl, proxy=proxy),
                    pace=self._pace,
                    tally=self._tally,
                )
            )

    @property
    def inside(self) -> int:
        """How many are connected and in their rooms."""
        return sum(canary.inside for canary in self._canaries)

    def start(self, at_ns: int) -> None:
        """Let them connect from then on, one after the other."""
        self._lives = [
            self._tasks.create_task(self._live(canary, at_ns + canary.number * _ARRIVAL_NS))
            for canary in self._canaries
        ]

    def begin(self, phase: Phase) -> None:
        """Begin a phase."""
        phases, storm = self._tally.phases, self._job.scenario.storm
        if phase.name == "warm_up":
            self._pace.began.set()
        elif phase.name == "hold":
            phases.hold_ns = phase.at_ns
            if storm is not None:
                phases.storm_ns = phase.at_ns + int(storm.at_s * SECOND_NS)
                self._tasks.create_task(self._strike(phases.storm_ns, storm.share))
        else:
            phases.drain_ns = phase.at_ns
            self._pace.over.set()

    async def finish(self, heads: Mapping[str, int], patience_s: float) -> CanaryFacts:
        """Let them catch up, end them, return what they saw.

        Args:
            heads: how far each room got, as far as agents know.
            patience_s: longest wait for what is on its way.
        """
        self._pace.over.set()
        self._pace.began.set()
        with contextlib.suppress(TimeoutError):  # what is missing then is lost
            async with asyncio.timeout(patience_s):
                await self._catch_up(heads)
        facts = self._facts(heads)
        await asyncio.gather(*(canary.close() for canary in self._canaries))
        await asyncio.gather(*self._lives)
        return facts

    async def _live(self, canary: Canary, at_ns: int) -> None:
        if not await self._pace.over_by(at_ns):
            await canary.live()

    async def _strike(self, at_ns: int, share: float) -> None:
        """Cut a share of them, as the agents do with theirs."""
        chance = random.Random(f"{self._job.seed}/canaries")  # noqa: S311
        if not await self._pace.over_by(at_ns):
            for cable in self._cables:
                if chance.random() < share:
                    cable.cut()

    def abandon(self) -> None:
        """End all of them without a word."""
        self._pace.over.set()
        for life in self._lives:
            life.cancel()

    def _token(self, number: int) -> Callable[[], str]:
        """Return what makes tokens for a canary."""
        scenario = self._job.scenario
        user_id = f"{scenario.rooms.prefix}-canary{number}"

        def token() -> str:
            client = scenario.connections.count + number
            return self._tokens.token(client, user_id).decode()

        return token

    def _missing(self, canary: Canary, heads: Mapping[str, int]) -> int:
        """Return how many messages at the end of its room a canary lacks."""
        own = self._tally.heads.get(canary.room_id, 0)
        return max(0, max(own, heads.get(canary.room_id, 0)) - max(0, canary.seq))

    async def _catch_up(self, heads: Mapping[str, int]) -> None:
        moved = self._pace.moved
        while not self._caught_up(heads):
            moved.clear()
            await moved.wait()

    def _caught_up(self, heads: Mapping[str, int]) -> bool:
        return not any(
            canary.outstanding or not canary.inside or self._missing(canary, heads)
            for canary in self._canaries
        )

    def _facts(self, heads: Mapping[str, int]) -> CanaryFacts:
        tally = self._tally
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return CanaryFacts(
            clients=len(self._canaries),
            rooms=len({canary.room_id for canary in self._canaries}),
            away=len(self._canaries) - self.inside,
            published=tally.published,
            acknowledged=tally.acknowledged,
            failed=dict(tally.failed),
            received=tally.received,
            lost=tally.lost + sum(self._missing(canary, heads) for canary in self._canaries),
            duplicated=tally.duplicated,
            out_of_order=tally.out_of_order,
            gaps=tally.gaps,
            reconnects=tally.reconnects,
            rejoined=tally.rejoined,
            endings=dict(tally.endings),
            stopped=dict(tally.stopped),
            latency=tally.latency(),
            cpu_s=usage.ru_utime + usage.ru_stime,
            rss_kib=resident_kib(),
        )

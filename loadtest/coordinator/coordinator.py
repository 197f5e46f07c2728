"""Runs one test: agents join, get their shares, ramp up, hold, drain; their reports are added up.

Only the coordinator decides when a phase begins. Whatever goes wrong with an agent ends the test
early: the others drain and report, and nobody waits for the one that is gone.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal

from loadtest.control import Counts, Phase, Progress, Start, Stop
from loadtest.coordinator.canaries import Canaries
from loadtest.coordinator.gathering import Gathering
from loadtest.coordinator.link import AgentLink, LinkError
from loadtest.coordinator.local import COMMAND, LocalAgents
from loadtest.coordinator.plan import (
    CannotRunError,
    InterruptedEarlyError,
    Outcome,
    Plan,
    Stage,
)
from loadtest.coordinator.server import JoinServer
from loadtest.environment import boot_id
from loadtest.merging import Merger, add_counts, missing_ends
from loadtest.results import AgentFacts, CanaryFacts
from loadtest.verdict import cpu_shares

INTERRUPTED = "interrupted"
SCHEDULE = "schedule"
_NS_PER_S = 1_000_000_000
#: A phase is announced this long before it begins, so that every agent hears of it in time.
_NOTICE_S = 0.3
_LOOK_S = 0.2
#: An agent reports every second; one that is silent for this long is given up.
SILENCE_S = 15.0
_CLOCK_INTERVAL_S = 60.0
#: After the ramp, clients that were refused still come back; this share of its length more, ...
_PATIENCE_SHARE = 0.5
_PATIENCE_S = (10.0, 120.0)  # ... at least and at most
#: On top of the drain: closing connections, and the last line.
_FINISH_S = 15.0
_CLOSED_PER_S = 2000


class _EndedEarlyError(Exception):
    """The schedule is not played to its end; the text says why."""


class Coordinator:
    """One test.

    Args:
        plan: what to do.
        command: how a local agent is started.
        on_joined: called when all agents are there, before anything begins.

    Attributes:
        stage: where the test is.
        merger: what has been reported so far, None before the ramp.
        start_ns: when the ramp began, on the monotonic clock.
    """

    def __init__(
        self,
        plan: Plan,
        command: Sequence[str] = COMMAND,
        *,
        on_joined: Callable[[], None] = lambda: None,
    ) -> None:
        self.plan = plan
        self._on_joined = on_joined
        self.stage = Stage()
        self.merger: Merger | None = None
        self.start_ns = 0
        self._local = LocalAgents(plan.log_dir, command)
        self._canaries = Canaries(plan)
        self._seen: CanaryFacts | None = None
        self._server = JoinServer(
            plan.secret, plan.agents, on_progress=self._take, on_gone=self._lose
        )
        self._gathering = Gathering(plan, self._server, self._local, self._check_early)
        self._boot_id = boot_id()
        self._disturbed = asyncio.Event()
        self._cut = asyncio.Event()
        self._why: str | None = None
        self._notes: list[str] = []
        self._hold_ns = (0, 0)
        self._cpu_s: tuple[dict[int, float], dict[int, float]] = ({}, {})

    # ------------------------------------------------------------- from outside

    @property
    def links(self) -> list[AgentLink]:
        """Agents that have joined."""
        return self._server.links

    def interrupt(self) -> None:
        """Drain now; when the test ends early already, cut."""
        if self._why is not None:
            self._cut.set()
        self._disturb(INTERRUPTED)

    # --------------------------------------------------------------- the course

    async def run(self) -> Outcome:
        """Run the test.

        Raises:
            CannotRunError: it could not begin.
            InterruptedEarlyError: `interrupt` was called before it began.
        """
        watching: asyncio.Task[None] | None = None
        try:
            await self._gathering.join()
            await self._gathering.assign(self._boot_id)
            await self._canaries.start()
            self._on_joined()
            started_at = datetime.now(UTC).isoformat(timespec="seconds")
            watching = asyncio.create_task(self._watch(), name="watch-agents")
            ended_by = await self._play()
            await self._finish()
            return self._outcome(started_at, ended_by)
        finally:
            if watching is not None:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
            await self._server.stop()
            await self._canaries.stop()
            if self._cut.is_set() or self.merger is None:
                self._local.kill()
            await self._local.stop()

    def _check_early(self) -> None:
        if self._why == INTERRUPTED:
            raise InterruptedEarlyError
        if self._why is not None:
            raise CannotRunError(self._why)

    async def _play(self) -> str:
        """Play the schedule and return what ended it."""
        scenario = self.plan.scenario
        self.start_ns = time.monotonic_ns() + int(_NOTICE_S * _NS_PER_S)
        self.merger = Merger(self.start_ns)
        try:
            await self._tell(Start(at_ns=self.start_ns))
            await self._ramp(self.merger)
            await self._begin("warm_up", scenario.warm_up_s)
            await self._sleep(scenario.warm_up_s)
            await self._begin("hold", scenario.hold_s)
            self._hold_ns = (self.stage.began_ns, self.stage.began_ns)
            await self._sleep(scenario.hold_s)
        except _EndedEarlyError as exc:
            return str(exc)
        return SCHEDULE

    async def _ramp(self, merger: Merger) -> None:
        """Wait until enough clients are connected, but not for ever."""
        connections = self.plan.scenario.connections
        ramp_s = connections.count / connections.ramp_per_s
        self._enter("connect", self.start_ns, ramp_s)
        least_s, most_s = _PATIENCE_S
        patience_s = min(max(least_s, ramp_s * _PATIENCE_SHARE), most_s)
        enough = self.plan.scenario.thresholds.connected_share * connections.count
        await self._sleep(_NOTICE_S + ramp_s)
        deadline_s = time.monotonic() + patience_s
        while merger.connected < enough and time.monotonic() < deadline_s:
            if merger.settled >= connections.count:
                break  # the others have given up
            await self._sleep(_LOOK_S)
        if merger.connected == 0:
            closes = merger.totals().closes
            why = ", ".join(f"{count} of {close}" for close, count in closes.items())
            raise _EndedEarlyError(f"Not one client could connect: {why or 'no answer'}.")

    async def _begin(self, name: Literal["warm_up", "hold", "drain"], lasts_s: float) -> None:
        at_ns = time.monotonic_ns() + int(_NOTICE_S * _NS_PER_S)
        await self._tell(Phase(name=name, at_ns=at_ns))
        await self._sleep(_NOTICE_S)
        self._enter(name, at_ns, lasts_s)
        if name == "hold":
            self._cpu_s = (self._agents_cpu_s(), {})

    async def _finish(self) -> None:
        """Let the agents drain and report, and give up those that do not."""
        now_ns = time.monotonic_ns()
        if self._hold_ns[0]:
            self._hold_ns = (self._hold_ns[0], now_ns)
            self._cpu_s = (self._cpu_s[0], self._agents_cpu_s())
        drain_s = self.plan.scenario.drain_s
        self._enter("drain", now_ns, drain_s)
        await self._tell(Phase(name="drain", at_ns=now_ns))
        for link in self._present():
            await link.say(Stop(drain_s=drain_s))
        patience_s = 2 * drain_s + _FINISH_S + self.plan.scenario.connections.count / _CLOSED_PER_S
        cut = asyncio.create_task(self._cut.wait(), name="until-cut")
        ended = asyncio.create_task(self._until_ended(drain_s), name="until-agents-ended")
        try:
            await asyncio.wait(
                [ended, cut], timeout=patience_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            ended.cancel()
            cut.cancel()
            await asyncio.gather(ended, cut, return_exceptions=True)
        for link in self.links:
            link.lose("was cut off" if self._cut.is_set() else "did not finish in time")

    async def _until_ended(self, drain_s: float) -> None:
        for link in self.links:
            await link.ended.wait()
        heads = [link.finished.heads for link in self.links if link.finished]
        self._seen = await self._canaries.finish(heads, drain_s)

    async def _watch(self) -> None:
        """Measure clocks again and again, and give up agents that are silent."""
        next_clocks_s = time.monotonic() + _CLOCK_INTERVAL_S
        while True:
            await asyncio.sleep(1.0)
            for link in self.links:
                silent_s = time.monotonic() - max(link.heard_s, self.start_ns / _NS_PER_S)
                if silent_s > SILENCE_S and link.finished is None:
                    link.lose(f"said nothing for {silent_s:.0f} s")
            if time.monotonic() >= next_clocks_s:
                next_clocks_s = time.monotonic() + _CLOCK_INTERVAL_S
                await self._check_clocks()

    async def _check_clocks(self) -> None:
        """Measure every clock, also one that is shared: agents give up who is silent for long."""
        for link in self.links:
            if link.gone is not None or link.finished is not None:
                continue
            with contextlib.suppress(LinkError):  # silence is what ends it
                await link.check_clock(self._boot_id)

    # ---------------------------------------------------------------- the parts

    async def _tell(self, message: Start | Phase) -> None:
        for link in self._present():
            await link.say(message)
        await self._canaries.tell(message)

    def _present(self) -> Iterable[AgentLink]:
        return (link for link in self.links if link.gone is None)

    async def _sleep(self, seconds: float) -> None:
        """Wait, unless something ends the test."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._disturbed.wait()
        if self._why is not None:
            raise _EndedEarlyError(self._why)

    def _enter(self, name: str, began_ns: int, lasts_s: float) -> None:
        self.stage = Stage(name=name, began_ns=began_ns, lasts_s=lasts_s)

    def _take(self, link: AgentLink, progress: Progress) -> None:
        if self.merger is not None:
            self.merger.add(link.number, progress)

    def _lose(self, link: AgentLink) -> None:
        after = ""
        if self.start_ns:
            after = (
                f" {max(0, time.monotonic_ns() - self.start_ns) / _NS_PER_S:.0f} s into the test"
            )
        self._notes.append(f"{link} {link.gone}{after}.")
        self._disturb(self._notes[-1])

    def _disturb(self, why: str) -> None:
        if self._why is None:
            self._why = why
        self._disturbed.set()

    def _agents_cpu_s(self) -> dict[int, float]:
        if self.merger is None:
            return {}
        reports = ((link.number, self.merger.latest(link.number)) for link in self.links)
        return {number: report.cpu_s for number, report in reports if report is not None}

    def _outcome(self, started_at: str, ended_by: str) -> Outcome:
        merger = self.merger or Merger(self.start_ns)
        totals = add_counts(self._counts(merger))
        heads = [link.finished.heads for link in self.links if link.finished]
        missing = [link for link in self.links if link.finished is None]
        if not missing:  # a member's position is not known otherwise
            totals.lost += missing_ends(heads)
        if missing and ended_by == SCHEDULE:
            ended_by = self._notes[0]
        hold_s = (self._hold_ns[1] - self._hold_ns[0]) / _NS_PER_S
        return Outcome(
            started_at=started_at,
            duration_s=(time.monotonic_ns() - self.start_ns) / _NS_PER_S,
            ended_by=ended_by,
            hold_s=hold_s,
            totals=totals,
            latency=merger.latency(),
            timeline=merger.timeline(),
            agents=[self._facts(merger, link) for link in self.links],
            agents_cpu_share=cpu_shares(*self._cpu_s, hold_s),
            agents_missing=len(missing),
            canaries=self._seen,
            notes=list(self._notes),
        )

    def _counts(self, merger: Merger) -> Iterable[Counts]:
        for link in self.links:
            report = merger.latest(link.number)
            if link.finished is not None:
                yield link.finished.counts
            elif report is not None:
                yield report.counts

    def _facts(self, merger: Merger, link: AgentLink) -> AgentFacts:
        report = merger.latest(link.number)
        return AgentFacts(
            agent=link.number,
            host=link.hello.host,
            pid=link.hello.pid,
            clients=link.clients,
            clock_offset_ms=link.offset.offset_ns / 1e6,
            clock_error_ms=link.offset.error_ns / 1e6,
            cpu_s=report.cpu_s if report else 0.0,
            rss_kib=report.rss_kib if report else 0,
        )

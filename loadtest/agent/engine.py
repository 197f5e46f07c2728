"""The loop of an agent: wait for what comes first, handle it, do what is due."""

import gc
import resource
import time
from copy import copy
from pathlib import Path

from loadtest.agent.dialer import Dialer
from loadtest.agent.inbox import Inbox
from loadtest.agent.schedule import NEVER_NS, SECOND_NS
from loadtest.agent.sessions import Sessions
from loadtest.agent.share import Share
from loadtest.agent.slow import SlowReading
from loadtest.agent.swarm import Swarm
from loadtest.agent.tokens import Tokens
from loadtest.agent.tracking import Tracker
from loadtest.agent.traffic import Traffic
from loadtest.control import Assignment, Counts, Finished, Phase, Progress

_LONGEST_WAIT_S = 0.1
_QUIET_NS = 2 * SECOND_NS  # a worker that is late is not one that has lost something
_PAGE_KIB = resource.getpagesize() // 1024


class Engine:
    """One agent's share of a test, at work.

    Args:
        assignment: the share.
        dialer: the way to the target.
        tokens: the clients' tokens.
    """

    def __init__(self, assignment: Assignment, dialer: Dialer, tokens: Tokens) -> None:
        self._share = Share(assignment)
        self.swarm = Swarm(dialer)
        tracker = Tracker()
        self._sessions = Sessions(self._share, self.swarm, tokens, tracker)
        self._traffic = Traffic(self._share, self.swarm, self._sessions)
        self._slow = SlowReading(self._share, self.swarm)
        self.swarm.handler = Inbox(self._share, self._sessions, self._traffic, tracker)
        self._started = False
        self._stopped = False
        self._give_up_ns = NEVER_NS
        self._quiet_since_ns = 0
        self._phase = "connect"
        self._reports: list[Progress] = []
        self._deliveries = 0
        self._tick_ns = self._share.now_ns() + SECOND_NS
        self._longest_turn_ns = 0
        # A full collection among all clients would stop the loop for longer than the latencies
        # that it measures. What makes cycles are the histograms: `report` collects the young.
        gc.collect()
        gc.disable()

    def start(self, at_ns: int) -> None:
        """Begin the ramp then, coordinator's clock."""
        self._started = True
        self._tick_ns = max(self._share.now_ns(), at_ns) + SECOND_NS
        self._sessions.start(at_ns)

    def begin(self, phase: Phase) -> None:
        """Begin a phase at its time."""
        share = self._share
        if phase.name == "warm_up":
            self._traffic.start(phase.at_ns)
        elif phase.name == "hold":
            share.phases.hold_ns = phase.at_ns
            if storm := share.scenario.storm:
                share.phases.storm_ns = phase.at_ns + int(storm.at_s * SECOND_NS)
                share.timers.at(share.phases.storm_ns, self._sessions.storm)
        else:
            share.phases.drain_ns = phase.at_ns
            self._traffic.end(phase.at_ns)
        share.timers.at(phase.at_ns, lambda _now_ns: self._enter(phase.name))

    def stop(self, drain_s: float) -> None:
        """Send nothing more, and wait for what is on its way."""
        now_ns = self._share.now_ns()
        self._stopped = True
        self._give_up_ns = now_ns + int(drain_s * SECOND_NS)
        self._quiet_since_ns = now_ns
        self._sessions.stop()
        self._traffic.end(now_ns)
        if self._phase != "drain":
            self._enter("drain")

    def turn(self) -> None:
        """Wait for the next thing, for a tenth of a second at most, and do it."""
        sessions, traffic, timers = self._sessions, self._traffic, self._share.timers
        next_ns = min(sessions.next_ns, traffic.next_ns, timers.next_ns, self._tick_ns)
        wait_s = (next_ns - self._share.now_ns()) / SECOND_NS
        woke_ns = self.swarm.poll(min(_LONGEST_WAIT_S, wait_s))
        now_ns = self._share.now_ns()
        if timers.next_ns <= now_ns:
            timers.run(now_ns)
        sessions.step(now_ns)
        if traffic.next_ns <= now_ns:
            traffic.step(now_ns)
        self._slow.step(now_ns)
        self._longest_turn_ns = max(self._longest_turn_ns, time.monotonic_ns() - woke_ns)

    @property
    def finished(self) -> bool:
        """Whether it was stopped and nothing more is expected."""
        if not self._stopped:
            return False
        now_ns = self._share.now_ns()
        if self._share.counts.deliveries != self._deliveries or self._traffic.outstanding:
            self._deliveries = self._share.counts.deliveries
            self._quiet_since_ns = now_ns
        return now_ns >= self._give_up_ns or now_ns - self._quiet_since_ns >= _QUIET_NS

    def reports(self) -> list[Progress]:
        """Return the reports that are due: one a second from the start on, and at each new phase.

        So no report is about two phases.
        """
        now_ns = self._share.now_ns()
        if now_ns >= self._tick_ns:
            while self._tick_ns <= now_ns:
                self._tick_ns += SECOND_NS
            if self._started:
                self._reports.append(self.report())
        reports, self._reports = self._reports, []
        return reports

    def report(self) -> Progress:
        """Return what there is to report since the last time."""
        report = Progress(
            at_ns=self._share.now_ns(),
            phase=self._phase,
            counts=copy(self.counts()),
            histograms=self._share.latencies.take(),
            cpu_s=time.process_time(),
            rss_kib=resident_kib(),
            loop_lag_ms=self._longest_turn_ns / 1e6,
        )
        self._longest_turn_ns = 0
        gc.collect(0)  # without it 0.3 MB a second and agent: the library's encoder makes cycles
        return report

    def counts(self) -> Counts:
        """Return the totals so far."""
        self._sessions.gauge()
        counts = self._share.counts
        counts.bytes_in, counts.bytes_out = self.swarm.bytes_in, self.swarm.bytes_out
        counts.errors, counts.closes = dict(self._share.errors), dict(self._share.closes)
        return counts

    def last_word(self) -> Finished:
        """Return the totals and how far each room got."""
        return Finished(counts=self.counts(), heads=self._share.heads())

    def _enter(self, name: str) -> None:
        self._reports.append(self.report())
        self._phase = name
        self._share.is_warm_up = name == "warm_up"

    def close(self) -> None:
        """Cut all connections."""
        self.swarm.close()
        gc.enable()


def resident_kib() -> int:
    """Return the memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_KIB

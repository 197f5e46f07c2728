"""Adding up what the agents report: totals, seconds, latencies, ends of rooms. Pure.

An agent reports once a second, all agents a little apart; a report belongs to the second that it
is nearest to. Totals never fall, so a report that comes late makes one second's rate too low and
the next one's too high, and changes no sum.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct, field, structs

from loadtest.control import Counts, Histograms, Progress
from loadtest.latency_sums import LatencySums
from loadtest.results import Percentiles, Second

#: From the start of hold on, agents put only what was due in the hold phase into these.
_JUDGED = ("delivery", "storm", "ack", "send_lag")
#: These belong to a connection and not to a message; the ramp counts too.
_ALWAYS = ("connect", "recovery")
#: Seconds that wait for reports that come late.
KEPT_OPEN = 4
_NS_PER_S = 1_000_000_000
_PHASES = ("connect", "warm_up", "hold", "drain")


def add_counts(parts: Iterable[Counts]) -> Counts:
    """Return the sums, those of errors and closes by their keys."""
    total = Counts()
    for part in parts:
        for name in _NUMBERS:
            setattr(total, name, getattr(total, name) + getattr(part, name))
        for name in _TABLES:
            table = getattr(total, name)
            for key, count in getattr(part, name).items():
                table[key] = table.get(key, 0) + count
    return total


_TABLES = ("errors", "closes")
_NUMBERS = tuple(f.name for f in structs.fields(Counts) if f.name not in _TABLES)


def missing_ends(heads: Iterable[Mapping[str, tuple[int, int, int]]]) -> int:
    """Return how many acknowledged messages at the end of their room some member lacks.

    Args:
        heads: of each agent, as in `Finished`: last acknowledged, lowest position, members.
    """
    acked: dict[str, int] = {}
    lowest: dict[str, int] = {}
    for rooms in heads:
        for room, (last, position, members) in rooms.items():
            acked[room] = max(last, acked.get(room, 0))
            if members:
                lowest[room] = min(position, lowest.get(room, position))
    return sum(max(0, acked[room] - position) for room, position in lowest.items())


class _Moment(Struct):
    """What came in for one second."""

    phase: str = "connect"
    latest: dict[int, Progress] = field(default_factory=dict)
    latencies: LatencySums = field(default_factory=LatencySums)


class Merger:
    """Takes every `Progress` and gives seconds, totals and latencies.

    A histogram is 190 KB, so a second is closed, and its histograms are let go, when a report for
    one `KEPT_OPEN` later comes in.

    Args:
        start_ns: beginning of the ramp on the coordinator's clock.
    """

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self._open: dict[int, _Moment] = {}
        self._closed: list[Second] = []
        self._before: dict[int, Progress] = {}  # last report of each agent in a closed second
        self._latest: dict[int, Progress] = {}
        self._latencies = LatencySums()
        self.loop_lag_ms: dict[int, float] = {}  # highest by agent

    def add(self, agent: int, progress: Progress) -> None:
        """Take one report.

        Raises:
            ValueError: its histograms are none.
        """
        number = self._second(progress.at_ns)
        moment = self._open.setdefault(number, _Moment())
        moment.phase = max(moment.phase, progress.phase, key=_rank)
        moment.latencies.add(progress.histograms)
        moment.latest[agent] = _without_histograms(progress)
        self._latest[agent] = moment.latest[agent]
        self._latencies.add(progress.histograms, _ALWAYS)
        if _rank(progress.phase) >= _rank("hold"):
            self._latencies.add(progress.histograms, _JUDGED)
        worst_ms = max(progress.loop_lag_ms, self.loop_lag_ms.get(agent, 0.0))
        self.loop_lag_ms[agent] = worst_ms
        self._close(number - KEPT_OPEN)

    @property
    def connected(self) -> int:
        """Clients that are in their rooms, by the latest reports."""
        return sum(progress.counts.connected for progress in self._latest.values())

    @property
    def settled(self) -> int:
        """Clients that are in their rooms or gave up, by the latest reports."""
        return self.connected + sum(report.counts.failed for report in self._latest.values())

    def latest(self, agent: int) -> Progress | None:
        """Return the last report of an agent, if there was one."""
        return self._latest.get(agent)

    def totals(self) -> Counts:
        """Return the sums over the last reports."""
        return add_counts(progress.counts for progress in self._latest.values())

    def latency(self) -> dict[str, Percentiles]:
        """Return the latencies that are judged, by kind."""
        return self._latencies.percentiles()

    def timeline(self) -> list[Second]:
        """Return every second there was a report for, in order."""
        return [*self._closed, *self._seconds(sorted(self._open))]

    def last_second(self) -> Second | None:
        """Return the newest second that is over, for a view while the test runs."""
        numbers = sorted(self._open)
        return list(self._seconds(numbers[:-1]))[-1] if len(numbers) > 1 else None

    def _second(self, at_ns: int) -> int:
        """Return the second a report belongs to: the nearest one that is still open."""
        nearest = round((at_ns - self._start_ns) / _NS_PER_S)
        return max(nearest, int(self._closed[-1].t_s) + 1 if self._closed else 0)

    def _close(self, last: int) -> None:
        numbers = sorted(number for number in self._open if number <= last)
        self._closed += self._seconds(numbers)
        for number in numbers:
            self._before |= self._open.pop(number).latest

    def _seconds(self, numbers: list[int]) -> Iterable[Second]:
        known = self._before
        previous = int(self._closed[-1].t_s) if self._closed else 0
        for number in numbers:
            before = known
            known = before | self._open[number].latest
            yield _summary(number, self._open[number], before, known, max(1, number - previous))
            previous = number


def _summary(
    number: int,
    moment: _Moment,
    before: Mapping[int, Progress],
    after: Mapping[int, Progress],
    long_s: int,
) -> Second:
    """Return one second.

    Args:
        number: of the second, from the beginning of the ramp.
        moment: what came in for it.
        before: the agents' reports as of the second before.
        after: their reports as of this one.
        long_s: seconds between the two; more than one where no agent reported.
    """
    then = add_counts(progress.counts for progress in before.values())
    now = add_counts(progress.counts for progress in after.values())
    found = moment.latencies.quick("delivery") or moment.latencies.quick("storm")
    delivery = found or (None, None, None)
    send_lag = moment.latencies.quick("send_lag")
    cpu_s = sum(after[agent].cpu_s - before[agent].cpu_s for agent in before)
    return Second(
        t_s=float(number),
        phase=moment.phase,
        connecting=now.connecting,
        connected=now.connected,
        opened_per_s=(now.opened - then.opened) / long_s,
        sent_per_s=(now.messages_sent - then.messages_sent) / long_s,
        acked_per_s=(now.messages_acked - then.messages_acked) / long_s,
        deliveries_per_s=(now.deliveries - then.deliveries) / long_s,
        errors_per_s=(sum(now.errors.values()) - sum(then.errors.values())) / long_s,
        bytes_in_per_s=(now.bytes_in - then.bytes_in) / long_s,
        delivery_p50_ms=delivery[0],
        delivery_p99_ms=delivery[1],
        delivery_max_ms=delivery[2],
        send_lag_p99_ms=send_lag[1] if send_lag else None,
        agents_cpu=max(0.0, cpu_s) / long_s,
        agents_rss_kib=sum(progress.rss_kib for progress in after.values()),
    )


def _rank(phase: str) -> int:
    return _PHASES.index(phase) if phase in _PHASES else 0


def _without_histograms(progress: Progress) -> Progress:
    return structs.replace(progress, histograms=_NO_HISTOGRAMS)


_NO_HISTOGRAMS = Histograms()

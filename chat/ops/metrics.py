"""/metrics for the whole machine, whatever the number of workers.

With `chat.api.metrics` the only place that knows `prometheus_client`: nothing is counted with it, a
scrape turns the latest reports into families.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from msgspec import Struct
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from chat import __version__
from chat.ops.families import FAMILIES, Family
from chat.ops.reports import Report
from chat.ops.stats import LABELLED, LATENCY_BUCKETS_S
from chat.ops.totals import Sums, Totals

_BOUNDS = (*map(str, LATENCY_BUCKETS_S), "+Inf")


class SupervisorState(Struct, frozen=True, kw_only=True):
    """What the supervisor adds to the workers' reports."""

    wanted: int
    ready: int
    restarts: int
    crash_looping: int
    redis_restarts: int = 0


def resident_bytes(pid: int) -> int | None:
    """Return the resident memory of a process, None where the system does not tell."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return None
    return None


class Metrics(Collector):
    """Takes reports and renders them in the text format of Prometheus.

    Args:
        supervisor: asked at each scrape; None for a worker that runs alone.
    """

    def __init__(self, supervisor: Callable[[], SupervisorState] | None = None) -> None:
        self.totals = Totals()
        self._supervisor = supervisor
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def update(self, report: Report) -> None:
        """Take a worker's newest report."""
        self.totals.update(report)

    def retire(self, worker_id: str) -> None:
        """A worker is dead: its counts stay in the totals."""
        self.totals.retire(worker_id)

    def render(self) -> tuple[str, bytes]:
        """Return content type and text."""
        return CONTENT_TYPE_LATEST, generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yield every family with its values."""
        slots = self.totals.by_slot()
        everything = Sums()
        for sums in slots.values():
            everything.merge(sums)
        living = self.totals.living_slots()
        for family in FAMILIES:
            if family.source == "process":
                yield _process(family, self.totals.reports.values())
            elif family.source == "supervisor":
                if self._supervisor is not None:
                    state = self._supervisor()
                    yield _plain(family, getattr(state, family.field))
            elif family.kind == "histogram":
                yield _histogram(family, slots, everything)
            elif family.field in LABELLED:
                yield _labelled(family, everything.labelled[family.field])
            elif family.label == "worker":
                values = {str(slot): slots[slot].values[family.field] for slot in sorted(living)}
                yield _labelled(family, values)
            else:
                yield _plain(family, everything.values[family.field])


def empty(family: Family) -> CounterMetricFamily | GaugeMetricFamily:
    """Return a counter or gauge without values."""
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    return kind(family.name, family.help, labels=labels_of(family))


def labels_of(family: Family) -> list[str]:
    """Return the names of a family's labels."""
    return family.label.split(",") if family.label else []


def cumulative(counts: Sequence[int]) -> list[tuple[str, int]]:
    """Return a histogram's buckets as Prometheus has them: each counts all below its bound."""
    return list(zip(_BOUNDS, accumulate(counts), strict=True))


def _plain(family: Family, value: float) -> Metric:
    metric = empty(family)
    metric.add_metric([], value)
    return metric


def _labelled(family: Family, values: dict[str, int]) -> Metric:
    metric = empty(family)
    for label, value in sorted(values.items()):
        metric.add_metric([label], value)
    return metric


def _histogram(family: Family, slots: dict[int, Sums], everything: Sums) -> Metric:
    metric = HistogramMetricFamily(family.name, family.help, labels=labels_of(family))
    parts: Iterable[tuple[list[str], Sums]]
    parts = [([str(slot)], sums) for slot, sums in slots.items()]
    for labels, sums in parts if family.label == "worker" else [([], everything)]:
        buckets = cumulative(sums.buckets[family.field])
        metric.add_metric(labels, buckets, sums.seconds[family.field])
    return metric


def _process(family: Family, reports: Iterable[Report]) -> Metric:
    values: dict[str, int] = {}
    if family.field == "version":
        values[__version__] = 1
    for report in reports:
        slot = str(report.slot)
        if family.field == "ready":
            values[slot] = max(values.get(slot, 0), int(report.state == "ready"))
        elif family.field == "rss":
            used_bytes = resident_bytes(report.pid)
            if used_bytes is not None:
                values[slot] = values.get(slot, 0) + used_bytes
    return _labelled(family, values)

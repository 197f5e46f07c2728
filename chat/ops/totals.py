"""Adding up the workers of a machine, the dead ones included, so that no total ever falls.

Prometheus takes a falling counter for a restart and counts it twice. So when a worker dies, what
it had counted moves into the base of its slot.
"""

from collections import Counter
from typing import Any

from chat.ops.reports import Report
from chat.ops.stats import COUNTERS, GAUGES, HISTOGRAMS, LABELLED, LATENCY_BUCKETS_S


class Sums:
    """Sums of `Stats` snapshots. A field that a snapshot lacks counts as zero.

    Attributes:
        values: gauges and counters by field.
        labelled: counts by field and label.
        buckets: counts per histogram bucket, by field.
        seconds: sum of what a histogram observed, by field.
    """

    def __init__(self) -> None:
        self.values: Counter[str] = Counter()
        self.labelled: dict[str, Counter[str]] = {name: Counter() for name in LABELLED}
        self.buckets = {name: [0] * (len(LATENCY_BUCKETS_S) + 1) for name in HISTOGRAMS}
        self.seconds = dict.fromkeys(HISTOGRAMS, 0.0)

    def add(self, stats: dict[str, Any], *, gauges: bool = True) -> None:
        """Add one snapshot; without gauges when its worker is dead."""
        for name in (*GAUGES, *COUNTERS) if gauges else COUNTERS:
            self.values[name] += stats.get(name, 0)
        for name in LABELLED:
            self.labelled[name].update(stats.get(name, {}))
        for name in HISTOGRAMS:
            self._add_histogram(name, stats.get(name, {}))

    def merge(self, other: "Sums") -> None:
        """Add other sums."""
        self.values.update(other.values)
        for name in LABELLED:
            self.labelled[name].update(other.labelled[name])
        for name in HISTOGRAMS:
            self._add_counts(name, other.buckets[name])
            self.seconds[name] += other.seconds[name]

    def _add_histogram(self, name: str, histogram: dict[str, Any]) -> None:
        if histogram.get("bounds") != list(LATENCY_BUCKETS_S):
            return  # a worker of another version during a rolling restart
        self._add_counts(name, histogram["buckets"])
        self.seconds[name] += histogram["sum"]

    def _add_counts(self, name: str, counts: list[int]) -> None:
        mine = self.buckets[name]
        for index, count in enumerate(counts):
            mine[index] += count


class Totals:
    """The latest report of every living worker, and the sums of the dead by slot."""

    def __init__(self) -> None:
        self.reports: dict[str, Report] = {}
        self._dead: dict[int, Sums] = {}

    def update(self, report: Report) -> None:
        """Take a worker's newest report."""
        self.reports[report.worker_id] = report

    def retire(self, worker_id: str) -> None:
        """A worker is dead: keep what it counted, forget the rest."""
        report = self.reports.pop(worker_id, None)
        if report is not None:
            self._dead.setdefault(report.slot, Sums()).add(report.stats, gauges=False)

    def by_slot(self) -> dict[int, Sums]:
        """Return the sums of each slot's workers, living and dead."""
        slots: dict[int, Sums] = {}
        for slot, dead in self._dead.items():
            slots.setdefault(slot, Sums()).merge(dead)
        for report in self.reports.values():
            slots.setdefault(report.slot, Sums()).add(report.stats)
        return dict(sorted(slots.items()))

    def living_slots(self) -> set[int]:
        """Return the slots that have a living worker."""
        return {report.slot for report in self.reports.values()}

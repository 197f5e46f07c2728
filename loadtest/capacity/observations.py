"""What one run tells about costs. What was not measured is None, never 0.

CPU is read from counters that only grow, at both ends of a phase. The hold phase gives the cost of
messages; the ramp gives the cost of connections that open, which the hold has none of.
"""

import hashlib
import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct, json

from loadtest.results import RedisSample, Results, WorkerSample

#: A phase shorter than this is not measured: counters have steps, samples are a second apart.
SHORTEST_S = 3.0
#: The ramp must open so many connections a second to say what one costs.
_LEAST_OPENED_PER_S = 1.0


class Window(Struct, frozen=True, kw_only=True):
    """Means of one phase, of the whole test."""

    seconds: float
    connections: float
    opened_per_s: float
    publishes_per_s: float
    deliveries_per_s: float
    bytes_in_per_s: float  # received by all clients
    worker_cores: float | None = None  # in use by all workers
    redis_cores: float | None = None


class Observation(Struct, frozen=True, kw_only=True):
    """One run."""

    digest: str  # of the whole results: the same run has the same
    title: str
    started_at: str
    workers: int | None = None
    hold: Window | None = None
    ramp: Window | None = None
    #: Connections and resident KiB of single workers, early and while holding.
    memory: list[tuple[float, float]] = []
    #: All workers together while holding.
    resident_kib: float | None = None
    #: Workers that Redis hands one message to.
    subscribers: float | None = None
    #: ... is counted, or follows from members that are spread over the workers at random.
    subscribers_counted: bool = False
    #: What else went on while holding, which the costs of the model do not know.
    others: list[str] = []


def observe(results: Results) -> Observation:
    """Return what a run tells."""
    hold = _span(results, "hold")
    window = _window(results, "hold")
    holding = _by_worker(_inside(results.workers, hold)) if hold else {}
    workers = len(holding) or None
    subscribers = _counted_subscribers(results, hold)
    counted = subscribers is not None
    if subscribers is None and workers and window and window.publishes_per_s > 0:
        subscribers = spread(window.deliveries_per_s / window.publishes_per_s, workers)
    early, late = _memory(results, holding)
    return Observation(
        digest=hashlib.sha256(json.encode(results)).hexdigest(),
        title=results.title,
        started_at=results.started_at,
        workers=workers,
        hold=window,
        ramp=_window(results, "connect"),
        memory=early + late,
        resident_kib=sum(kib for _, kib in late) if late and len(late) == len(holding) else None,
        subscribers=subscribers,
        subscribers_counted=counted,
        others=_others(results),
    )


def _others(results: Results) -> list[str]:
    scenario = results.scenario
    going_on = {
        "typing": scenario.traffic.typing_per_s > 0,
        "leaving and joining": scenario.traffic.churn_per_s > 0,
        "a storm": scenario.storm is not None,
        "slow readers": scenario.slow is not None,
    }
    return [name for name, was in going_on.items() if was]


def spread(members: float, workers: int) -> float:
    """Return how many of the workers hold a room of that many members, placed at random."""
    if workers < 1 or members <= 0:
        return 0.0
    return workers * (1.0 - math.pow(1.0 - 1.0 / workers, members))


def _span(results: Results, phase: str) -> tuple[float, float] | None:
    times = [second.t_s for second in results.timeline if second.phase == phase]
    if not times:
        return None
    span = min(times) - 1, max(times)  # a second has the time at which it ends
    return span if span[1] - span[0] >= SHORTEST_S else None


def _window(results: Results, phase: str) -> Window | None:
    span = _span(results, phase)
    if span is None:
        return None
    seconds = [second for second in results.timeline if second.phase == phase]

    def mean(values: Iterable[float]) -> float:
        return math.fsum(values) / len(seconds)

    opened_per_s = mean(second.opened_per_s for second in seconds)
    if phase == "connect" and opened_per_s < _LEAST_OPENED_PER_S:
        return None
    return Window(
        seconds=span[1] - span[0],
        connections=mean(second.connected for second in seconds),
        opened_per_s=opened_per_s,
        publishes_per_s=mean(second.acked_per_s for second in seconds),
        deliveries_per_s=mean(second.deliveries_per_s for second in seconds),
        bytes_in_per_s=mean(second.bytes_in_per_s for second in seconds),
        worker_cores=_worker_cores(results.workers, span),
        redis_cores=_cores([(s.t_s, s.cpu_s) for s in _inside_redis(results.redis, span)]),
    )


def _inside(samples: Iterable[WorkerSample], span: tuple[float, float]) -> list[WorkerSample]:
    return [sample for sample in samples if span[0] <= sample.t_s <= span[1]]


def _inside_redis(samples: Iterable[RedisSample], span: tuple[float, float]) -> list[RedisSample]:
    return [sample for sample in samples if span[0] <= sample.t_s <= span[1]]


def _by_worker(samples: Iterable[WorkerSample]) -> dict[str, list[WorkerSample]]:
    found: dict[str, list[WorkerSample]] = defaultdict(list)
    for sample in sorted(samples, key=lambda sample: sample.t_s):
        found[sample.worker].append(sample)
    return dict(found)


def _worker_cores(samples: Sequence[WorkerSample], span: tuple[float, float]) -> float | None:
    """Return cores in use by all workers; None if one of them cannot be told."""
    found = []
    for own in _by_worker(_inside(samples, span)).values():
        cores = _cores([(s.t_s, s.cpu_s) for s in own])
        if cores is None:
            return None
        found.append(cores)
    return sum(found) if found else None


def _cores(counter: Sequence[tuple[float, float | None]]) -> float | None:
    """Return the growth per second; None for a counter with holes, or one that began anew."""
    values = sorted(counter, key=lambda point: point[0])
    if len(values) < 2 or any(value is None for _, value in values):
        return None
    known = [(t, value) for t, value in values if value is not None]
    if any(later[1] < earlier[1] for earlier, later in itertools.pairwise(known)):
        return None
    (begin_s, begin), (end_s, end) = known[0], known[-1]
    return (end - begin) / (end_s - begin_s) if end_s - begin_s >= SHORTEST_S - 1 else None


def _memory(
    results: Results, holding: dict[str, list[WorkerSample]]
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Return connections and KiB of each worker: at its first sample, and while holding."""
    early = [
        (float(first.connections), float(first.rss_kib))
        for own in _by_worker(results.workers).values()
        if (first := own[0]).connections is not None and first.rss_kib is not None
    ]
    late = []
    for own in holding.values():
        known = [
            (sample.connections, sample.rss_kib)
            for sample in own
            if sample.connections is not None and sample.rss_kib is not None
        ]
        if known:
            late.append(
                (
                    sum(connections for connections, _ in known) / len(known),
                    sum(kib for _, kib in known) / len(known),
                )
            )
    return early, late


def _counted_subscribers(results: Results, hold: tuple[float, float] | None) -> float | None:
    """Return subscriptions per room, if rooms are equal and every worker says how many it has."""
    if hold is None or results.scenario.rooms.shape == "heavy_tail":
        return None  # messages then go to large rooms, which more workers hold than the mean
    holding = _by_worker(_inside(results.workers, hold))
    redis = _inside_redis(results.redis, hold)
    if not holding or not redis:
        return None
    last = [own[-1].rooms for own in holding.values()]
    known = [rooms for rooms in last if rooms is not None]
    rooms = redis[-1].pubsub_channels - len(holding)  # each worker has one channel of its own
    if len(known) < len(last) or rooms < 1:
        return None
    return max(1.0, sum(known) / rooms)

"""From samples to lines: rates out of cumulative counters, many workers to a few lines."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import TypeVar

from msgspec import Struct

from loadtest.report.plot import Moment, Phase
from loadtest.report.thinning import Point, Span
from loadtest.results import Results, Second, WorkerSample

T = TypeVar("T")

PHASE_NAMES = {"connect": "ramp", "warm_up": "warm-up", "hold": "hold", "drain": "drain"}
JUDGED = "hold"


class Spread(Struct, frozen=True, kw_only=True):
    """Many workers at each moment: the middle one, and all between the lowest and the highest."""

    middle: list[Point]
    spans: list[Span]


def phases(timeline: Sequence[Second]) -> list[Phase]:
    """Return the stretches of one phase, in order. A second has the time at which it ends."""
    found: list[Phase] = []
    for second in timeline:
        name = PHASE_NAMES.get(second.phase, second.phase)
        if found and found[-1].name == name:
            start = found.pop().start
        else:
            start = found[-1].end if found else second.t_s - 1
        found.append(Phase(name=name, start=start, end=second.t_s, shaded=second.phase != JUDGED))
    return found


def moments(results: Results) -> list[Moment]:
    """Return when something was done to the system."""
    span, storm = hold(results), results.scenario.storm
    return [Moment(name="storm", at=span[0] + storm.at_s)] if span and storm else []


def of(
    samples: Iterable[T], time: Callable[[T], float], value: Callable[[T], float | None]
) -> list[Point]:
    """Return points in order of time."""
    return sorted(((time(item), value(item)) for item in samples), key=lambda point: point[0])


def rates(totals: Sequence[Point]) -> list[Point]:
    """Return the growth per second of a counter; None where it is unknown or began anew."""
    found: list[Point] = []
    last: tuple[float, float] | None = None
    for t, total in totals:
        if total is None:
            found.append((t, None))
            continue
        if last is not None and t > last[0]:
            growth = (total - last[1]) / (t - last[0])
            found.append((t, growth if growth >= 0 else None))
        last = (t, total)
    return found


def by_worker(
    samples: Iterable[WorkerSample], value: Callable[[WorkerSample], float | None]
) -> dict[str, list[Point]]:
    """Return the points of each worker, in the order of their names."""
    found: dict[str, list[Point]] = defaultdict(list)
    for sample in sorted(samples, key=lambda sample: sample.t_s):
        name = f"worker {sample.worker}" if sample.worker.isdecimal() else sample.worker
        found[name].append((sample.t_s, value(sample)))
    return dict(sorted(found.items(), key=lambda item: _natural(item[0])))


def spread(workers: Iterable[Sequence[Point]]) -> Spread:
    """Return what is between the lowest and the highest worker in each second."""
    seconds: dict[int, list[float]] = defaultdict(list)
    for points in workers:
        for t, value in points:
            if value is not None:
                seconds[int(t)].append(value)
    ordered = sorted(seconds.items())
    return Spread(
        middle=[(float(t), median(values)) for t, values in ordered],
        spans=[(float(t), min(values), max(values)) for t, values in ordered],
    )


def hold(results: Results) -> tuple[float, float] | None:
    """Return begin and end of the phase that is judged; None if it was not reached."""
    times = [second.t_s for second in results.timeline if second.phase == JUDGED]
    return (min(times) - 1, max(times)) if times else None


def within(points: Iterable[Point], span: tuple[float, float] | None) -> list[float]:
    """Return the known values inside a span of time."""
    if span is None:
        return []
    return [value for t, value in points if value is not None and span[0] <= t <= span[1]]


def mean(values: Sequence[float]) -> float | None:
    """Return the mean; None of nothing."""
    return sum(values) / len(values) if values else None


def _natural(name: str) -> tuple[str, int]:
    """Sort slot-2 before slot-10."""
    stem = name.rstrip("0123456789")
    tail = name[len(stem) :]
    return stem, int(tail) if tail else -1

"""The Universal Scalability Law: what more workers bring, and when they bring less.

X(N) = l*N / (1 + s*(N-1) + k*N*(N-1)): l is what one does (lambda), s what all of them queue for
(sigma), k what each must settle with each other (kappa); by N. Gunther. Divided, it is
N/X = 1/l + s/l*(N-1) + k/l*N*(N-1), which is linear in three unknowns that cannot be negative.
"""

import math
from collections.abc import Sequence

from msgspec import Struct

from loadtest.capacity.fitting import FitError
from loadtest.capacity.leastsquares import nonnegative

FEWEST_POINTS = 4


class Point(Struct, frozen=True, kw_only=True):
    """Highest throughput that so many workers reached, and what the law says."""

    workers: int
    per_s: float
    fitted_per_s: float

    @property
    def error(self) -> float:
        """Relative error of the law."""
        return self.fitted_per_s / self.per_s - 1


class Scaling(Struct, frozen=True, kw_only=True):
    """The three coefficients, and the points they are from."""

    single_per_s: float  # lambda
    contention: float  # sigma
    coherence: float  # kappa
    points: list[Point]

    def per_s(self, workers: float) -> float:
        """Return the throughput of so many workers."""
        return _law(workers, self.single_per_s, self.contention, self.coherence)

    def efficiency(self, workers: float) -> float:
        """Return what each of so many workers does, as a share of one alone."""
        return self.per_s(workers) / (workers * self.single_per_s)

    @property
    def best_workers(self) -> float:
        """Return the number beyond which more workers do less; infinite if there is none."""
        if self.coherence <= 0:
            return math.inf
        return math.sqrt(max(0.0, 1.0 - self.contention) / self.coherence)


def fit_scaling(measured: Sequence[tuple[int, float]]) -> Scaling:
    """Fit the law to pairs of workers and throughput, each driven to its limit.

    Raises:
        FitError: there are fewer than four different numbers of workers.
    """
    known = [(workers, per_s) for workers, per_s in measured if workers > 0 and per_s > 0]
    if len({workers for workers, _ in known}) < FEWEST_POINTS:
        raise FitError(f"the scalability law needs {FEWEST_POINTS} different numbers of workers")
    # Weighted by X/N: errors are relative, a fast run does not count for less.
    columns = [
        [per_s / workers * value(workers) for workers, per_s in known]
        for value in (lambda _: 1, lambda n: n - 1, lambda n: n * (n - 1))
    ]
    alone, queueing, settling = nonnegative(columns, [1.0] * len(known))
    if alone <= 0:
        raise FitError("the throughput does not follow the scalability law")
    single, contention, coherence = 1 / alone, queueing / alone, settling / alone
    return Scaling(
        single_per_s=single,
        contention=contention,
        coherence=coherence,
        points=[
            Point(
                workers=workers,
                per_s=per_s,
                fitted_per_s=_law(workers, single, contention, coherence),
            )
            for workers, per_s in sorted(known)
        ],
    )


def _law(workers: float, single: float, contention: float, coherence: float) -> float:
    return single * workers / (1 + contention * (workers - 1) + coherence * workers * (workers - 1))

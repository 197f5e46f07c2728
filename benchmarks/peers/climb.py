"""Finds the highest rate at which a server keeps up, with few trials."""

from collections.abc import Callable
from typing import NamedTuple


class Climb(NamedTuple):
    """How rates are tried: multiplied by `factor` until one fails, then halfway between.

    If the first one fails already, it is halved until one passes.

    Attributes:
        start: the first rate.
        most: no rate above this one is tried.
        factor: more than 1.
        refinements: how often the gap between the best and the worst is halved.
        attempts: a rate fails when it has failed so often.
    """

    start: int
    most: int
    factor: int = 2
    refinements: int = 2
    attempts: int = 2

    def highest(self, passes: Callable[[int], bool]) -> int:
        """Return the highest rate that has passed, 0 if none has."""

        def holds(rate: int) -> bool:
            return any(passes(rate) for _ in range(self.attempts))

        best, rate = 0, self.start
        while rate <= self.most and holds(rate):
            best, rate = rate, rate * self.factor
        if rate > self.most:
            return best
        failed, halvings = rate, 0
        while halvings < self.refinements or not best:
            middle = (best + failed) // 2
            if middle == best:
                break
            halvings += 1 if best else 0
            if holds(middle):
                best = middle
            else:
                failed = middle
        return best

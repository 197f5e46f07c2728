"""When to start a dead worker again: exponential back-off with jitter, and the crash loop.

Pure: the clock and the dice are arguments.
"""

import random
from collections import deque
from collections.abc import Callable

BASE_S = 0.1


class Backoff:
    """Counts the deaths of one process and says how long to wait after each.

    The first death costs about a tenth of a second, each further one twice as much, up to the
    maximum. `crash_count` deaths within `window_s` are a crash loop: from then on every wait is
    the maximum. A life of at least `window_s` ends the loop and the count.

    Args:
        maximum_s: longest wait.
        crash_count: deaths that make a crash loop.
        window_s: the time they fall in, and the length of a life that counts as healthy.
        dice: returns a number in [0, 1).
    """

    def __init__(
        self,
        *,
        maximum_s: float,
        crash_count: int,
        window_s: float,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._maximum_s = maximum_s
        self._window_s = window_s
        self._dice = dice
        self._deaths_s: deque[float] = deque(maxlen=crash_count)
        self._in_a_row = 0
        self.crash_looping = False

    def died(self, now_s: float, lived_s: float) -> float:
        """Note a death and return how many seconds to wait before the next start."""
        if lived_s >= self._window_s:
            self.healthy()
        self._deaths_s.append(now_s)
        self._in_a_row += 1
        full = len(self._deaths_s) == self._deaths_s.maxlen
        if full and now_s - self._deaths_s[0] <= self._window_s:
            self.crash_looping = True
        wait_s = self._maximum_s
        if not self.crash_looping:
            wait_s = min(wait_s, BASE_S * 2.0 ** min(self._in_a_row - 1, 60))
        return wait_s * (0.75 + self._dice() / 4)

    def healthy(self) -> None:
        """Forget the past: the process has lived long enough, or was replaced on purpose."""
        self._deaths_s.clear()
        self._in_a_row = 0
        self.crash_looping = False

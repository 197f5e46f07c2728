"""When an endpoint is spared, and how long a delivery waits for its next attempt."""

import random

#: Failures in a row after which an endpoint is asked by one delivery at a time.
FAILURES_MAX = 5
FIRST_PAUSE_S = 0.5
#: How often a delivery that waits for another's probe looks again.
LOOK_S = 0.1


def pause_s(attempts: int, most_s: float) -> float:
    """Return how long to wait after so many failed attempts, with jitter; attempts count from 1."""
    bound_s = min(most_s, FIRST_PAUSE_S * 2.0 ** min(attempts - 1, 40))
    return bound_s * random.uniform(0.5, 1.0)  # noqa: S311 - jitter


class Circuit:
    """Closed: all may try. Open: nobody. After the pause: one may, and its outcome decides.

    Args:
        most_s: longest pause.
    """

    def __init__(self, most_s: float) -> None:
        self.failures = 0  # in a row
        self._most_s = most_s
        self._until_s = 0.0
        self._is_probing = False

    @property
    def is_open(self) -> bool:
        """Whether not all may try."""
        return self.failures >= FAILURES_MAX

    def wait_s(self, now_s: float) -> float:
        """Return how long to wait before asking again; with 0 the caller may try.

        It has to say how that went: `succeeded`, `failed` or `abandoned`.
        """
        if now_s < self._until_s:
            return self._until_s - now_s
        if not self.is_open:
            return 0.0
        if self._is_probing:
            return LOOK_S
        self._is_probing = True
        return 0.0

    def succeeded(self) -> None:
        """The endpoint answered as it should."""
        self.failures = 0
        self._until_s = 0.0
        self._is_probing = False

    def failed(self, now_s: float, asked_s: float | None = None) -> None:
        """It did not; `asked_s` is how long it asks to be left alone."""
        self.failures += 1
        self._is_probing = False
        if self.is_open:
            self._rest(now_s, pause_s(self.failures - FAILURES_MAX + 1, self._most_s))
        if asked_s is not None:
            self._rest(now_s, min(asked_s, self._most_s))

    def abandoned(self) -> None:
        """Who was allowed to try did not."""
        self._is_probing = False

    def trip(self, now_s: float, for_s: float) -> None:
        """Open it at once: the endpoint says that it wants no more."""
        self.failures = max(self.failures, FAILURES_MAX)
        self._rest(now_s, for_s)

    def _rest(self, now_s: float, for_s: float) -> None:
        self._until_s = max(self._until_s, now_s + for_s)

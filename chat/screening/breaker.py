"""A circuit breaker: after some failures in a row nobody waits any more, but one, now and then."""


class Breaker:
    """Knows whether it is worth asking.

    Args:
        failures: in a row, after which it opens.
        pause_s: how long it stays open before somebody tries again.
    """

    def __init__(self, failures: int, pause_s: float) -> None:
        self._most = failures
        self._pause_s = pause_s
        self._failures = 0
        self._open_until_s: float | None = None
        self._on_trial = False

    @property
    def is_open(self) -> bool:
        """Nobody but a trial is let through."""
        return self._open_until_s is not None

    def would_admit(self, now_s: float) -> bool:
        """Whether `admits` would say yes; nothing comes of asking."""
        if self._open_until_s is None:
            return True
        return not self._on_trial and now_s >= self._open_until_s

    def admits(self, now_s: float) -> bool:
        """Whether one may ask; who may has to say how it went: `worked`, `failed` or `left`."""
        if not self.would_admit(now_s):
            return False
        self._on_trial = self.is_open
        return True

    def worked(self) -> None:
        """An answer came."""
        self._failures = 0
        self._open_until_s = None
        self._on_trial = False

    def failed(self, now_s: float) -> None:
        """No answer came, or none that could be used."""
        self._failures += 1
        if self._on_trial or (self._open_until_s is None and self._failures >= self._most):
            self._open_until_s = now_s + self._pause_s
        self._on_trial = False

    def left(self) -> None:
        """Who asked went away before there was an answer: that says nothing."""
        self._on_trial = False

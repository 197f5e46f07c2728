"""Whether a worker is too late to take more clients (docs/decisions/0014-overload.md).

Pure but for the dice: the time is an argument. One timer a worker beats every `BEAT_S`; by how
much a beat is late is by how much everything is late.
"""

import math
import random

from chat.gateway.http import sentence

BEAT_S = 0.1
#: Clients are let in again when a beat is late by less than this part of the limit.
CALM_SHARE = 0.5
#: What refused clients are told to wait, at random. Short: most overloads are over by then.
RETRY_AFTER_S = range(1, 9)
OVERLOADED = "This worker is overloaded."


class Overload:
    """Judges the lateness of the event loop.

    Only the present counts: no average, so that one beat on time after a pause ends it.

    Args:
        limit_s: lateness from which on nobody is let in; 0 for never.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s or math.inf
        self._due_s = math.inf  # the first beat cannot be late
        self._is_late = False

    def beat(self, now_s: float) -> None:
        """The timer came; the next one is due in `BEAT_S`."""
        limit_s = self._limit_s * CALM_SHARE if self._is_late else self._limit_s
        self._is_late = now_s - self._due_s > limit_s
        self._due_s = now_s + BEAT_S

    def holds(self, now_s: float) -> bool:
        """Whether the loop is late now, also before the timer gets its turn to say so."""
        if now_s - self._due_s > self._limit_s:
            self._is_late = True
        return self._is_late


def retry_after_s() -> int:
    """Return how long a refused client should wait, each another time."""
    return random.choice(RETRY_AFTER_S)  # noqa: S311 - jitter


def _refusal(seconds: int) -> bytes:
    response = sentence(503, OVERLOADED, retry_after_s=seconds)
    del response.headers["Date"]  # it would be that of the start
    return response.serialize()


_REFUSALS = [_refusal(seconds) for seconds in RETRY_AFTER_S]


def refusal_bytes() -> bytes:
    """Return a whole answer, made beforehand."""
    return random.choice(_REFUSALS)  # noqa: S311 - jitter

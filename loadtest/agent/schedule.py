"""When things are due. Pure: the time comes in as an argument, in nanoseconds.

The model is open: what is due does not wait for answers, and what is late is still done, with the
time at which it was due, so a server that stalls cannot hide it (no coordinated omission).
"""

import random
from collections.abc import Iterator

from loadtest.agent.stamp import JUDGED, STORM, WARM_UP

SECOND_NS = 1_000_000_000
NEVER_NS = 1 << 63
_BACK_OFF_FIRST_S = 0.5  # docs/protocol.md, "How to come back"
_BACK_OFF_MOST_S = 30.0


class Phases:
    """When the phases begin, as far as the coordinator has said; never, until it says so."""

    def __init__(self) -> None:
        self.hold_ns = NEVER_NS
        self.storm_ns = NEVER_NS
        self.drain_ns = NEVER_NS

    def counts_for(self, due_ns: int) -> int:
        """Return what a message that is due then counts for: nothing, the hold, or the storm."""
        if not self.hold_ns <= due_ns < self.drain_ns:
            return WARM_UP
        return JUDGED if due_ns < self.storm_ns else STORM


class Ramp:
    """Arrivals at a steady rate.

    Args:
        clients: how many arrive.
        per_s: how many of them a second.
        start_ns: when the first one is due.
    """

    def __init__(self, clients: int, per_s: float, start_ns: int) -> None:
        self._clients = clients
        self._distance_ns = SECOND_NS / per_s
        self._start_ns = start_ns

    def due_ns(self, client: int) -> int:
        """Return when the client with this number, from 0, is due; never when there is none."""
        if client >= self._clients:
            return NEVER_NS
        return self._start_ns + int(client * self._distance_ns)


class Arrivals:
    """Poisson arrivals: exponentially distributed distances.

    Independent streams of agents add up to one stream of the whole rate.

    Args:
        per_s: the rate; 0 means that nothing ever arrives.
        start_ns: after which the first one arrives.
        chance: where the distances come from.
    """

    def __init__(self, per_s: float, start_ns: int, chance: random.Random) -> None:
        self._rate = per_s / SECOND_NS
        self._end_ns = NEVER_NS
        self._chance = chance
        self.next_ns = self._after(start_ns)

    def end(self, end_ns: int) -> None:
        """Let none arrive from then on."""
        self._end_ns = min(self._end_ns, end_ns)
        if self.next_ns >= self._end_ns:
            self.next_ns = NEVER_NS

    def due(self, now_ns: int) -> Iterator[int]:
        """Yield the times of the arrivals up to now, each once."""
        while self.next_ns <= now_ns:
            due_ns = self.next_ns
            self.next_ns = self._after(due_ns)
            yield due_ns

    def _after(self, at_ns: int) -> int:
        if not self._rate:
            return NEVER_NS
        next_ns = at_ns + int(self._chance.expovariate(self._rate))
        return next_ns if next_ns < self._end_ns else NEVER_NS


def back_off_ns(attempt: int, chance: random.Random, least_s: float = 0.0) -> int:
    """Return a wait with full jitter before an attempt, from 0; `least_s` is what a server asked.

    Source: docs/protocol.md, "How to come back".
    """
    most_s = min(_BACK_OFF_MOST_S, _BACK_OFF_FIRST_S * 2 ** min(attempt, 16))
    return int((least_s + chance.uniform(0.0, most_s)) * SECOND_NS)

"""How far two monotonic clocks are apart, from questions and answers that cross the network.

Pure. The way there and the way back are taken to last equally long; if they do not, the estimate
is wrong by at most half the round trip. So the probe with the least round trip is the best one,
and half of its round trip is the error to report.
"""

from collections.abc import Iterable

from msgspec import Struct


class Probe(Struct, frozen=True):
    """One question and its answer, in nanoseconds."""

    sent_ns: int  # coordinator's clock
    agent_ns: int  # agent's clock
    received_ns: int  # coordinator's clock

    @property
    def round_trip_ns(self) -> int:
        """Time from the question to the answer."""
        return self.received_ns - self.sent_ns


class Offset(Struct, frozen=True):
    """Add `offset_ns` to the agent's clock to get the coordinator's, give or take `error_ns`."""

    offset_ns: int = 0
    error_ns: int = 0


SHARED = Offset()


def estimate(probes: Iterable[Probe]) -> Offset:
    """Return the offset by the probe with the least round trip.

    Raises:
        ValueError: there is no probe, or an answer came before its question.
    """
    best = min(probes, key=lambda probe: probe.round_trip_ns)
    if best.round_trip_ns < 0:
        raise ValueError("an answer came before its question")
    half_ns = (best.round_trip_ns + 1) // 2  # rounded up: the error is a bound
    return Offset(best.sent_ns + best.round_trip_ns // 2 - best.agent_ns, half_ns)


def between(agent_boot_id: str, coordinator_boot_id: str, probes: Iterable[Probe]) -> Offset:
    """Return the offset of an agent: none where both are on the same boot of one machine."""
    if agent_boot_id and agent_boot_id == coordinator_boot_id:
        return SHARED
    return estimate(probes)


def drifted(used: Offset, now: Offset) -> Offset:
    """Return the offset in use with an error that covers a later measurement too.

    Two quartz clocks drift apart by some 10 µs a second; an agent keeps the offset it was given.
    """
    apart_ns = abs(now.offset_ns - used.offset_ns) + now.error_ns
    return Offset(used.offset_ns, max(used.error_ns, apart_ns))

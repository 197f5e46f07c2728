"""What is judged of canaries. Pure."""

from collections.abc import Iterable

from loadtest.results import CanaryFacts, Check
from loadtest.scenario import Scenario
from loadtest.verdict import at_most

#: They are one thread; above this share of a core they wait for themselves.
_BUSY_SHARE = 0.8


def checks(scenario: Scenario, found: CanaryFacts | None) -> list[Check]:
    """Judge what they saw: none missing, doubled or out of order, all of them there at the end."""
    wanted = scenario.canaries.count
    if not wanted:
        return []
    if found is None:
        return [at_most("canaries_away", wanted, 0, "", "Canaries without a last word")]
    return [
        at_most("canary_lost", found.lost, 0, "", "Messages lost to a canary"),
        at_most("canary_duplicated", found.duplicated, 0, "", "Messages a canary had twice"),
        at_most("canary_out_of_order", found.out_of_order, 0, "", "Out of order for a canary"),
        at_most("canary_unanswered", unanswered(found), 0, "", "Canaries' messages not stored"),
        at_most("canaries_away", found.away, 0, "", "Canaries not connected at the end"),
        *_limits(scenario, found),
    ]


def doubts(found: CanaryFacts | None, duration_s: float) -> list[str]:
    """Say what casts doubt on the canaries' figures."""
    if found is None or found.cpu_s <= _BUSY_SHARE * duration_s:
        return []
    return [
        f"Canaries used {found.cpu_s / duration_s:.0%} of a core: their latencies include their "
        f"own. Use fewer of them."
    ]


def unanswered(found: CanaryFacts) -> int:
    """Return how many of their messages were refused or not acknowledged in time."""
    return found.published - found.acknowledged


def _limits(scenario: Scenario, found: CanaryFacts) -> Iterable[Check]:
    limits = scenario.thresholds
    for name, kind, limit, words in (
        ("canary_ack_p99_ms", "ack", limits.canary_ack_p99_ms, "Ack p99 of canaries"),
        (
            "canary_delivery_p99_ms",
            "delivery",
            limits.canary_delivery_p99_ms,
            "Delivery p99 to canaries",
        ),
    ):
        if limit is not None:
            measured = found.latency[kind].p99 if kind in found.latency else None
            yield at_most(name, measured, limit, "ms", words)
    if limits.canary_offline_s is not None:
        offline = found.latency.get("offline")
        longest_s = offline.highest / 1000 if offline else 0.0
        words = "Longest time a canary was offline"
        yield at_most("canary_offline_s", longest_s, limits.canary_offline_s, "s", words)

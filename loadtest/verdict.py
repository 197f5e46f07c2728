"""What a test's figures say: which limits were kept, and what casts doubt on the figures. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from msgspec import Struct

from loadtest.control import Counts
from loadtest.results import AgentFacts, Check, HostSample, Percentiles, Second
from loadtest.scenario import Scenario, Storm

#: A generator that is later than this share of the p99 it measured has measured itself.
_LATE_SHARE = 0.2
_LATE_MS = 10.0
#: An agent is one thread; above this share of a core it queues what it should measure.
_BUSY_SHARE = 0.8
#: With less than this left, whatever runs on a machine waits for its turn.
_FULL_SHARE = 0.9
#: A clock error above this share of the median delivery is not small.
_CLOCK_SHARE = 0.2
_UNSENT_SHARE = 0.02


class Evidence(Struct, frozen=True, kw_only=True):
    """All that a verdict is made of."""

    scenario: Scenario
    totals: Counts
    latency: Mapping[str, Percentiles]
    timeline: Sequence[Second]
    agents: Sequence[AgentFacts]
    agents_cpu_share: Mapping[int, float]  # of a core, over the hold phase
    agents_missing: int  # that went away before the end
    hold_s: float
    recovery_s: float | None
    cores: int = 0  # of the coordinator's machine
    busy_cores: float | None = None  # of it, in the median of the hold phase


def connected_share(scenario: Scenario, timeline: Sequence[Second]) -> float:
    """Return the lowest share of clients in their rooms in the hold phase, storms left out.

    A storm is left out from its second until `connected` is back where it was before.
    """
    holding = [second for second in timeline if second.phase == "hold"]
    if not holding:
        return 0.0
    calm = _without_storm(holding, scenario.storm)
    return min(second.connected for second in calm) / scenario.connections.count


def _without_storm(holding: list[Second], storm: Storm | None) -> list[Second]:
    if storm is None:
        return holding
    begins_s = holding[0].t_s + storm.at_s - 1  # a report belongs to the nearest second
    before = [second for second in holding if second.t_s < begins_s] or holding[:1]
    full = before[-1].connected
    after = [second for second in holding if second.t_s >= begins_s + _STORM_SEEN_S]
    back = next((n for n, second in enumerate(after) if second.connected >= full), None)
    # Those who never come back count: the last second tells of them.
    return before + (holding[-1:] if back is None else after[back:])


_STORM_SEEN_S = 3


def error_share(totals: Counts) -> float:
    """Return the share of commands that were refused or not answered at all."""
    commands = totals.messages_sent + totals.typing_sent + 2 * totals.churns + totals.opened
    unanswered = max(0, totals.messages_sent - totals.messages_acked)
    return max(sum(totals.errors.values()), unanswered) / max(1, commands)


def recovery_s(scenario: Scenario, latency: Mapping[str, Percentiles]) -> float | None:
    """Return the time from the storm until the last client was back, or None without any."""
    found = latency.get("recovery")
    return found.highest / 1000 if scenario.storm and found else None


def busy_cores(host: Iterable[HostSample], timeline: Sequence[Second]) -> float | None:
    """Return how many cores of this machine were busy in the median of the hold phase."""
    times = [second.t_s for second in timeline if second.phase == "hold"]
    if not times:
        return None
    busy = [sample.busy_cores for sample in host if times[0] < sample.t_s <= times[-1]]
    return median(busy) if busy else None


def checks(evidence: Evidence) -> list[Check]:
    """Judge every threshold of the scenario; lost and duplicated messages always."""
    found = [
        _at_least(
            "connected_share",
            connected_share(evidence.scenario, evidence.timeline),
            evidence.scenario.thresholds.connected_share,
            "of the clients were in their rooms while holding",
        )
    ]
    found += _latency_checks(evidence)
    limits = evidence.scenario.thresholds
    if limits.recovery_s is not None:
        found.append(at_most("recovery_s", evidence.recovery_s, limits.recovery_s, "s", "Recovery"))
    refused = error_share(evidence.totals)
    found.append(
        at_most("error_share", refused, limits.error_share, "", "Share of refused commands")
    )
    if limits.gaps is not None:
        found.append(at_most("gaps", evidence.totals.gaps, limits.gaps, "", "Announced gaps"))
    found.append(at_most("lost", evidence.totals.lost, 0, "", "Lost messages"))
    found.append(at_most("duplicated", evidence.totals.duplicated, 0, "", "Duplicated messages"))
    found.append(
        at_most("out_of_order", evidence.totals.out_of_order, 0, "", "Messages out of order")
    )
    found.append(at_most("agents_missing", evidence.agents_missing, 0, "", "Agents that went away"))
    return found


def _latency_checks(evidence: Evidence) -> Iterable[Check]:
    limits = evidence.scenario.thresholds
    for kind, percentile, limit in (
        ("delivery", "p50", limits.delivery_p50_ms),
        ("delivery", "p99", limits.delivery_p99_ms),
        ("delivery", "p999", limits.delivery_p999_ms),
        ("storm", "p99", limits.storm_p99_ms),
        ("ack", "p99", limits.ack_p99_ms),
        ("connect", "p99", limits.connect_p99_ms),
    ):
        if limit is None:
            continue
        measured: float | None = None
        if kind in evidence.latency:
            measured = getattr(evidence.latency[kind], percentile)
        words = f"{kind.capitalize()} {percentile}"
        yield at_most(f"{kind}_{percentile}_ms", measured, limit, "ms", words)


def at_most(name: str, measured: float | None, limit: float, unit: str, words: str) -> Check:
    """Judge a limit that a figure must not pass; one that was not measured has passed it."""
    unit = f" {unit}" if unit else ""
    if measured is None:
        return Check(
            name=name,
            measured=None,
            limit=limit,
            passed=False,
            sentence=f"{words} was not measured; allowed are {limit:g}{unit}.",
        )
    return Check(
        name=name,
        measured=measured,
        limit=limit,
        passed=measured <= limit,
        sentence=f"{words}: {measured:.4g}{unit}, allowed are {limit:g}{unit}.",
    )


def _at_least(name: str, measured: float, limit: float, words: str) -> Check:
    sentence = f"{measured:.2%} {words}, at least {limit:.2%} are asked for."
    return Check(
        name=name, measured=measured, limit=limit, passed=measured >= limit, sentence=sentence
    )


def doubts(evidence: Evidence) -> list[str]:
    """Say what casts doubt on the figures, a sentence each."""
    return [*_late(evidence), *_busy(evidence), *_clocks(evidence), *_incomplete(evidence)]


def _late(evidence: Evidence) -> Iterable[str]:
    lag = evidence.latency.get("send_lag")
    delivery = evidence.latency.get("delivery")
    if lag is None:
        return
    if lag.p99 > _LATE_MS or (delivery and lag.p99 > _LATE_SHARE * delivery.p99):
        of = f" of a delivery p99 of {delivery.p99:.1f} ms" if delivery else ""
        yield (
            f"The generator was late: it sent {lag.p99:.1f} ms (p99) after a message was due{of}. "
            f"Latencies include that; use more agents or machines."
        )


def _busy(evidence: Evidence) -> Iterable[str]:
    for agent, share in sorted(evidence.agents_cpu_share.items()):
        if share > _BUSY_SHARE:
            yield f"Agent {agent} used {share:.0%} of a core while holding; use more agents."
    busy, cores = evidence.busy_cores, evidence.cores
    if busy is not None and busy > _FULL_SHARE * cores:
        yield (
            f"The coordinator's machine was full: {busy:.1f} of {cores} cores busy. What runs on "
            f"it, the server too if it does, waited for a core."
        )


def _clocks(evidence: Evidence) -> Iterable[str]:
    delivery = evidence.latency.get("delivery")
    if delivery is None:
        return
    for agent in evidence.agents:
        if agent.clock_error_ms > _CLOCK_SHARE * delivery.p50:
            yield (
                f"The clock of agent {agent.agent} on {agent.host} is known to "
                f"{agent.clock_error_ms:.2f} ms only, against a delivery p50 of "
                f"{delivery.p50:.2f} ms."
            )


def _incomplete(evidence: Evidence) -> Iterable[str]:
    if evidence.agents_missing:
        count = evidence.agents_missing
        yield (
            f"{count} agent{'s' * (count > 1)} went away before the end: what they had counted "
            f"since their last report is missing."
        )
    if evidence.hold_s < evidence.scenario.hold_s - 1:
        yield (
            f"Held for {evidence.hold_s:.0f} s and not for {evidence.scenario.hold_s:g} s: "
            f"the figures are of that time."
        )
    due, sent = evidence.totals.messages_due, evidence.totals.messages_sent
    if sent < due * (1 - _UNSENT_SHARE):
        yield f"{due - sent} of {due} messages that were due were not sent: no client to send."
    unanswered = sent - evidence.totals.messages_acked - sum(evidence.totals.errors.values())
    if unanswered > 0:
        yield f"{unanswered} messages were never answered; whether they were stored is unknown."


def cpu_shares(
    first: Mapping[int, float], last: Mapping[int, float], long_s: float
) -> dict[int, float]:
    """Return each agent's share of a core between two readings of its CPU seconds."""
    return {agent: (last[agent] - first.get(agent, 0.0)) / max(long_s, 1e-9) for agent in last}

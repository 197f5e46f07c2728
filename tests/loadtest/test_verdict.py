"""What is passed, what is failed, and what is doubted."""

from typing import Any

import pytest
from msgspec import structs

from loadtest.control import Counts
from loadtest.results import AgentFacts, HostSample, Percentiles, Second
from loadtest.scenario import Connections, Scenario, Storm, Thresholds
from loadtest.verdict import (
    Evidence,
    busy_cores,
    checks,
    connected_share,
    doubts,
    error_share,
    recovery_s,
)

SCENARIO = Scenario(
    title="t",
    connections=Connections(count=100),
    hold_s=10,
    thresholds=Thresholds(delivery_p99_ms=50, recovery_s=5, gaps=0),
)


def latency(p50: float, p99: float, highest: float = 100.0) -> Percentiles:
    return Percentiles(
        samples=10, mean=p50, p50=p50, p90=p99, p99=p99, p999=p99, highest=highest, histogram=""
    )


def second(t_s: float, connected: int, phase: str = "hold") -> Second:
    return Second(
        t_s=t_s,
        phase=phase,
        connecting=0,
        connected=connected,
        opened_per_s=0,
        sent_per_s=0,
        acked_per_s=0,
        deliveries_per_s=0,
        errors_per_s=0,
        bytes_in_per_s=0,
    )


def agent(**facts: Any) -> AgentFacts:
    usual: dict[str, Any] = {
        "agent": 0,
        "host": "h",
        "pid": 1,
        "clients": 100,
        "clock_offset_ms": 0.0,
        "clock_error_ms": 0.0,
        "cpu_s": 1.0,
        "rss_kib": 1,
    }
    return AgentFacts(**usual | facts)


GOOD = Evidence(
    scenario=SCENARIO,
    totals=Counts(messages_due=1000, messages_sent=1000, messages_acked=1000, opened=100),
    latency={"delivery": latency(10, 40), "send_lag": latency(0.1, 1.0)},
    timeline=[second(t, 100) for t in range(10)],
    agents=[agent()],
    agents_cpu_share={0: 0.5},
    agents_missing=0,
    hold_s=10.0,
    recovery_s=3.0,
)


def failed(**changes: Any) -> set[str]:
    return {c.name for c in checks(structs.replace(GOOD, **changes)) if not c.passed}


def test_a_good_test_passes_without_a_doubt() -> None:
    assert failed() == set()
    assert doubts(GOOD) == []


def test_every_threshold_is_judged_and_explained() -> None:
    found = {check.name: check for check in checks(GOOD)}

    assert found["delivery_p99_ms"].sentence == "Delivery p99: 40 ms, allowed are 50 ms."
    assert found["connected_share"].sentence.startswith("100.00% of the clients")
    assert "ack_p99_ms" not in found, "what has no limit is not judged"


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"latency": {"delivery": latency(10, 50.1)}}, {"delivery_p99_ms"}),
        ({"latency": {}}, {"delivery_p99_ms"}),
        ({"recovery_s": 5.5}, {"recovery_s"}),
        ({"recovery_s": None}, {"recovery_s"}),
        ({"timeline": [second(0, 100), second(1, 99)]}, {"connected_share"}),
        ({"timeline": []}, {"connected_share"}),
        ({"totals": Counts(lost=1)}, {"lost"}),
        ({"totals": Counts(duplicated=1)}, {"duplicated"}),
        ({"totals": Counts(out_of_order=1)}, {"out_of_order"}),
        ({"totals": Counts(gaps=1)}, {"gaps"}),
        ({"totals": Counts(opened=10, errors={"busy": 1})}, {"error_share"}),
        ({"totals": Counts(messages_sent=10, messages_acked=9)}, {"error_share"}),
        ({"agents_missing": 1}, {"agents_missing"}),
    ],
)
def test_what_is_over_its_limit_fails(changes: dict[str, Any], names: set[str]) -> None:
    assert failed(**changes) == names


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"latency": {"delivery": latency(5, 20), "send_lag": latency(0, 5)}}, "was late"),
        ({"latency": {"delivery": latency(5, 900), "send_lag": latency(0, 11)}}, "was late"),
        ({"agents_cpu_share": {0: 0.5, 3: 0.81}}, "Agent 3 used 81% of a core"),
        ({"busy_cores": 1.9, "cores": 2}, "was full: 1.9 of 2 cores"),
        ({"agents": [agent(clock_error_ms=3.0)]}, "clock of agent 0 on h"),
        ({"agents_missing": 2}, "2 agents went away"),
        ({"hold_s": 4.0}, "Held for 4 s and not for 10 s"),
        ({"totals": Counts(messages_due=100, messages_sent=90, messages_acked=90)}, "not sent"),
        ({"totals": Counts(messages_sent=9, messages_acked=8)}, "1 messages were never answered"),
    ],
)
def test_what_is_doubtful_is_said(changes: dict[str, Any], words: str) -> None:
    assert [d for d in doubts(structs.replace(GOOD, **changes)) if words in d]


def storm(*connected: int) -> float:
    """Return the share of clients in a hold with a storm after its second second."""
    scenario = structs.replace(SCENARIO, storm=Storm(at_s=2))
    timeline = [second(0, 50, "connect"), *(second(t, c) for t, c in enumerate(connected, 1))]
    return connected_share(scenario, timeline)


def test_a_storm_is_left_out_until_everybody_is_back() -> None:
    assert storm(100, 100, 10, 50, 90, 100, 100) == 1.0


def test_who_does_not_come_back_from_a_storm_is_missed() -> None:
    assert storm(100, 100, 10, 50, 90, 95, 95) == 0.95


def test_who_is_lost_after_a_storm_is_missed() -> None:
    assert storm(100, 100, 10, 50, 90, 100, 97) == 0.97


def test_recovery_is_the_time_of_the_last_client() -> None:
    found = {"recovery": latency(1000, 3000, highest=4500)}

    assert recovery_s(structs.replace(SCENARIO, storm=Storm(at_s=2)), found) == 4.5
    assert recovery_s(SCENARIO, found) is None, "without a storm nobody asks"
    assert recovery_s(structs.replace(SCENARIO, storm=Storm(at_s=2)), {}) is None


def test_busy_cores_are_those_of_the_hold_phase() -> None:
    timeline = [second(0, 1, "connect"), *(second(t, 1) for t in range(1, 9))]
    samples = [host_sample(t, busy) for t, busy in ((0, 9.0), (2, 1.0), (4, 2.0), (8, 1.5))]

    assert busy_cores(samples, timeline) == 1.5
    assert busy_cores(samples, []) is None


def host_sample(t_s: float, busy: float) -> HostSample:
    return HostSample(
        t_s=t_s, available_kib=1, slab_kib=1, tcp_sockets=1, tcp_memory_kib=1, busy_cores=busy
    )


def test_joins_count_as_commands() -> None:
    assert error_share(Counts(opened=50, churns=25, errors={"busy": 1})) == 0.01

"""When an endpoint is spared, and for how long."""

from datetime import UTC, datetime

import pytest

from chat.webhooks.answers import Answer, Meaning
from chat.webhooks.circuit import FAILURES_MAX, LOOK_S, Circuit, pause_s

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def failed(times: int) -> Circuit:
    circuit = Circuit(most_s=60.0)
    for _ in range(times):
        circuit.failed(0.0)
    return circuit


def test_a_few_failures_hold_up_nobody() -> None:
    circuit = failed(FAILURES_MAX - 1)
    assert not circuit.is_open
    assert circuit.wait_s(0.0) == 0.0


def test_after_many_one_tries_and_its_outcome_is_that_of_all() -> None:
    circuit = failed(FAILURES_MAX)
    assert circuit.is_open
    assert 0.0 < circuit.wait_s(0.0) <= 60.0
    later_s = circuit.wait_s(0.0) + 0.001
    assert circuit.wait_s(later_s) == 0.0  # this one
    assert circuit.wait_s(later_s) == LOOK_S
    circuit.succeeded()
    assert circuit.wait_s(later_s) == 0.0
    assert not circuit.is_open


def test_a_probe_that_fails_makes_the_pause_longer_and_one_that_is_given_up_frees_the_way() -> None:
    circuit = failed(FAILURES_MAX)
    assert circuit.wait_s(100.0) == 0.0
    circuit.abandoned()
    assert circuit.wait_s(100.0) == 0.0
    for _ in range(10):
        circuit.failed(100.0)
    assert 30.0 <= circuit.wait_s(100.0) <= 60.0


def test_what_the_endpoint_asks_for_is_honoured_up_to_the_longest_pause() -> None:
    circuit = Circuit(most_s=60.0)
    circuit.failed(0.0, asked_s=20.0)
    assert circuit.wait_s(0.0) == 20.0
    circuit.failed(0.0, asked_s=1e9)
    assert circuit.wait_s(0.0) == 60.0


def test_who_wants_no_more_is_asked_by_one_after_the_longest_pause() -> None:
    circuit = Circuit(most_s=60.0)
    circuit.failed(0.0)
    circuit.trip(0.0, 60.0)
    assert circuit.is_open
    assert circuit.wait_s(59.0) == 1.0
    assert circuit.wait_s(60.0) == 0.0
    assert circuit.wait_s(60.0) == LOOK_S


def test_pauses_grow_with_jitter_up_to_the_longest() -> None:
    for attempts, most_s in ((1, 0.5), (2, 1.0), (5, 8.0), (99, 300.0)):
        pauses = [pause_s(attempts, 300.0) for _ in range(50)]
        assert all(most_s / 2 <= pause <= most_s for pause in pauses)
        assert len(set(pauses)) > 1


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (200, Meaning.DELIVERED),
        (204, Meaning.DELIVERED),
        (301, Meaning.FAILED),
        (400, Meaning.REFUSED),
        (401, Meaning.FAILED),
        (404, Meaning.FAILED),
        (410, Meaning.GONE),
        (413, Meaning.REFUSED),
        (422, Meaning.REFUSED),
        (429, Meaning.FAILED),
        (503, Meaning.FAILED),
        ("timeout", Meaning.FAILED),
        ("unreachable", Meaning.FAILED),
    ],
)
def test_what_an_answer_means(status: int | str, meaning: Meaning) -> None:
    assert Answer(status).meaning() is meaning


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60.0),
        ("Thu, 01 Jan 2015 00:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("9" * 30, 999999999.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str | None, seconds: float | None) -> None:
    assert Answer(429, text).asked_s(NOW) == seconds

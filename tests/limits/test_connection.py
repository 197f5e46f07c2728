"""One connection: three budgets that are charged together."""

import pytest

from chat.limits.connection import ConnectionLimits
from chat.settings import Settings

SETTINGS = Settings(
    connection_messages_per_s=10.0,
    connection_messages_burst=5,
    connection_bytes_per_s=100.0,
    connection_bytes_burst=1000,
    connection_joins_per_s=1.0,
    connection_joins_burst=2,
)


def test_messages_beyond_the_burst_wait_for_the_rate():
    limits = ConnectionLimits(SETTINGS)
    assert [limits.charge(50.0, messages=1) for _ in range(5)] == [0.0] * 5
    assert limits.charge(50.0, messages=1) == pytest.approx(0.1)
    assert limits.charge(50.1, messages=1) == 0.0


def test_the_longest_wait_counts_and_a_refusal_takes_nothing():
    limits = ConnectionLimits(SETTINGS)
    assert limits.charge(50.0, messages=1, bytes_=1000) == 0.0
    for _ in range(20):
        assert limits.charge(50.0, messages=1, bytes_=200) == pytest.approx(2.0)
    assert [limits.charge(50.0, messages=1) for _ in range(4)] == [0.0] * 4


def test_joins_have_a_budget_of_their_own():
    limits = ConnectionLimits(SETTINGS)
    assert [limits.charge(50.0, joins=1) for _ in range(2)] == [0.0, 0.0]
    assert limits.charge(50.0, joins=1) == pytest.approx(1.0)
    assert limits.charge(50.0, messages=1) == 0.0


def test_it_may_be_dropped_once_it_is_full():
    limits = ConnectionLimits(SETTINGS)
    assert limits.is_full(50.0)
    limits.charge(50.0, messages=1, joins=1)
    assert not limits.is_full(50.9)
    assert limits.is_full(51.0)

"""The settlement script, run by a real server."""

from typing import Any

import pytest
from redis import Redis

from chat.broker.keys import Keys
from chat.broker.scripts import PLAIN


class Settle:
    """Runs the script for one user, with a look behind it."""

    def __init__(self, client: Redis, key: str) -> None:
        self.client, self.key = client, key

    def __call__(
        self,
        spent: tuple[int, int, int],
        rates: tuple[float, float, float] = (1.0, 1.0, 1.0),
        bursts: tuple[int, int, int] = (10, 1000, 20),
    ) -> Any:
        return self.client.eval(
            PLAIN.budget_settle.source, 1, self.key, *map(str, (*spent, *rates, *bursts))
        )


@pytest.fixture
def settle(redis_server, redis_prefix):
    with redis_server.connect() as client:
        yield Settle(client, Keys(redis_prefix).budget("ann"))


def age(settle, seconds: float) -> None:
    """Let the budgets be older than they are."""
    at_us = int(settle.client.hget(settle.key, "at_us"))
    settle.client.hset(settle.key, "at_us", at_us - int(seconds * 1e6))


def test_a_new_user_has_full_budgets(settle):
    assert settle((0, 0, 0)) == [10, 1000, 20]
    assert not settle.client.exists(settle.key)


def test_spending_of_all_workers_adds_up_and_debts_are_kept_whole(settle):
    slow = (0.001, 0.001, 0.001)
    assert settle((3, 100, 1), slow) == [7, 900, 19]
    assert settle((7, 100, 0), slow) == [0, 800, 19]
    assert settle((100, 0, 0), slow) == [-100, 800, 19]


def test_budgets_refill_at_their_rate_and_no_further_than_the_burst(settle):
    slow = (0.005, 0.1, 0.001)  # so that the seconds a machine stands still make no difference
    settle((10, 1000, 20), slow)
    age(settle, 400.0)
    left = settle((0, 0, 0), slow)
    assert left[0] == 2
    assert 40 <= left[1] < 50
    assert left[2] == 0
    age(settle, 1_000_000.0)
    assert settle((0, 0, 0), slow)[:2] == [10, 1000]


def test_what_is_left_is_rounded_down_below_zero_too(settle):
    settle((10, 0, 0), (0.001, 1.0, 1.0))
    age(settle, 500.0)
    assert settle((1, 0, 0), (0.001, 1.0, 1.0))[0] == -1


def test_a_rate_of_zero_is_no_limit(settle):
    assert settle((10**9, 10**9, 10**9), (0, 0, 0)) == [10, 1000, 20]
    assert not settle.client.exists(settle.key)


def test_the_key_ends_when_every_budget_is_full_again(settle):
    settle((5, 100, 0), (1.0, 0.1, 1.0))
    assert 900_000 < settle.client.pttl(settle.key) <= 1_000_000
    settle((10**9, 0, 0), (1e-9, 1.0, 1.0))
    assert settle.client.pttl(settle.key) <= 30 * 24 * 3600 * 1000


def test_a_clock_that_went_back_takes_nothing(settle):
    settle((5, 0, 0), (0.001, 1.0, 1.0))
    age(settle, -3600.0)
    assert settle((1, 0, 0), (0.001, 1.0, 1.0))[0] == 4


def test_a_burst_that_was_lowered_counts_at_once(settle):
    settle((1, 0, 0), (0.001, 1.0, 1.0))
    assert settle((0, 0, 0), (0.001, 1.0, 1.0), (4, 1000, 20))[0] == 4

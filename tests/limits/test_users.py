"""Budgets of a user across workers: against a model of the cluster's bucket, and the table."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.limits.users import LINGER_S, UserBudgets
from chat.settings import Settings

SYNC_S = 0.5


def limits(rate: float, burst: int) -> Settings:
    """Limit messages only."""
    return Settings(
        user_messages_per_s=rate,
        user_messages_burst=burst,
        user_bytes_per_s=0.0,
        user_joins_per_s=0.0,
    )


class ClusterBucket:
    """What the script in Redis does, for messages."""

    def __init__(self, rate: float, burst: int, now_s: float) -> None:
        self.rate, self.burst, self.tokens, self.at_s = rate, burst, float(burst), now_s

    def settle(self, spent: int, now_s: float) -> int:
        gained = (now_s - self.at_s) * self.rate
        self.tokens = min(self.burst, self.tokens + gained) - spent
        self.at_s = now_s
        return int(self.tokens // 1)


def settle_all(worker: UserBudgets, cluster: ClusterBucket, now_s: float) -> None:
    for user_id, messages, _, _ in worker.owed():
        worker.settle(user_id, cluster.settle(messages, now_s), 0, 0, now_s)


def take_all(worker: UserBudgets, now_s: float, at_most: int = 10**6) -> int:
    """Send as much as the worker admits right now."""
    sent = 0
    while sent < at_most and worker.charge("ann", 1, 0, 0, now_s) == 0.0:
        sent += 1
    return sent


def bound(workers: int, rate: float, burst: int, elapsed_s: float) -> float:
    """The bound that `chat.limits.users` states."""
    between_settlements = 17 / 16 * burst + rate * SYNC_S + 1
    return burst + rate * elapsed_s + workers * between_settlements


moves = st.lists(
    st.tuples(
        st.integers(0, 7),  # which worker
        st.integers(1, 60),  # how many it tries to send
        st.sampled_from([0.0, 0.01, 0.05, 0.3, 1.0, 5.0, 40.0]),  # pause before it
    ),
    max_size=80,
)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 8), st.sampled_from([0.5, 4.0, 40.0]), st.integers(1, 50), moves)
def test_the_cluster_admits_no_more_than_the_stated_bound(count, rate, burst, moves):
    """Any sender, on any of the workers, at any time; workers settle once per interval."""
    start_s = now_s = 1000.0
    workers = [UserBudgets(limits(rate, burst)) for _ in range(count)]
    cluster = ClusterBucket(rate, burst, start_s)
    next_sync_s = [start_s + SYNC_S * number / count for number in range(count)]
    admitted = 0
    for which, wanted, pause_s in moves:
        now_s += pause_s
        while min(next_sync_s) <= now_s:
            number = next_sync_s.index(min(next_sync_s))
            settle_all(workers[number], cluster, next_sync_s[number])
            workers[number].sweep(next_sync_s[number])
            next_sync_s[number] += SYNC_S
        admitted += take_all(workers[which % count], now_s, wanted)
        assert admitted <= bound(count, rate, burst, now_s - start_s)


@pytest.mark.parametrize("count", [1, 2, 10, 50])
def test_over_the_long_run_a_flood_on_every_worker_gets_the_rate_of_one(count):
    rate, burst, elapsed_s = 40.0, 120, 600.0
    workers = [UserBudgets(limits(rate, burst)) for _ in range(count)]
    cluster = ClusterBucket(rate, burst, 0.0)
    admitted, now_s = 0, 0.0
    while now_s < elapsed_s:
        admitted += sum(take_all(worker, now_s) for worker in workers)
        now_s += SYNC_S
        for worker in workers:
            settle_all(worker, cluster, now_s)
    assert rate * elapsed_s * 0.95 <= admitted <= bound(count, rate, burst, elapsed_s)


def test_a_user_on_one_worker_gets_the_whole_rate():
    rate, burst, now_s, admitted = 10.0, 20, 0.0, 0
    worker, cluster = UserBudgets(limits(rate, burst)), ClusterBucket(rate, burst, 0.0)
    for step in range(6000):
        now_s = step / 10
        admitted += take_all(worker, now_s)
        if step % 5 == 0:
            settle_all(worker, cluster, now_s)
    assert admitted == pytest.approx(burst + rate * now_s, rel=0.01)


def test_a_debt_of_the_cluster_is_waited_for():
    worker = UserBudgets(limits(10.0, 20))
    take_all(worker, 100.0)
    assert worker.owed() == [("ann", 20, 0, 0)]
    worker.settle("ann", -30, 0, 0, 100.0)
    assert worker.charge("ann", 1, 0, 0, 100.0) == pytest.approx(3.1)
    assert worker.charge("ann", 1, 0, 0, 103.1) == 0.0


def test_what_is_spent_while_a_settlement_is_under_way_is_counted():
    worker = UserBudgets(limits(10.0, 20))
    take_all(worker, 100.0, 5)
    assert worker.owed() == [("ann", 5, 0, 0)]
    take_all(worker, 100.0, 10)
    worker.settle("ann", 15, 0, 0, 100.0)
    assert take_all(worker, 100.0) == 5
    assert worker.owed() == [("ann", 15, 0, 0)]


def test_a_settlement_never_gives_more_than_the_worker_had():
    worker = UserBudgets(limits(10.0, 20))
    take_all(worker, 100.0)
    worker.owed()
    worker.settle("ann", 20, 0, 0, 100.0)
    assert worker.charge("ann", 1, 0, 0, 100.0) > 0.0


def test_a_refusal_by_one_budget_takes_from_none():
    worker = UserBudgets(
        Settings(
            user_messages_per_s=1.0,
            user_messages_burst=10,
            user_bytes_per_s=10.0,
            user_bytes_burst=100,
        )
    )
    assert worker.charge("ann", 1, 100, 0, 50.0) == 0.0
    assert worker.charge("ann", 1, 50, 0, 50.0) == pytest.approx(5.0)
    assert worker.charge("ann", 9, 0, 0, 50.0) == 0.0
    assert worker.owed() == [("ann", 10, 100, 0)]


def test_users_do_not_pay_for_one_another():
    worker = UserBudgets(limits(1.0, 5))
    take_all(worker, 50.0)
    assert worker.charge("bob", 1, 0, 0, 50.0) == 0.0


def test_notes_come_in_bounded_batches_oldest_first():
    worker = UserBudgets(limits(1.0, 5))
    for number in range(10):
        worker.charge(f"user-{number}", 1, 0, 0, 50.0)
    first = [user_id for user_id, *_ in worker.owed(limit=6)]
    rest = [user_id for user_id, *_ in worker.owed(limit=6)]
    assert first + rest == [f"user-{number}" for number in range(10)]
    assert worker.owed() == []


def test_little_spending_waits_and_settles_before_the_user_is_forgotten():
    """Else a user could stay below what is noted on each of many workers."""
    worker = UserBudgets(limits(40.0, 160))
    worker.charge("ann", 3, 0, 0, 50.0)
    assert worker.owed() == []
    worker.sweep(50.0 + LINGER_S + 1)
    assert len(worker) == 1
    assert worker.owed() == [("ann", 3, 0, 0)]
    worker.sweep(50.0 + LINGER_S + 1)
    assert len(worker) == 0


def test_idle_users_vanish_and_users_in_debt_stay():
    worker = UserBudgets(limits(1.0, 5))
    for number in range(100):
        worker.charge(f"user-{number}", 1, 0, 0, 50.0)
    worker.owed()
    worker.settle("user-7", -1000, 0, 0, 50.0)
    for _ in range(10):
        worker.sweep(500.0, limit=20)
    assert len(worker) == 1
    assert worker.charge("user-7", 1, 0, 0, 500.0) > 0.0


def test_the_table_is_bounded_and_says_what_it_forgot():
    worker = UserBudgets(limits(1.0, 5), max_users=10)
    for number in range(25):
        worker.charge(f"user-{number}", 1, 0, 0, 50.0)
    assert len(worker) == 10
    assert worker.forgotten == 15
    assert len(worker.owed()) == 10


def test_without_limits_nothing_is_noted():
    worker = UserBudgets(limits(0.0, 1))
    assert [worker.charge("ann", 100, 10**9, 100, 50.0) for _ in range(3)] == [0.0] * 3
    assert worker.owed() == []

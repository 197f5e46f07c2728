"""The script that keeps what is known of a user, in a real Redis."""

import time
from typing import Any

import pytest

from chat.broker import scripts
from tests.support.redis_server import RedisServer

HOUR_MS = 3_600_000
NOTHING: list[Any] = ["", "", "0"]


class User:
    """One user, by the arguments of the script."""

    def __init__(self, redis: RedisServer, prefix: str) -> None:
        self._redis = redis
        self.key = f"{prefix}:presence:{{u}}"
        self.seen_ttl = self.choice_ttl = HOUR_MS

    def note(
        self, worker: str, has: str, ago_ms: int = 0, state: str = "", status: str = ""
    ) -> list[Any]:
        found: list[Any] = self._redis.run(
            "EVAL",
            scripts.PLAIN.user_presence.source,
            1,
            self.key,
            worker,
            has,
            ago_ms,
            self.seen_ttl,
            self.choice_ttl,
            HOUR_MS,
            state,
            status,
        )
        return found

    def read(self) -> list[Any]:
        return self.note("", "")

    def ttl_ms(self) -> int:
        return int(self._redis.run("PTTL", self.key))

    def exists(self) -> bool:
        return bool(self._redis.run("EXISTS", self.key))


@pytest.fixture
def user(redis_server: RedisServer, redis_prefix: str) -> User:
    return User(redis_server, redis_prefix)


def test_reading_about_nobody_leaves_nothing(user: User) -> None:
    assert user.read() == NOTHING
    assert not user.exists()


def test_who_is_connected_is_at_each_worker_that_says_so(user: User) -> None:
    assert user.note("w1", "1") == [*NOTHING, "w1", "1"]
    user.note("w2", "i")
    assert sorted(user.read()[3:]) == ["1", "i", "w1", "w2"]
    assert user.note("w1", "")[3:] == ["w2", "i"]


def test_last_seen_is_when_the_last_connection_ended(user: User) -> None:
    user.note("w1", "1")
    before_ms = time.time() * 1000
    found = user.note("w1", "", ago_ms=5000)
    assert before_ms - 10 < int(found[2]) + 5000 < time.time() * 1000 + 10
    assert user.note("w1", "", ago_ms=0) == found, "who is gone does not go again"


def test_the_last_choice_holds_until_it_is_taken_back(user: User) -> None:
    user.note("w1", "1", state="a", status="=on the train")
    assert user.note("w2", "1", state="b")[:2] == ["b", "on the train"]
    assert user.note("w1", "1", status="=")[:2] == ["b", ""]
    assert user.note("w2", "1", state="o")[:2] == ["", ""]


def test_a_choice_outlives_the_connections_for_as_long_as_is_set(user: User) -> None:
    user.choice_ttl = 60_000
    user.note("w1", "1", state="b", status="=x")
    user.note("w1", "")
    assert user.read()[:2] == ["b", "x"]
    user.choice_ttl = -1
    user.note("w1", "1")
    user.note("w1", "")  # is over at once
    time.sleep(0.01)
    assert user.read()[:2] == ["", ""]
    assert user.note("w1", "1")[:2] == ["", ""]


def test_without_last_seen_who_chose_nothing_is_forgotten_at_once(user: User) -> None:
    user.seen_ttl = 0
    user.note("w1", "1")
    assert user.note("w1", "") == NOTHING
    assert not user.exists()
    user.note("w1", "1", state="b")
    user.note("w1", "")
    assert user.read() == ["b", "", "0"]


def test_a_worker_that_ends_leaves_its_users_for_a_grace(user: User) -> None:
    user.note("w1", "1")
    user.note("w1", "g60000")
    assert user.read()[3:] == ["w1", "1"]
    seen = user.read()[2]
    user.note("w1", "g1")
    time.sleep(0.01)
    assert user.read() == ["", "", seen]


def test_everything_ends_by_itself(user: User) -> None:
    user.note("w1", "1")
    assert HOUR_MS < user.ttl_ms() <= 2 * HOUR_MS
    user.seen_ttl = 60_000
    user.note("w1", "")
    assert 0 < user.ttl_ms() <= 60_000

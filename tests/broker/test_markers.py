"""The scripts of read markers in a real Redis: what moves, what is forgotten, what it is worth."""

from typing import Any

import pytest

from chat.broker import scripts
from chat.broker.markers import decode_told
from tests.support.redis_server import RedisServer

TTL_MS = 3_600_000
NO_EPOCH = [0, "", "0", "-1"]


class Room:
    """A room of one test, by the arguments of the scripts."""

    def __init__(self, redis: RedisServer, prefix: str) -> None:
        self._redis = redis
        names = ("stream", "markers", "sanctions")
        self.keys = {name: f"{prefix}:{{r}}:{name}" for name in names}

    def is_at(self, epoch: str, seq: int, lineage: str = "") -> None:
        self._redis.run("HSET", self.keys["stream"], "e", epoch, "s", seq, "l", lineage, "a", "0")

    def mark(self, user: str, epoch: str, seq: int, most: int = 100) -> Any:
        keys = [self.keys["stream"], self.keys["markers"]]
        return self._evaluate(
            scripts.PLAIN.marker_set, keys, "channel", user, epoch, seq, most, TTL_MS, "w1", "p"
        )

    def read(self, user: str) -> Any:
        return self._evaluate(scripts.PLAIN.marker_read, list(self.keys.values()), user)

    def read_seq(self, user: str) -> int:
        return int(self.read(user)[3])

    def _evaluate(self, script: scripts.Script, keys: list[str], *arguments: Any) -> Any:
        return self._redis.run("EVAL", script.source, len(keys), *keys, *arguments)


@pytest.fixture
def own(fresh_redis: RedisServer, redis_prefix: str) -> Room:
    return Room(fresh_redis, redis_prefix)


def test_a_marker_moves_forward_and_never_back(own: Room) -> None:
    own.is_at("e1", 10)
    assert own.mark("ann", "e1", 5) == [1, 0]
    assert own.mark("ann", "e1", 3) == [0, 0]
    assert own.mark("ann", "e1", 5) == [0, 0]
    assert own.read("ann") == [0, "e1", "10", "5"]
    assert own.read("ben") == [0, "e1", "10", "-1"]


def test_a_marker_does_not_pass_the_head(own: Room) -> None:
    own.is_at("e1", 10)
    own.mark("ann", "e1", 2**53 - 1)
    assert own.read_seq("ann") == 10


def test_a_room_that_never_was_has_nothing_to_read_and_takes_no_marker(
    own: Room, fresh_redis: RedisServer
) -> None:
    assert own.mark("ann", "e1", 5) == [0, 0]
    assert own.read("ann") == NO_EPOCH
    assert fresh_redis.run("EXISTS", *own.keys.values()) == 0


def test_a_fork_that_lost_nothing_leaves_a_marker_where_it_was(own: Room) -> None:
    own.is_at("e1", 10)
    own.mark("ann", "e1", 7)
    own.is_at("e2", 12, "e1@10")
    assert own.read_seq("ann") == 7


def test_a_marker_past_a_fork_counts_up_to_the_fork_and_can_move_on_from_there(own: Room) -> None:
    own.is_at("e1", 10)
    own.mark("ann", "e1", 9)
    own.is_at("e2", 12, "e1@6")
    assert own.read_seq("ann") == 6
    assert own.mark("ann", "e2", 7) == [1, 0]
    assert own.read_seq("ann") == 7


def test_of_several_forks_the_lowest_counts(own: Room) -> None:
    own.is_at("e1", 10)
    own.mark("ann", "e1", 9)
    own.is_at("e3", 20, "e2@4 e1@8")
    assert own.read_seq("ann") == 4


def test_before_a_fork_is_noticed_a_lost_tail_does_not_count_as_read(own: Room) -> None:
    own.is_at("e1", 10)
    own.mark("ann", "e1", 9)
    own.is_at("e1", 6)
    assert own.read_seq("ann") == 6


def test_a_marker_of_an_unknown_epoch_counts_as_none_and_is_replaced(own: Room) -> None:
    own.is_at("e1", 10)
    own.mark("ann", "e1", 9)
    own.is_at("e2", 5)
    assert own.read_seq("ann") == -1
    assert own.mark("ann", "e1", 9) == [0, 0]
    assert own.mark("ann", "e2", 1) == [1, 0]
    assert own.read_seq("ann") == 1


def test_a_position_of_an_earlier_epoch_moves_the_marker_as_far_as_it_holds(own: Room) -> None:
    own.is_at("e2", 12, "e1@6")
    own.mark("ann", "e1", 9)
    assert own.read_seq("ann") == 6


def test_a_full_room_forgets_one_that_is_far_behind(own: Room, fresh_redis: RedisServer) -> None:
    own.is_at("e1", 100)
    for number in range(1, 9):
        assert own.mark(f"user{number}", "e1", number * 10, most=8) == [1, 0]
    assert own.mark("user8", "e1", 81, most=8) == [1, 0]
    assert own.mark("late", "e1", 90, most=8) == [1, 1]
    assert fresh_redis.run("HLEN", own.keys["markers"]) == 8
    assert (own.read_seq("user1"), own.read_seq("late")) == (-1, 90)


def test_markers_end_with_the_life_of_a_stream_after_the_last_move(
    own: Room, fresh_redis: RedisServer
) -> None:
    own.is_at("e1", 10)
    own.mark("ann", "e1", 5)
    assert TTL_MS < fresh_redis.run("PTTL", own.keys["markers"]) <= TTL_MS * 17 / 16
    fresh_redis.run("PEXPIRE", own.keys["markers"], 1000)
    own.mark("ann", "e1", 6)
    assert fresh_redis.run("PTTL", own.keys["markers"]) > TTL_MS


def test_who_is_banned_is_said_with_the_marker(own: Room, fresh_redis: RedisServer) -> None:
    own.is_at("e1", 10)
    fresh_redis.run("HSET", own.keys["stream"], "a", "77")
    fresh_redis.run("HSET", own.keys["sanctions"], "#", "77", "bann", f"{2**53 - 1}:77:{{}}")
    assert own.read("ann")[0] == -1
    assert own.read("ben")[0] == 0


def test_only_a_move_is_told(own: Room, fresh_redis: RedisServer) -> None:
    own.is_at("e1", 10)
    with fresh_redis.connect() as client, client.pubsub() as hearing:
        hearing.subscribe("channel")
        assert hearing.get_message(timeout=20.0)["type"] == "subscribe"
        for user, seq in (("a:b", 5), ("a:b", 4), ("cleo", 6)):
            own.mark(user, "e1", seq)
        told = [hearing.get_message(timeout=20.0)["data"].encode() for _ in range(2)]
    assert [letter[:1] for letter in told] == [b"p", b"p"]
    assert decode_told(told[0][1:]) == ("e1", 5, "w1", "a:b")
    assert decode_told(told[1][1:]) == ("e1", 6, "w1", "cleo")

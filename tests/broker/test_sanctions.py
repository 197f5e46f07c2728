"""The scripts of moderation in a real Redis: what they cost, and what rooms make of them."""

import json
from typing import Any

import pytest

from chat.broker import scripts
from tests.support.redis_server import RedisServer

HISTORY_ID_DIGITS = 16
FOR_GOOD, LIFT = 0, -1
MINUTE_MS = 60_000


class Room:
    """A room of one test, by the arguments of the scripts."""

    def __init__(self, redis: RedisServer, prefix: str) -> None:
        self._redis = redis
        names = ("stream", "history", "sent", "slow", "sanctions")
        self.keys = {name: f"{prefix}:{{r}}:{name}" for name in names}
        self._history_id = redis.replication()["master_replid"][:HISTORY_ID_DIGITS]

    def publish(self, user: str) -> Any:
        keys = [self.keys[name] for name in ("stream", "history", "stream", "stream", "sanctions")]
        ttl_ms = 3_600_000
        return self._evaluate(
            scripts.PLAIN.room_publish,
            keys,
            *("channel", self._history_id, "epoch", "id", "body", 100, ttl_ms, ttl_ms, 0, 0, user),
        )

    def sanction(self, letter: str, user: str, duration_ms: int, by: str = "mod") -> Any:
        keys = [self.keys["stream"], self.keys["sanctions"]]
        about = json.dumps({"userId": user})
        return self._evaluate(
            scripts.PLAIN.room_sanction,
            keys,
            *("channel", letter, user, by, duration_ms, "{}", about, 1000, 3_600_000),
        )

    def standing(self, *users: str) -> Any:
        keys = [self.keys["stream"], self.keys["sanctions"]]
        return self._evaluate(scripts.PLAIN.sanction_read, keys, *users)

    def acts(self) -> Any:
        return self._redis.run("HGET", self.keys["stream"], "a")

    def calls(self, command: str) -> int:
        """Return how often a command was called so far."""
        with self._redis.connect() as client:
            found = client.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})
        return int(found["calls"])

    def _evaluate(self, script: scripts.Script, keys: list[str], *arguments: Any) -> Any:
        return self._redis.run("EVAL", script.source, len(keys), *keys, *arguments)


@pytest.fixture
def own(fresh_redis: RedisServer, redis_prefix: str) -> Room:
    return Room(fresh_redis, redis_prefix)


COUNTED = ("hmget", "hget", "exists", "hset", "time", "hincrby", "rpush", "publish")


def test_a_publish_costs_as_many_commands_as_before_where_nobody_is_sanctioned(own: Room) -> None:
    own.publish("ann")  # gives birth to the stream, and notes that nobody is
    before = {name: own.calls(name) for name in COUNTED}
    for _ in range(10):
        own.publish("ann")
    spent = {name: own.calls(name) - before[name] for name in COUNTED}
    once = dict.fromkeys(("hmget", "time", "hincrby", "rpush", "publish"), 10)
    assert spent == {**once, "hget": 0, "exists": 0, "hset": 0}


def test_who_is_sanctioned_is_asked_once_more_and_others_may_publish(own: Room) -> None:
    own.publish("ann")
    own.sanction("m", "ben", MINUTE_MS)
    before = own.calls("hmget")
    assert own.publish("ann")[0] == "ok"
    assert own.calls("hmget") - before == 2
    kind, left_ms = own.publish("ben")
    assert (kind, 0 < left_ms <= MINUTE_MS) == ("muted", True)


def test_a_ban_counts_more_than_a_mute_and_neither_has_to_end(own: Room) -> None:
    own.sanction("m", "ben", MINUTE_MS)
    own.sanction("b", "ben", FOR_GOOD)
    assert own.publish("ben") == ["banned", -1]
    own.sanction("b", "ben", LIFT)
    assert own.publish("ben")[0] == "muted"


def test_a_room_that_is_born_after_the_act_knows_of_it(own: Room, fresh_redis: RedisServer) -> None:
    own.sanction("m", "ben", MINUTE_MS)
    assert own.acts() is None
    assert own.publish("ben")[0] == "muted"
    assert own.acts() == own.standing()[0]
    fresh_redis.run("DEL", own.keys["stream"])  # its time is over, that of the sanctions is not
    assert own.publish("ben")[0] == "muted"


def test_a_room_whose_sanctions_have_all_ended_costs_what_it_did(
    own: Room, fresh_redis: RedisServer
) -> None:
    own.publish("ann")
    own.sanction("m", "ben", MINUTE_MS)
    fresh_redis.run("PEXPIRE", own.keys["sanctions"], 0)
    assert own.publish("ben")[0] == "ok"
    assert own.acts() == "0"


def test_acts_rise_and_name_the_one_before(own: Room, fresh_redis: RedisServer) -> None:
    with fresh_redis.connect() as client, client.pubsub() as hearing:
        hearing.subscribe("channel")
        assert hearing.get_message(timeout=20.0)["type"] == "subscribe"
        acts = [own.sanction("k", "ben", 1_000)[1] for _ in range(3)]
        told = [hearing.get_message(timeout=20.0)["data"].split(":")[:2] for _ in acts]
    assert sorted(acts, key=int) == acts
    assert len(set(acts)) == 3
    assert told == [[f"s{act}", before] for act, before in zip(acts, ["0", *acts], strict=False)]


def test_lifting_what_is_not_there_is_no_act(own: Room) -> None:
    assert own.sanction("b", "ben", LIFT) == ["ok", "0"]
    act = own.sanction("b", "ben", FOR_GOOD)[1]
    assert own.sanction("m", "ben", LIFT) == ["ok", act]
    assert own.standing("ben") == [act, -1, 0, "0"]


def test_a_kick_is_remembered_with_its_act(own: Room) -> None:
    act = own.sanction("k", "ben", 1_000)[1]
    assert own.standing("ann", "ben") == [act, 0, 0, "0", 0, 0, act]


def test_who_is_banned_sanctions_nobody(own: Room) -> None:
    own.sanction("b", "mod", FOR_GOOD, by="boss")
    assert own.sanction("b", "boss", FOR_GOOD) == ["banned", -1]
    assert own.standing("boss")[1:] == [0, 0, "0"]

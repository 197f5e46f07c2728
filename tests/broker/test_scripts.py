"""The scripts in a real Redis, where the size of things matters."""

from typing import Any

from chat.broker import scripts
from tests.support.redis_server import RedisServer


def evaluate(redis: RedisServer, script: scripts.Script, *arguments: Any) -> Any:
    return redis.run("EVAL", script.source, *arguments)


def test_the_sweep_of_a_room_with_very_many_members_comes_to_an_end(
    redis_server: RedisServer, redis_prefix: str
) -> None:
    members, held = f"{redis_prefix}:members", f"{redis_prefix}:held"
    names = [f"user-{number}" for number in range(12_000)]
    for start in range(0, len(names), 1000):
        some = names[start : start + 1000]
        redis_server.run("HSET", members, *(x for name in some for x in (name, "1|{}")))
        redis_server.run("HSET", held, *(x for name in some for x in (name, "1")))
    arguments = (3, members, held, f"{redis_prefix}:stream", "channel", 500, 200)
    calls = 0
    while evaluate(redis_server, scripts.PLAIN.member_sweep, *arguments)[0]:
        calls += 1
        assert calls < 100
    assert redis_server.run("HLEN", members) == 0


def test_a_room_nobody_has_written_to_is_forgotten_within_hours(
    redis_server: RedisServer, redis_prefix: str
) -> None:
    keys = [f"{redis_prefix}:{name}" for name in ("stream", "history", "members")]
    month_ms = 30 * 86400 * 1000
    evaluate(redis_server, scripts.PLAIN.room_read, 3, *keys, "history", "epoch", month_ms, 1, 0, 9)
    assert 0 < int(redis_server.run("PTTL", keys[0])) < 2 * 3600 * 1000

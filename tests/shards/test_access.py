"""Ways into one Redis: password, user, database; and a server that must not be written to."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from chat.broker.link import LinkError, open_link
from chat.broker.target import Address, parse_target
from tests.integration.conftest import Connect
from tests.integration.talk import heard, insist, of_type, said
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.redis_server import RedisServer

StartCluster = Callable[..., Awaitable[Cluster]]
PASSWORD = "p@ss/word of the tests"
QUOTED = "p%40ss%2Fword%20of%20the%20tests"


async def test_a_worker_authenticates_as_a_user_and_selects_its_database(
    cluster: StartCluster, connect: Connect, redis_prefix: str, room: str
) -> None:
    """With no more rights than docs/redis.md asks for."""
    rights = f"~{redis_prefix}:* &{redis_prefix}:* +@all -@admin -@dangerous +info".split()
    with RedisServer(tcp=True) as redis:
        redis.run("ACL", "SETUSER", "chatter", "on", f">{PASSWORD}", *rights)
        redis.run(
            "ACL",
            "SETUSER",
            "default",
            "resetkeys",
            "-@all",
            "+ping",
            "+auth",
            "+hello",
            "+acl|log",
        )
        url = f"redis://chatter:{QUOTED}@127.0.0.1:{redis.port}/3"
        workers = await cluster(2, redis=url, **NO_LIMITS)
        ann = await connect(workers[0], "ann", room)
        ben = await connect(workers[1], "ben", room)
        await said(ann, room, ["1"])
        await heard(ben, room, "1")
        key = f"{redis_prefix}:{{{room}}}:history"
        with redis.connect() as client:
            client.execute_command("AUTH", "chatter", PASSWORD)
            assert client.execute_command("LLEN", key) == 0
            client.execute_command("SELECT", 3)
            assert client.execute_command("LLEN", key) == 1
        assert not redis.run("ACL", "LOG")


async def test_a_wrong_password_is_refused() -> None:
    with RedisServer(tcp=True, requirepass=PASSWORD, password=PASSWORD) as redis:
        target = parse_target(f"redis://:wrong@127.0.0.1:{redis.port}/0")
        with pytest.raises(LinkError, match="WRONGPASS"):
            await open_link(Address("127.0.0.1", redis.port), target.access, timeout_s=30.0)


async def test_a_server_that_became_a_replica_takes_nothing_and_nothing_is_uncertain(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str
) -> None:
    workers = await cluster(1, redis=fresh_redis, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    (first,) = await said(ann, room, ["1"])
    fresh_redis.run("REPLICAOF", "127.0.0.1", 1)
    for text in ("2", "2"):  # the connection is lost by the first
        answer = await ann.say(room, text, "only-2")
        assert answer["code"] == "unavailable"
        assert "uncertain" not in answer
        await asyncio.sleep(0.05)
    fresh_redis.run("REPLICAOF", "NO", "ONE")
    ack = await insist(ann, room, "2")
    assert (ack["seq"], ack["epoch"] != first["epoch"]) == (2, True)
    await heard(ann, room, "2")
    assert not of_type(ann, "gap")


async def test_a_promotion_nobody_noticed_is_found_out_by_the_first_message(
    cluster: StartCluster, fresh_redis: RedisServer, connect: Connect, room: str
) -> None:
    """A worker with an idle link may have another history id than the server by now."""
    quiet = await cluster(1, redis=fresh_redis, lease_interval=60.0, lease_ttl=300.0, **NO_LIMITS)
    ann = await connect(quiet[0], "ann", room)
    (first,) = await said(ann, room, ["1"])
    fresh_redis.run("REPLICAOF", "127.0.0.1", 1)
    fresh_redis.run("REPLICAOF", "NO", "ONE")
    busy = await cluster(1, redis=fresh_redis, **NO_LIMITS)
    ben = await connect(busy[0], "ben", room)
    acks = await asyncio.gather(ben.say(room, "2"), ann.say(room, "3"), ann.say(room, "4"))
    assert {ack["type"] for ack in acks} <= {"ack", "error"}
    last = await insist(ann, room, "last")
    for client in (ann, ben):
        await heard(client, room, "last")
    assert last["epoch"] != first["epoch"]
    assert not of_type(ann, "gap")

"""TLS to one Redis, to a master behind Sentinels and to a Cluster, all of it encrypted."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.integration.conftest import Connect
from tests.integration.talk import contents, heard, insist, of_type, said
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.command import chat
from tests.support.redis_cluster import RedisCluster
from tests.support.redis_server import RedisServer
from tests.support.redis_tls import RedisTls
from tests.support.sentinels import Sentinels

pytestmark = pytest.mark.slow

StartCluster = Callable[..., Awaitable[Cluster]]


@pytest.fixture
def tls(tmp_path: Path) -> RedisTls:
    """What the servers of a test show, and who has signed it."""
    return RedisTls(tmp_path).make()


async def refuses_others(url: str, tls: RedisTls, folder: Path) -> None:
    """Ask for the list of workers: with the right authority, with another, with the system's."""
    assert (await chat("nodes", redis_url=tls.trusting(url))).code == 0
    (folder / "other").mkdir()
    other = RedisTls(folder / "other").make()
    for wrong in (other.trusting(url), url):
        assert (await chat("nodes", redis_url=wrong, redis_connect_timeout=1.0)).code == 1


async def test_one_server_carries_everything_and_another_authority_is_refused(
    cluster: StartCluster, connect: Connect, room: str, tls: RedisTls, tmp_path: Path
) -> None:
    redis = RedisServer(tls=True)
    redis.configure(**tls.server())
    with redis:
        url = f"rediss://127.0.0.1:{redis.port}/0"
        workers = await cluster(2, redis=tls.trusting(url), **NO_LIMITS)
        ann = await connect(workers[0], "ann", room)
        ben = await connect(workers[1], "ben", room)
        await said(ann, room, ["x" * 5000, "2"])
        await heard(ben, room, "2")
        await refuses_others(url, tls, tmp_path)


async def test_sentinels_and_their_servers_are_followed_through_a_failover(
    cluster: StartCluster, connect: Connect, room: str, tls: RedisTls, tmp_path: Path
) -> None:
    with Sentinels(tls=tls) as sentinels:
        workers = await cluster(2, redis=tls.trusting(sentinels.url), **NO_LIMITS)
        ann = await connect(workers[0], "ann", room)
        ben = await connect(workers[1], "ben", room)
        await said(ann, room, ["x" * 5000, "2"])
        await heard(ben, room, "2")
        await asyncio.to_thread(sentinels.wait_replicated)
        sentinels.master.kill()
        await insist(ann, room, "3")
        for client in (ann, ben):
            await heard(client, room, "3")
            assert contents(client.messages(room)) == ["x" * 5000, "2", "3"]
            assert not of_type(client, "gap")
        await refuses_others(sentinels.url, tls, tmp_path)


async def test_every_shard_of_a_cluster_is_reached_and_slots_move(
    cluster: StartCluster, connect: Connect, tls: RedisTls, tmp_path: Path
) -> None:
    with RedisCluster(replicas=0, tls=tls) as shards:
        workers = await cluster(2, redis=tls.trusting(shards.url), **NO_LIMITS)
        source, target, third = shards.masters()
        rooms = [shards.early_room(master, among=20) for master in (source, target, third)]
        ann = await connect(workers[0], "ann")
        ben = await connect(workers[1], "ben")
        for room in rooms:
            for client in (ann, ben):
                await client.join(room)
            await said(ann, room, ["x" * 5000, "2"])
            await heard(ben, room, "2")
        moving = rooms[0]
        await asyncio.to_thread(shards.reshard, source, target, 20)
        assert shards.master_of(moving) is target
        await said(ann, moving, ["3"])
        await heard(ben, moving, "3")
        assert contents(ben.messages(moving)) == ["x" * 5000, "2", "3"]
        await refuses_others(shards.url, tls, tmp_path)

"""Files of rooms of every shard are uploaded, attached, and removed with their messages."""

from pathlib import Path
from typing import Any

import pytest

from chat.broker.keys import Keys
from tests.api.site import Api, settings_of
from tests.support.client import ChatClient
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.redis_cluster import RedisCluster, rooms_of_every_shard
from tests.support.tokens import token
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.chaos]


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_files_of_every_shard_come_and_go(
    redis_cluster: RedisCluster, redis_prefix: str, tmp_path: Path
) -> None:
    limits: dict[str, Any] = NO_LIMITS
    settings = settings_of(redis_cluster.masters()[0], redis_prefix, **limits)
    settings |= {"redis_url": redis_cluster.url, "upload_store": str(tmp_path)}
    api, later = Api(settings), Api(settings)
    cluster = Cluster(redis_cluster.url, 1, redis_prefix=redis_prefix, **limits)
    try:
        async with cluster, await ChatClient.connect(cluster.urls[0], token("ann")) as ann:
            await api.start()
            for room in rooms_of_every_shard(redis_cluster, each=1):
                await ann.join(room)
                path = f"/api/v1/rooms/{room}/files?name=a.txt"
                file = (await api.send(path, b"words", token("ann"))).body
                said: dict[str, Any] = {"roomId": room, "content": "", "attachments": [file["id"]]}
                ack = await ann.command("chat_message", **said)
                assert ack["type"] == "ack"
                assert files_in(tmp_path)
                gone = {"roomId": room, "seq": ack["seq"], "messageId": ack["messageId"]}
                assert (await ann.command("delete_message", **gone))["type"] == "ack"
        keys = Keys(redis_prefix, sharded=True)
        for group in range(keys.groups):
            node = redis_cluster.master_of(keys.lease_tag(group))
            node.run("DEL", keys.files_sweep(group))
        await later.start()
        await until(lambda: not files_in(tmp_path), 40, what="all files removed")
    finally:
        await api.close()
        await later.close()

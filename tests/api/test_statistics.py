"""The cluster in figures, for back ends."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.api.statistics import totals
from chat.broker.registry import Node
from tests.api.conftest import Site, StartApi
from tests.api.keys import Keys
from tests.support.client import ChatClient
from tests.support.redis_server import RedisServer
from tests.support.tokens import token
from tests.support.waiting import until

PATH = "/api/v1/statistics"
NODES = st.lists(
    st.builds(
        Node,
        worker_id=st.uuids().map(str),
        host=st.sampled_from(["a", "b"]),
        address=st.just("127.0.0.1:1"),
        slot=st.integers(0, 3),
        pid=st.just(1),
        version=st.sampled_from(["1", "2"]),
        started_at_ms=st.just(0),
        state=st.sampled_from(["ready", "draining"]),
        connections=st.integers(0, 10),
        rooms=st.integers(0, 10),
    ),
    max_size=5,
)


@given(NODES)
def test_totals_are_sums(nodes: list[Node]) -> None:
    found = totals(nodes)
    assert found.workers == len(nodes) >= found.workersReady
    assert found.connections == sum(node.connections for node in nodes)
    assert found.rooms == sum(node.rooms for node in nodes)
    assert found.hosts <= 2 >= len(found.versions)


@pytest.mark.slow
async def test_connections_and_rooms_of_workers_are_counted(site: Site, room: str) -> None:
    clients = [await ChatClient.connect(site.worker.url, token(user)) for user in ("ann", "ben")]
    await clients[0].join(room)

    async def counted() -> Any:
        body = (await site.api.read(PATH, site.keys.all)).body
        return body if body["connections"] >= 2 and body["rooms"] >= 1 else None

    body = await until(counted, interval_s=0.2)
    assert (body["hosts"], body["workers"], body["workersReady"]) == (1, 1, 1)
    assert len(body["versions"]) == 1
    for client in clients:
        await client.close()


async def test_a_user_is_not_told(site: Site) -> None:
    answer = await site.api.ask(PATH)
    assert (answer.status, answer.code) == (403, "forbidden")
    assert (await site.api.ask(PATH, None)).code == "not_authenticated"


async def test_a_cluster_without_workers_has_none(start_api: StartApi, keys: Keys) -> None:
    api = await start_api(api_keys_file=str(keys.path))
    body = (await api.read(PATH, keys.all)).body
    assert body == {
        "hosts": 0,
        "workers": 0,
        "workersReady": 0,
        "connections": 0,
        "rooms": 0,
        "versions": [],
    }


async def test_without_redis_it_is_unavailable(
    start_api: StartApi, keys: Keys, fresh_redis: RedisServer
) -> None:
    api = await start_api(fresh_redis, api_keys_file=str(keys.path))
    fresh_redis.stop()
    assert (await api.read(PATH, keys.all)).code == "unavailable"

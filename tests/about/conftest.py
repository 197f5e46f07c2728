"""Two workers for tests on what is set of rooms, and who may set it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.conftest import Connect, connect
from tests.support.client import ChatClient, Event
from tests.support.cluster import Cluster, shared
from tests.support.redis_server import RedisServer
from tests.support.worker import Worker

__all__ = ["Connect", "change", "connect", "moderator"]

PREFIX = "about-rooms"
MODERATOR = {"*": ("join", "publish", "edit", "react", "moderate")}


@pytest.fixture(scope="module")
def pair(redis_server: RedisServer) -> Iterator[Cluster]:
    with shared(
        redis_server,
        2,
        redis_prefix=PREFIX,
        member_count_interval=0.2,
        history_size=50,
        head_check_interval=0.5,
        slow_mode="news-*=60",
        read_receipts="true",
        typing_throttle=0.1,
    ) as made:
        yield made


async def moderator(connect: Connect, worker: Worker, room: str = "") -> ChatClient:
    return await connect(worker, "mod", room, rooms=MODERATOR)


async def change(client: ChatClient, room: str, **fields: Any) -> Event:
    """Set something of a room, and be sure that it is set."""
    answer = await client.command("change_room", roomId=room, **fields)
    assert answer["type"] == "ack", answer
    assert answer["roomId"] == room
    return answer

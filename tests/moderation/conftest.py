"""Moderators, and workers to moderate on."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.integration.conftest import connect, pair
from tests.support.client import ChatClient, Event
from tests.support.cluster import Cluster
from tests.support.worker import Worker

__all__ = ["Connect", "StartCluster", "act", "connect", "moderator", "pair"]

Connect = Callable[..., Awaitable[ChatClient]]
StartCluster = Callable[..., Awaitable[Cluster]]
MODERATOR = {"*": ("join", "publish", "moderate")}


async def moderator(
    connect: Connect, worker: Worker, user: str = "mod", room: str = ""
) -> ChatClient:
    """Connect somebody who may moderate everywhere."""
    return await connect(worker, user, room, rooms=MODERATOR)


async def act(client: ChatClient, kind: str, room: str, user: str, **fields: Any) -> Event:
    """Moderate, and be sure that it was done."""
    answer = await client.command(kind, roomId=room, userId=user, **fields)
    assert answer["type"] == "ack", answer
    assert answer["roomId"] == room
    return answer

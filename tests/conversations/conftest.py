"""Workers to talk in private on, and what every test of that asks for."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.integration.conftest import connect, pair
from tests.support.client import ChatClient, Event
from tests.support.worker import Worker

__all__ = ["Connect", "connect", "done", "pair", "person", "private_room"]

Connect = Callable[..., Awaitable[ChatClient]]
#: What the tokens of these tests allow everywhere: no more than `chat token` gives.
PERSON = {"*": ("join", "publish", "edit", "delete", "react", "create")}


@pytest.fixture
def tag() -> str:
    """What makes the users of a test its own: rooms and inboxes outlive it."""
    return uuid.uuid4().hex[:8]


async def person(connect: Connect, worker: Worker, user: str, room: str = "") -> ChatClient:
    """Connect somebody who may create rooms."""
    return await connect(worker, user, room, rooms=PERSON)


async def done(client: ChatClient, kind: str, **fields: Any) -> Event:
    """Send a command that has to succeed."""
    answer = await client.command(kind, **fields)
    assert answer["type"] != "error", answer
    return answer


async def private_room(owner: ChatClient, *members: ChatClient) -> str:
    """Make a private room in which these take part; return its id."""
    users = [member.connected["userId"] for member in members]
    room: str = (await done(owner, "create_room", userIds=users))["roomId"]
    for member in members:
        await done(member, "answer_invitation", roomId=room, accept=True)
    return room

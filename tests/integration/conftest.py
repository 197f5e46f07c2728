"""A pair of plain workers for the many tests that do them no harm, and clients that get closed."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.support.client import ChatClient
from tests.support.cluster import Cluster, shared
from tests.support.redis_server import RedisServer
from tests.support.tokens import token
from tests.support.worker import Worker

Connect = Callable[..., Awaitable[ChatClient]]


@pytest.fixture(scope="module")
def pair(redis_server: RedisServer) -> Iterator[Cluster]:
    """Two workers shared by the tests of a module; each test takes rooms and users of its own."""
    with shared(redis_server, 2, typing_throttle=0.5, typing_ttl=1.0) as made:
        yield made


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Connect users to workers; what is open when the test ends is closed.

    `await connect(worker, "ann", room)`: the room may be left out, options are the token's.
    """
    async with AsyncExitStack() as stack:

        async def to(worker: Worker, user: str, room: str = "", /, **claims: Any) -> ChatClient:
            client = await ChatClient.connect(worker.url, token(user, **claims))
            await stack.enter_async_context(client)
            if room:
                answer = await client.join(room)
                assert answer["type"] == "room_joined", answer
            return client

        yield to

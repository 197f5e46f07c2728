"""Workers for the tests that do them no harm, and clients that are closed with the test."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack

import pytest

from chat.client import Client, Options
from chat.client.tokens import TokenSource
from tests.support.cluster import Cluster, shared
from tests.support.redis_server import RedisServer
from tests.support.tokens import token

Open = Callable[..., Awaitable[Client]]


@pytest.fixture(scope="module")
def pair(redis_server: RedisServer) -> Iterator[Cluster]:
    """Two workers shared by the tests of a module; each test takes rooms and users of its own."""
    with shared(redis_server, 2) as made:
        yield made


@pytest.fixture
async def open_client() -> AsyncIterator[Open]:
    """Open clients of users: `await open_client(url, "ann", max_buffered=10)`; options follow."""
    async with AsyncExitStack() as stack:

        async def opened(
            url: str | Sequence[str],
            user: str,
            token_source: TokenSource | None = None,
            **options: object,
        ) -> Client:
            patience = {"backoff_base_s": 0.1, "backoff_max_s": 1.0, "proxy": None, **options}
            source = token_source or (lambda: token(user))
            client = Client(url, source, options=Options(**patience))  # type: ignore[arg-type]
            return await stack.enter_async_context(client)

        yield opened

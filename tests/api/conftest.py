"""An HTTP side next to a worker, shared by a module; and others for tests of their own."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.api.keys import Keys
from tests.api.site import Api, settings_of
from tests.support.client import ChatClient
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.redis_server import RedisServer
from tests.support.tokens import token
from tests.support.worker import Worker

StartApi = Callable[..., Awaitable[Api]]


@dataclass
class Site:
    """A worker and an HTTP side over one Redis, and keys for back ends."""

    api: Api
    worker: Worker
    redis: RedisServer
    prefix: str
    keys: Keys


@pytest.fixture(scope="module")
def site(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    prefix = f"t{uuid.uuid4().hex[:12]}"
    settings: dict[str, Any] = {"presence_grace": 0.2, **NO_LIMITS}
    cluster = Cluster(redis_server, 1, redis_prefix=prefix, **settings)
    keys = Keys(tmp_path_factory.mktemp("keys") / "api-keys")
    files = str(tmp_path_factory.mktemp("files"))
    with_keys = {"api_keys_file": str(keys.path), "upload_store": files, **NO_LIMITS}
    api = Api(settings_of(redis_server, prefix, **with_keys))
    with asyncio.Runner() as runner:
        runner.run(cluster.__aenter__())
        try:
            runner.run(api.start())
            yield Site(api, cluster[0], redis_server, prefix, keys)
        finally:
            runner.run(api.close())
            runner.run(cluster.close())


@pytest.fixture
async def start_api(redis_server: RedisServer, redis_prefix: str) -> AsyncIterator[StartApi]:
    """Start HTTP sides that end with the test: `await start_api(api_drain_delay=1.0, …)`."""
    async with AsyncExitStack() as stack:

        async def start(redis: RedisServer | None = None, **settings: Any) -> Api:
            api = Api(settings_of(redis or redis_server, redis_prefix, **settings))
            stack.push_async_callback(api.close)
            return await api.start()

        yield start


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """A file of keys that is this test's own."""
    return Keys(tmp_path / "api-keys")


@pytest.fixture
async def enter(site: Site, room: str) -> AsyncIterator[Callable[..., Awaitable[ChatClient]]]:
    """Let users into the room over WebSockets: `await enter("ann", user={"name": "Ann"})`."""
    async with AsyncExitStack() as stack:

        async def enter(user: str, /, **claims: Any) -> ChatClient:
            client = await ChatClient.connect(site.worker.url, token(user, **claims))
            await stack.enter_async_context(client)
            assert (await client.join(room))["type"] == "room_joined"
            return client

        yield enter

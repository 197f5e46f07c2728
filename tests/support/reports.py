"""Reports of messages, kept and looked at without a worker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from chat.broker.reports import Reports
from chat.broker.store import Store
from chat.ops.stats import Stats
from chat.settings import Settings
from tests.support.redis_server import RedisServer
from tests.support.waiting import until


@asynccontextmanager
async def kept(redis: RedisServer, prefix: str, **settings: Any) -> AsyncIterator[Reports]:
    """Reports with settings of their own."""
    own = Settings(redis_url=redis.url, redis_prefix=prefix, **settings)
    store = Store(own, Stats(), "reports", on_up=lambda _shard, _changed: None)
    running = asyncio.create_task(store.run())
    try:
        await until(lambda: store.is_up)
        yield Reports(store)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

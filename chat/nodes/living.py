"""The workers that live, as a command asks for them that is none itself."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from chat.broker.link import LinkError
from chat.broker.registry import Node, Registry
from chat.broker.store import Store
from chat.ops.stats import Stats
from chat.settings import Settings


class NodesError(Exception):
    """The list cannot be given; the text says why."""


@contextlib.asynccontextmanager
async def open_registry(settings: Settings) -> AsyncIterator[Registry]:
    """Keep a connection to Redis while the context lasts.

    Raises:
        NodesError: Redis cannot be reached.
    """
    # Attempts that fail are said once, at the end of the patience.
    logging.getLogger("chat").addHandler(logging.NullHandler())
    shard_up = asyncio.Event()
    store = Store(settings, Stats(), "chat-nodes", on_up=lambda _shard, _changed: shard_up.set())
    registry = Registry(store)
    running = asyncio.create_task(store.run(), name="store")
    try:
        try:
            async with asyncio.timeout(settings.redis_connect_timeout):
                while not registry.is_up:  # of a Cluster, another shard may come first
                    shard_up.clear()
                    await shard_up.wait()
        except TimeoutError:
            raise _away(settings) from None
        yield registry
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def living(registry: Registry, settings: Settings) -> list[Node]:
    """Return the workers that live.

    Raises:
        NodesError: Redis does not answer in time.
    """
    try:
        async with asyncio.timeout(settings.redis_timeout):
            return await registry.living()
    except (LinkError, TimeoutError):
        raise _away(settings) from None


def _away(settings: Settings) -> NodesError:
    return NodesError(
        f"Redis cannot be reached within {settings.redis_connect_timeout:g} s; "
        "CHAT_REDIS_URL says where it is."
    )

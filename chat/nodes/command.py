"""What `chat nodes` does: asks Redis, once or again and again, and says what it heard."""

import argparse
import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable

from msgspec import json

from chat.broker.link import LinkError
from chat.broker.registry import Node, Registry
from chat.broker.store import Store
from chat.nodes.haproxy import page, replace, servers
from chat.nodes.table import table
from chat.ops.stats import Stats
from chat.settings import Settings

WATCH_INTERVAL_S = 2.0
_CLEAR_SCREEN = "\033[H\033[2J"
Say = Callable[[str], object]


class NodesError(Exception):
    """The list cannot be given; the text says why."""


async def show(options: argparse.Namespace, settings: Settings, say: Say) -> None:
    """Run the command.

    Raises:
        NodesError: Redis cannot be reached, or there is nothing to write.
    """
    if (options.section or options.output) and not options.haproxy:
        raise NodesError("--section and --output go with --haproxy.")
    async with _registry(settings) as registry:
        if options.watch:
            await _watch(registry, settings, say)
        nodes = await _living(registry, settings)
    if options.haproxy:
        _haproxy(options, nodes, say)
    elif options.json:
        say(json.format(json.encode(nodes), indent=2).decode())
    else:
        say(table(nodes, _now_ms()))


@contextlib.asynccontextmanager
async def _registry(settings: Settings) -> AsyncIterator[Registry]:
    """Keep a connection to Redis while the context lasts."""
    # Attempts that fail are said once, at the end of the patience.
    logging.getLogger("chat").addHandler(logging.NullHandler())
    is_up = asyncio.Event()
    store = Store(settings, Stats(), "chat-nodes", on_up=lambda _shard, _changed: is_up.set())
    running = asyncio.create_task(store.run(), name="store")
    try:
        try:
            async with asyncio.timeout(settings.redis_connect_timeout):
                await is_up.wait()
        except TimeoutError:
            raise _away(settings) from None
        yield Registry(store)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _living(registry: Registry, settings: Settings) -> list[Node]:
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


async def _watch(registry: Registry, settings: Settings, say: Say) -> None:
    """Show the table again and again, until interrupted; Redis may go and come back."""
    while True:
        try:
            shown = table(await _living(registry, settings), _now_ms())
        except NodesError as exc:
            shown = str(exc)
        say(f"{_CLEAR_SCREEN}{time.strftime('%H:%M:%S')}\n\n{shown}")
        await asyncio.sleep(WATCH_INTERVAL_S)


def _haproxy(options: argparse.Namespace, nodes: list[Node], say: Say) -> None:
    found = servers(nodes, socket.gethostname())
    if not found:  # a Redis that has just lost its data must not take all servers away
        raise NodesError("No worker that a balancer here could reach is registered.")
    text = page(found, options.section)
    if options.output is None:
        say(text.rstrip("\n"))
        return
    try:
        say("changed" if replace(options.output, text) else "unchanged")
    except OSError as exc:
        raise NodesError(f"{options.output} cannot be written: {exc.strerror}.") from exc


def _now_ms() -> int:
    return int(time.time() * 1000)

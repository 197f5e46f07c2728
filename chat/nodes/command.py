"""What `chat nodes` does: asks Redis, once or again and again, and says what it heard."""

import argparse
import asyncio
import time
from collections.abc import Callable

from msgspec import json

from chat.broker.registry import Registry
from chat.nodes.living import NodesError, living, open_registry
from chat.nodes.table import table
from chat.settings import Settings

WATCH_INTERVAL_S = 2.0
_CLEAR_SCREEN = "\033[H\033[2J"
Say = Callable[[str], object]


async def show(options: argparse.Namespace, settings: Settings, say: Say) -> None:
    """Run the command.

    Raises:
        NodesError: Redis cannot be reached.
    """
    async with open_registry(settings) as registry:
        if options.watch:
            await _watch(registry, settings, say)
        nodes = await living(registry, settings)
    if options.json:
        say(json.format(json.encode(nodes), indent=2).decode())
    else:
        say(table(nodes, _now_ms()))


async def _watch(registry: Registry, settings: Settings, say: Say) -> None:
    """Show the table again and again, until interrupted; Redis may go and come back."""
    while True:
        try:
            shown = table(await living(registry, settings), _now_ms())
        except NodesError as exc:
            shown = str(exc)
        say(f"{_CLEAR_SCREEN}{time.strftime('%H:%M:%S')}\n\n{shown}")
        await asyncio.sleep(WATCH_INTERVAL_S)


def _now_ms() -> int:
    return int(time.time() * 1000)

"""The entry of a process of `chat hooks`: uvloop, signals, the operations port."""

import asyncio
import signal
import socket
from collections.abc import Sequence

import uvloop

from chat.ops import logs
from chat.ops.server import OpsServer
from chat.ops.signals import drain_on
from chat.settings import Settings
from chat.webhooks.dispatcher import Dispatcher
from chat.webhooks.endpoints import Endpoint
from chat.webhooks.metrics import HookMetrics


def run_hooks(
    settings: Settings, endpoints: Sequence[Endpoint], *, ops_socket: socket.socket
) -> int:
    """Deliver until told to leave; return the exit code."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(settings, endpoints, ops_socket))


async def _run(settings: Settings, endpoints: Sequence[Endpoint], ops_socket: socket.socket) -> int:
    dispatcher = Dispatcher(settings, endpoints)
    logs.setup(settings, dispatcher.process_id)
    ops = OpsServer(readiness=dispatcher.readiness, metrics=HookMetrics(dispatcher).render)
    await ops.start(ops_socket)
    try:
        with drain_on((signal.SIGTERM, signal.SIGINT), dispatcher.begin_drain):
            await dispatcher.run()
    finally:
        await ops.stop()
    return 0

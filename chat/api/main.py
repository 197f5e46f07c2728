"""The entry of a process of the HTTP side: uvloop, signals, the operations port."""

import asyncio
import signal
import socket

import uvloop

from chat.api.http_side import HttpSide
from chat.ops import logs
from chat.ops.server import OpsServer
from chat.ops.signals import drain_on
from chat.settings import Settings


def run_api(settings: Settings, *, listen_socket: socket.socket, ops_socket: socket.socket) -> int:
    """Run the HTTP side until it is told to leave; return the exit code."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(settings, listen_socket, ops_socket))


async def _run(settings: Settings, listen_socket: socket.socket, ops_socket: socket.socket) -> int:
    side = HttpSide(settings)
    logs.setup(settings, side.api_id)
    ops = OpsServer(readiness=side.readiness, metrics=side.metrics.render)
    await ops.start(ops_socket)
    try:
        with drain_on((signal.SIGTERM, signal.SIGINT), side.begin_drain):
            await side.run(listen_socket)
    finally:
        await ops.stop()
    return 0

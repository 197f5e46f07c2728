"""The entry of a worker process: uvloop, signals, and who hears its reports."""

import asyncio
import signal
import socket
from collections.abc import Sequence

import uvloop

from chat.ops import logs
from chat.ops.metrics import Metrics
from chat.ops.reports import Report, worker_entry
from chat.ops.server import OpsServer, Readiness
from chat.ops.signals import drain_on
from chat.settings import Settings
from chat.supervisor.control import ControlChannel
from chat.worker.worker import Worker


def run_worker(
    settings: Settings,
    *,
    listen_sockets: Sequence[socket.socket],
    ops_socket: socket.socket | None,
    control: ControlChannel | None,
    slot: int,
) -> int:
    """Run a worker until it is told to leave; return the exit code.

    Under a supervisor reports go up the control channel; a worker on its own serves its own
    operations port.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if control is not None:
            return runner.run(_supervised(settings, listen_sockets, control, slot))
        return runner.run(_alone(settings, listen_sockets, ops_socket, slot))


async def _supervised(
    settings: Settings,
    listen_sockets: Sequence[socket.socket],
    control: ControlChannel,
    slot: int,
) -> int:
    def report(latest: Report) -> None:
        worker.stats.reports_dropped += not control.send(latest)

    worker = Worker(settings, report, slot)
    logs.setup(settings, worker.worker_id)
    control.start(on_eof=worker.begin_drain)  # a supervisor that died takes its workers along
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's to pass on
    try:
        with drain_on((signal.SIGTERM,), worker.begin_drain):
            await worker.run(listen_sockets)
    finally:
        control.close()
    return 0


async def _alone(
    settings: Settings,
    listen_sockets: Sequence[socket.socket],
    ops_socket: socket.socket | None,
    slot: int,
) -> int:
    metrics = Metrics()
    worker = Worker(settings, metrics.update, slot)
    logs.setup(settings, worker.worker_id)

    def readiness() -> Readiness:
        latest = worker.report()
        ready = latest.state == "ready"
        entry = worker_entry(slot, latest.pid, latest.state, ready=ready, report=latest)
        return Readiness(ready=ready, reasons=latest.reasons, workers=[entry])

    def render() -> tuple[str, bytes]:
        metrics.update(worker.report())
        return metrics.render()

    ops = OpsServer(readiness=readiness, metrics=render)
    if ops_socket is not None:
        await ops.start(ops_socket)
    try:
        with drain_on((signal.SIGTERM, signal.SIGINT), worker.begin_drain):
            await worker.run(listen_sockets)
    finally:
        await ops.stop()
    return 0

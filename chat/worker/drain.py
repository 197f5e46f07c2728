"""Leaving without anyone losing anything: clients go in batches, spread over the drain time.

Each batch is first no longer read, then all its acknowledgements are waited for, then it is told
`drain` with a jittered time to come back and closed with 1012. A deploy that closed all clients
at once would be a stampede on the other workers.
"""

import asyncio
import logging
import random

from chat.broker.broker import Broker
from chat.broker.changes import Changes
from chat.broker.link import LinkError
from chat.gateway.connection import Connection
from chat.gateway.gateway import Gateway
from chat.protocol.errors import CloseCode
from chat.protocol.events import Drain, encode_event
from chat.protocol.frames import text_frame
from chat.settings import Settings
from chat.worker.asking import Asking

log = logging.getLogger(__name__)

#: Fewer clients than this per batch are not worth spreading.
BATCH_MIN = 50
#: Part of the drain time in which batches are closed; the rest is for the closing handshakes.
CLOSING_SHARE = 0.8
RECONNECT_SPREAD_MS = 2000


def plan_batches(connections: int, settings: Settings) -> tuple[int, int]:
    """Return (clients per batch, number of batches) for a drain."""
    if connections == 0:
        return BATCH_MIN, 0
    most = max(1, int(settings.drain_timeout * CLOSING_SHARE / settings.drain_batch_interval))
    size = max(BATCH_MIN, -(-connections // most))
    return size, -(-connections // size)


async def drain(
    gateway: Gateway, broker: Broker, changes: Changes, asking: Asking, settings: Settings
) -> None:
    """Close every connection; cut what is left at the deadline."""
    deadline_s = asyncio.get_running_loop().time() + settings.drain_timeout
    gateway.stop_accepting()
    leaving = list(gateway.connections)
    random.shuffle(leaving)
    size, batches = plan_batches(len(leaving), settings)
    log.info("drain_began", extra={"connections": len(leaving), "batches": batches})
    for number in range(batches):
        batch = leaving[number * size : (number + 1) * size]
        left_s = deadline_s - settings.close_timeout - asyncio.get_running_loop().time()
        # A turn with the hook, and then its answer: each takes at most its timeout.
        patience_s = min(2 * settings.publish_hook_timeout, left_s / (batches - number))
        await _close_batch(batch, broker, changes, asking, settings, patience_s)
        is_late = asyncio.get_running_loop().time() > deadline_s - settings.close_timeout
        if number + 1 < batches and not is_late:
            await asyncio.sleep(settings.drain_batch_interval)
    await gateway.wait_empty(max(0.0, deadline_s - asyncio.get_running_loop().time()))
    log.info("drain_ended", extra={"cut": len(gateway.connections)})
    await gateway.stop()


async def _close_batch(
    batch: list[Connection],
    broker: Broker,
    changes: Changes,
    asking: Asking,
    settings: Settings,
    patience_s: float,
) -> None:
    open_ones = [connection for connection in batch if connection.is_open]
    for connection in open_ones:
        connection.transport.pause_reading()
    await asking.barrier(max(0.0, patience_s))
    try:
        async with asyncio.timeout(settings.redis_timeout / 2):
            await changes.barrier()
            await broker.barrier()
    except (LinkError, TimeoutError) as exc:
        log.warning("drain_without_acks", extra={"error": str(exc)})
    for connection in open_ones:
        after_ms = random.randrange(RECONNECT_SPREAD_MS)  # noqa: S311 - jitter
        connection.send(text_frame(encode_event(Drain(closesInMs=0, reconnectAfterMs=after_ms))))
        connection.close(CloseCode.SERVICE_RESTART)

"""Asking the server until it answers or says no."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from chat.client.connection import Answer, Connection
from chat.client.errors import ConnectionLostError, RefusedError
from chat.client.outbox import MAX_INTERNAL
from chat.client.policy import may_retry, retry_pause_s

#: A wait that is longer is for the program to decide about, in milliseconds.
PATIENCE_MS = 60_000


async def ask(
    live: Callable[[], Awaitable[Connection]], command: Mapping[str, Any], *, again: bool
) -> Answer:
    """Send a command that is not queued and return its answer.

    Args:
        live: waits for the connection to send it on.
        command: without `id`.
        again: whether it may be sent twice: it changes nothing, or has a name of its own.

    Raises:
        RefusedError: the server refused it, for good or beyond patience.
        ConnectionLostError: the outcome is unknown; only unless `again`.
        ChatError: what `live` raises.
    """
    attempt = 0
    while True:
        connection = await live()
        try:
            return await connection.request(command)
        except ConnectionLostError:
            if not again:
                raise
        except RefusedError as exc:
            attempt += 1
            hopeless = exc.code == "internal" and attempt >= MAX_INTERNAL
            in_doubt = exc.uncertain and not again
            too_long = (exc.retry_after_ms or 0) > PATIENCE_MS
            waits = may_retry(exc.code, exc.retry_after_ms)
            if hopeless or in_doubt or too_long or not waits:
                raise
            chance = random.random()  # noqa: S311 - jitter, no secret
            await asyncio.sleep(retry_pause_s(exc.retry_after_ms, attempt - 1, chance))

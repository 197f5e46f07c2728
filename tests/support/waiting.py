"""Waiting on a condition with a deadline: what tests do instead of sleeping."""

import asyncio
import time
from collections.abc import Callable
from inspect import isawaitable
from typing import Any

#: Of what has to come: long, as a machine may stand still for seconds.
DEFAULT_TIMEOUT_S = 20.0


class DeadlineError(AssertionError):
    """A condition did not come true in time; the text says which."""


async def until(
    condition: Callable[[], Any],
    timeout_s: float = DEFAULT_TIMEOUT_S,
    *,
    what: str = "the condition",
    interval_s: float = 0.02,
) -> Any:
    """Return the first truthy value of `condition`, a function or coroutine function.

    Raises:
        DeadlineError: it stayed falsy for `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        found = condition()
        value = await found if isawaitable(found) else found
        if value:
            return value
        if time.monotonic() >= deadline:
            raise DeadlineError(f"waited {timeout_s} s for {what}, last seen: {value!r}")
        await asyncio.sleep(interval_s)

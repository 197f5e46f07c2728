"""The signals that tell a process to leave."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def drain_on(
    signals: tuple[signal.Signals, ...], begin_drain: Callable[[], None]
) -> Iterator[None]:
    """Let signals begin the drain while the context lasts."""
    loop = asyncio.get_running_loop()
    for number in signals:
        loop.add_signal_handler(number, begin_drain)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)

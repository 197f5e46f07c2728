"""Waking everyone who waits for a change."""

import asyncio


class Signal:
    """Fires again and again; who waits is woken by the next time only."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def fire(self) -> None:
        """Wake all who wait now."""
        fired, self._next = self._next, asyncio.Event()
        fired.set()

    async def wait(self) -> None:
        """Wait for the next time."""
        await self._next.wait()

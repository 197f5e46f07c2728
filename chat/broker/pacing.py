"""How long to wait before the next attempt: exponential, with full jitter, bounded."""

import asyncio
import random


class Pacing:
    """Pauses between attempts that fail.

    Args:
        first_s: upper bound of the first pause.
        most_s: upper bound of every pause.
    """

    def __init__(self, first_s: float = 0.05, most_s: float = 1.0) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._bound_s = first_s

    def reset(self) -> None:
        """An attempt succeeded."""
        self._bound_s = self._first_s

    async def wait(self) -> None:
        """Sleep for a random part of the present bound, at least a tenth, and double the bound."""
        await asyncio.sleep(self._bound_s * random.uniform(0.1, 1.0))  # noqa: S311 - jitter
        self._bound_s = min(self._most_s, self._bound_s * 2)

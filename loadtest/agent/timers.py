"""What is to be done later for few clients at a time: one heap, no timer per client."""

import heapq
from collections.abc import Callable
from itertools import count

from loadtest.agent.schedule import NEVER_NS

Action = Callable[[int], None]


class Timers:
    """Actions by the time at which they are due; an action is given the time at which it runs."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Action]] = []
        self._order = count()

    @property
    def next_ns(self) -> int:
        """When the next action is due."""
        return self._heap[0][0] if self._heap else NEVER_NS

    def at(self, due_ns: int, action: Action) -> None:
        """Run an action when it is due. There is no way to take it back: it looks for itself."""
        heapq.heappush(self._heap, (due_ns, next(self._order), action))

    def run(self, now_ns: int) -> None:
        """Run what is due."""
        while self._heap and self._heap[0][0] <= now_ns:
            heapq.heappop(self._heap)[2](now_ns)

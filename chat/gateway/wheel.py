"""A timer wheel: one timer for all connections of a worker.

A timer per connection costs 0.7 KB and a task 4.7 KB; a slot number costs nothing, because small
integers are shared. An item sits in at most one slot and is visited when the hand gets there.
"""

from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

SLOTS = 256  # small integers up to 256 are shared objects in CPython
OFF = -1


class Visitable(Protocol):
    """What the wheel carries; the wheel owns the field."""

    wheel_slot: int


T = TypeVar("T", bound=Visitable)


class Wheel(Generic[T]):
    """Reaches up to `SLOTS - 1` ticks ahead; who needs longer is visited early and asks again."""

    def __init__(self) -> None:
        self._slots: list[dict[T, None]] = [{} for _ in range(SLOTS)]  # smaller than sets
        self._hand = 0

    def place(self, item: T, ticks: int) -> None:
        """Visit `item` after `ticks` ticks, clamped to the wheel; replaces its earlier place.

        Cost: O(1).
        """
        self.remove(item)
        slot = (self._hand + max(1, min(ticks, SLOTS - 1))) % SLOTS
        self._slots[slot][item] = None
        item.wheel_slot = slot

    def remove(self, item: T) -> None:
        """Forget `item`; harmless if it is not on the wheel."""
        if item.wheel_slot != OFF:
            self._slots[item.wheel_slot].pop(item, None)
            item.wheel_slot = OFF

    def turn(self) -> Iterable[T]:
        """Move the hand by one tick and return the items due; they are off the wheel then."""
        self._hand = (self._hand + 1) % SLOTS
        due = self._slots[self._hand]
        if not due:
            return due
        self._slots[self._hand] = {}
        for item in due:
            item.wheel_slot = OFF
        return due

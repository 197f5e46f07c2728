"""The timer wheel against the simplest thing that could replace it: a dict of due ticks."""

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chat.gateway.wheel import OFF, SLOTS, Wheel


@dataclass(eq=False)
class Item:
    name: int
    wheel_slot: int = OFF


ITEMS = st.integers(0, 5)


class WheelAgainstDict(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.wheel: Wheel[Item] = Wheel()
        self.items = [Item(number) for number in range(6)]
        self.due: dict[int, int] = {}
        self.now = 0

    @rule(number=ITEMS, ticks=st.integers(-1, SLOTS * 3))
    def place(self, number: int, ticks: int) -> None:
        self.wheel.place(self.items[number], ticks)
        self.due[number] = self.now + max(1, min(ticks, SLOTS - 1))

    @rule(number=ITEMS)
    def remove(self, number: int) -> None:
        self.wheel.remove(self.items[number])
        self.due.pop(number, None)

    @rule(ticks=st.integers(1, SLOTS + 10))
    def turn(self, ticks: int) -> None:
        """Every item comes exactly when it is due, and no other does."""
        for _ in range(ticks):
            self.now += 1
            expected = {number for number, tick in self.due.items() if tick == self.now}
            assert {item.name for item in self.wheel.turn()} == expected
            for number in expected:
                del self.due[number]

    @rule(number=ITEMS, ticks=st.integers(1, SLOTS))
    def turn_and_place_again(self, number: int, ticks: int) -> None:
        """A visit may place any item, due ones too, while the due ones are walked through."""
        self.now += 1
        for item in self.wheel.turn():
            del self.due[item.name]
            self.place(item.name, ticks)
            self.place(number, ticks)

    @invariant()
    def whoever_is_off_has_no_slot(self) -> None:
        for item in self.items:
            assert (item.wheel_slot == OFF) == (item.name not in self.due)


WheelAgainstDict.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
test_an_item_is_visited_when_it_was_promised_and_never_lost = WheelAgainstDict.TestCase

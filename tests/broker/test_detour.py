"""A slot that moves, step by step in every order: nothing is overtaken, nothing is lost or doubled.

The servers here are models that do what Redis does to a slot, one command per step, so that
hypothesis decides what is under way when the slot turns; `tests/shards` has the real ones.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from chat.broker.detour import TRIES, Detour, Detours, HeldError
from chat.broker.link import LinkError
from chat.broker.shard import Route, Shard, TurnedAwayError
from chat.broker.slots import Redirection

SLOT = 7
Settle = Callable[[object], None]


class Server(Shard):
    """Takes commands in order, one per step; what it does with them depends on the slot."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.inbox: deque[tuple[int | None, Settle]] = deque()

    def __str__(self) -> str:
        return "a" if self is self.world.a else "b"

    async def ask(self, *_args: Any) -> Any:
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self.inbox.append((None, answer.set_result))
        return await answer

    def step(self) -> None:
        if not self.inbox:
            return
        number, settle = self.inbox.popleft()
        if number is None:
            settle("PONG")
        elif self.world.owner is self:
            self.world.stored.append(number)
            settle("ok")
        else:
            kind = "MOVED" if self.world.owner else "TRYAGAIN"
            settle(TurnedAwayError(self, Redirection(kind)))


class World:
    """Two servers, a slot that goes from one to the other, and one sender."""

    def __init__(self) -> None:
        self.a, self.b = Server(self), Server(self)
        self.owner: Server | None = self.a  # None: on its way
        self.known = self.a  # as the topology has it
        self.table: Route = self.a
        self.stored: list[int] = []
        self.outcomes: dict[int, object] = {}
        self.sent = 0
        self.detours = Detours(
            route=lambda _: self.known,
            place=self._place,
            remedy=self._remedy,
            patience_s=30.0,
            most_waiting=1000,
        )

    def _place(self, slot: int, route: Route) -> None:
        assert slot == SLOT
        self.table = route

    async def _remedy(self, _redirection: Redirection, _shard: Shard) -> None:
        await asyncio.sleep(0)
        if self.owner is self.b:
            self.known = self.b

    def send(self) -> None:
        self.sent += 1
        self._send(self.sent, self.table, TRIES)

    def _send(self, number: int, route: Route, tries: int) -> None:
        def again(route: Route, counts: bool) -> None:
            self._send(number, route, tries - counts)

        def failed(error: LinkError) -> None:
            settle_for_good(error)

        def settle_for_good(outcome: object) -> None:
            assert number not in self.outcomes
            self.outcomes[number] = outcome

        def settle(reply: object) -> None:
            if isinstance(reply, TurnedAwayError) and tries:
                self.detours.turn(SLOT, reply, again, failed)
            else:
                settle_for_good(reply)

        if isinstance(route, Detour):
            self.detours.turn(SLOT, HeldError("held"), again, failed)
        else:
            cast("Server", route).inbox.append((number, settle))

    def move(self) -> None:
        """Begin the move, or end it."""
        self.owner = None if self.owner is self.a else self.b

    async def finish(self) -> None:
        """Let everything happen that is still to happen."""
        self.owner = self.b
        while self.detours.held or self.a.inbox or self.b.inbox:
            self.a.step()
            self.b.step()
            await asyncio.sleep(0)


async def play(actions: list[str]) -> World:
    world = World()
    steps: dict[str, Callable[[], None]] = {
        "send": world.send,
        "a": world.a.step,
        "b": world.b.step,
        "move": world.move,
    }
    for action in actions:
        if action == "yield":
            await asyncio.sleep(0)
        else:
            steps[action]()
    await world.finish()
    return world


@given(st.lists(st.sampled_from(["send", "send", "a", "b", "yield", "yield", "move"]), max_size=60))
def test_commands_are_stored_once_and_in_order_wherever_the_slot_turns(actions: list[str]) -> None:
    world = asyncio.run(play(actions))
    assert world.stored == list(range(1, world.sent + 1))
    assert world.outcomes == dict.fromkeys(range(1, world.sent + 1), "ok")


def test_a_slot_that_stays_on_its_way_is_given_up_and_all_that_waits_is_refused() -> None:
    async def stuck() -> World:
        world = World()
        world.detours._patience_s = 0.0
        world.move()
        for _ in range(3):
            world.send()
        while len(world.outcomes) < 3:
            world.a.step()
            await asyncio.sleep(0)
        return world

    world = asyncio.run(stuck())
    assert not world.stored
    assert all(isinstance(outcome, LinkError) for outcome in world.outcomes.values())
    assert world.table is world.a

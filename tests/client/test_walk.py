"""A client's way through a room: every event once, in order, whatever connections do."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from chat.client.events import Position
from chat.client.walk import Step, Walk


class ServerAndClient(RuleBasedStateMachine):
    """A server that sends a room's events to a client that loses connections and falls behind.

    What is on its way may be cut anywhere, and a broken server may repeat or leave out events.
    """

    def __init__(self) -> None:
        super().__init__()
        self.head = 0
        self.walk = Walk()
        self.walk.joined(Position("e", 0), None)
        self.on_its_way: list[int] = []
        self.taken: list[int] = []

    @rule(count=st.integers(1, 5))
    def publish(self, count: int) -> None:
        self.on_its_way += range(self.head + 1, self.head + 1 + count)
        self.head += count

    @rule(count=st.integers(1, 10), space=st.booleans())
    def arrive(self, count: int, space: bool) -> None:
        for _ in range(min(count, len(self.on_its_way))):
            at = Position("e", self.on_its_way.pop(0))
            step = self.walk.step(at)
            if step is Step.NEXT and space:
                self.taken.append(at.seq)
                self.walk.advance(at)
            elif step in (Step.NEXT, Step.HOLE):
                self.walk.fall_behind()

    @rule()
    def repeat(self) -> None:
        self.on_its_way += self.on_its_way[-2:]

    @rule(at=st.integers(0, 20))
    def leave_out(self, at: int) -> None:
        del self.on_its_way[at : at + 1]

    @rule()
    def reconnect(self) -> None:
        self.walk.fall_behind()
        self.join_again()

    @rule()
    def join_again(self) -> None:
        since = self.walk.position
        assert since is not None
        self.walk.joined(Position("e", self.head), since)
        self.on_its_way = list(range(since.seq + 1, self.head + 1))

    @rule()
    def reconnect_without_space(self) -> None:
        self.walk.fall_behind()
        self.walk.joined(Position("e", self.head), None)
        self.on_its_way = []

    @invariant()
    def nothing_is_skipped_or_seen_twice(self) -> None:
        assert self.taken == list(range(1, len(self.taken) + 1))

    def teardown(self) -> None:
        self.join_again()
        self.arrive(self.head, space=True)
        assert len(self.taken) == self.head


def test_every_event_is_taken_once_and_in_order() -> None:
    run_state_machine_as_test(ServerAndClient, settings=settings(max_examples=200, deadline=None))


def at(epoch: str, seq: int) -> Walk:
    walk = Walk()
    walk.joined(Position(epoch, seq), None)
    return walk


@pytest.mark.parametrize(
    ("epoch", "seq", "step"),
    [
        ("e", 8, Step.NEXT),
        ("e", 7, Step.SEEN),
        ("e", 1, Step.SEEN),
        ("e", 9, Step.HOLE),
        ("f", 8, Step.NEXT),
        ("f", 7, Step.HOLE),
        ("f", 9, Step.HOLE),
    ],
)
def test_an_event_follows_by_seq_and_a_new_epoch_goes_on_where_the_old_one_was(
    epoch: str, seq: int, step: Step
) -> None:
    assert at("e", 7).step(Position(epoch, seq)) is step


def test_a_resumed_room_goes_on_from_the_position_and_not_from_the_answer() -> None:
    walk = Walk(Position("e", 3))
    assert walk.step(Position("e", 4)) is Step.SKIPPED, "not joined yet"
    walk.joined(Position("e", 9), Position("e", 3))
    assert walk.step(Position("e", 4)) is Step.NEXT


def test_an_answer_to_an_older_wish_is_not_taken_for_the_newest() -> None:
    walk = at("e", 3)
    walk.advance(Position("e", 4))
    walk.fall_behind()
    walk.joined(Position("e", 9), Position("e", 3))
    assert not walk.listening

"""What waits to be acknowledged: in order, bounded, sent again only where that is safe."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chat.client.errors import OutboxFullError, refusal
from chat.client.outbox import MAX_INTERNAL, SAFE_RETRY_S, Outbox, Outgoing
from tests.client.made import message


def outbox(count: int = 10, size: int = 10_000) -> Outbox:
    return Outbox(count, size)


def command(content: str = "x") -> dict[str, str]:
    return {"type": "chat_message", "content": content}


def sent(box: Outbox, now: float = 0.0) -> Outgoing:
    item = box.next("r", now)
    assert item is not None
    box.sent(item, now)
    return item


def test_one_command_of_a_room_is_on_its_way_at_a_time() -> None:
    box = outbox()
    first, second = box.add("r", command(), "1"), box.add("r", command(), "2")
    assert sent(box) is first
    assert box.next("r", 0.0) is None
    box.remove(first)
    assert sent(box) is second


def test_rooms_do_not_wait_for_each_other() -> None:
    box = outbox()
    box.add("r", command(), "1")
    other = box.add("q", command(), "2")
    sent(box)
    assert box.next("q", 0.0) is other


def test_too_many_or_too_large_is_refused_and_nothing_is_queued() -> None:
    box = outbox(count=1)
    box.add("r", command(), "1")
    with pytest.raises(OutboxFullError):
        box.add("r", command(), "2")
    assert box.count == 1
    with pytest.raises(OutboxFullError):
        outbox(size=100).add("r", command("x" * 100), "1")


def test_a_refusal_for_now_keeps_the_place_and_waits() -> None:
    box = outbox()
    item = box.add("r", command(), "1")
    box.add("r", command(), "2")
    sent(box)
    assert box.refused(item, refusal("rate_limited", "", retry_after_ms=500), 10.0, 0.0)
    assert box.next("r", 10.4) is None
    assert box.due_at("r") == 10.5
    assert box.next("r", 10.5) is item


def test_a_refusal_for_good_is_not_tried_again() -> None:
    box = outbox()
    item = box.add("r", command(), "1")
    sent(box)
    assert not box.refused(item, refusal("forbidden", ""), 0.0, 0.0)


def test_a_command_that_the_server_fails_on_does_not_block_the_others_for_ever() -> None:
    box = outbox()
    item = box.add("r", command(), "1")
    internal = refusal("internal", "")
    assert [box.refused(item, internal, 0.0, 0.0) for _ in range(MAX_INTERNAL)] == [
        *[True] * (MAX_INTERNAL - 1),
        False,
    ]


def test_after_the_connection_is_lost_the_same_command_is_first_again() -> None:
    box = outbox()
    item = box.add("r", command(), "1")
    sent(box)
    box.unanswered("r")
    assert box.next("r", 0.0) is item


def test_what_may_be_stored_and_forgotten_is_in_doubt() -> None:
    box = outbox()
    item = box.add("r", command(), "1")
    sent(box, 100.0)
    box.unanswered("r")
    sent(box, 200.0)
    box.unanswered("r")
    assert box.doubtful("r", 100.0 + SAFE_RETRY_S) == ()
    assert box.doubtful("r", 101.0 + SAFE_RETRY_S) == (item,)
    box.renew(item)
    assert box.doubtful("r", 101.0 + SAFE_RETRY_S) == ()


def test_what_was_refused_for_certain_is_never_in_doubt_however_long_it_waits() -> None:
    box = outbox()
    item = box.add("r", command(), "1")
    sent(box)
    box.refused(item, refusal("slow_mode", "", retry_after_ms=1), 0.0, 0.0)
    assert box.doubtful("r", 1e6) == ()


def test_an_uncertain_refusal_begins_the_doubt() -> None:
    box = outbox()
    item = box.add("r", command(), "1")
    sent(box, 5.0)
    box.refused(item, refusal("unavailable", "", uncertain=True), 6.0, 0.0)
    assert box.doubtful("r", 6.0 + SAFE_RETRY_S) == (item,)


def test_a_gap_hides_what_became_of_commands_on_their_way_and_of_no_others() -> None:
    box = outbox()
    item, other = box.add("r", command(), "1"), box.add("r", command(), "2")
    sent(box)
    box.lose_sight("r")
    assert (item.blind, other.blind) == (True, False)


def test_the_event_of_an_own_command_is_noted_and_does_not_acknowledge_it() -> None:
    box = outbox()
    item = box.add("r", command(), "name")
    event = message(7, client_message_id="name")
    box.echoed(event, "name")
    assert item.echo is event
    assert box.next("r", 0.0) is item


class Bounds(RuleBasedStateMachine):
    """Whatever is added and removed, the sums are right and the bounds hold."""

    def __init__(self) -> None:
        super().__init__()
        self.box = Outbox(5, 400)
        self.held: list[Outgoing] = []

    @rule(room=st.sampled_from("ab"), size=st.integers(0, 200))
    def add(self, room: str, size: int) -> None:
        try:
            self.held.append(self.box.add(room, command("x" * size), str(len(self.held))))
        except OutboxFullError:
            return

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        item = data.draw(st.sampled_from(self.held))
        self.held.remove(item)
        self.box.remove(item)
        self.box.remove(item)

    @invariant()
    def sums_are_right(self) -> None:
        assert self.box.count == len(self.held) <= 5
        assert self.box.bytes == sum(item.size for item in self.held) <= 400
        for room in "ab":
            assert list(self.box.of(room)) == [item for item in self.held if item.room_id == room]


def test_the_bounds_hold() -> None:
    run_state_machine_as_test(Bounds, settings=settings(max_examples=100, deadline=None))

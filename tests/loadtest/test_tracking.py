"""What is counted as lost, duplicated and out of order: no more and no less than happened."""

from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.agent.client import Client, Room
from loadtest.agent.tracking import HOLES_MAX, Head, Tracker, Verdict


def member(seq: int = 0) -> Client:
    client = Client(0, Room(0, "a-room"), slow=False)
    client.epoch, client.seq = "one", seq
    return client


def total(verdicts: list[Verdict]) -> Verdict:
    return Verdict(*map(sum, zip(*verdicts, strict=True))) if verdicts else Verdict()


@settings(deadline=None)
@given(st.integers(1, 50), st.data())
def test_each_message_left_out_is_lost_and_each_repeated_one_duplicated(
    last: int, data: st.DataObject
) -> None:
    left_out = data.draw(st.sets(st.integers(1, last)))
    repeated = data.draw(st.sets(st.integers(1, last)))
    tracker, position = Tracker(), member()
    verdicts = []
    for seq in range(1, last + 2):  # one more at the end, so that a hole before it shows
        if seq not in left_out:
            verdicts.append(tracker.message(position, "one", seq))
            if seq in repeated:
                verdicts.append(tracker.message(position, "one", seq))
    assert total(verdicts) == Verdict(lost=len(left_out), duplicated=len(repeated - left_out))


@settings(deadline=None)
@given(st.permutations(range(1, 12)))
def test_in_whichever_order_all_messages_come_none_is_lost(order: list[int]) -> None:
    tracker, position = Tracker(), member()
    found = total([tracker.message(position, "one", seq) for seq in order])
    late = sum(seq < max(order[:place], default=0) for place, seq in enumerate(order))
    assert found == Verdict(out_of_order=late)
    assert position.seq == 11


def test_a_trimmed_gap_explains_what_is_missing() -> None:
    tracker, position = Tracker(), member(4)
    assert tracker.gap(position, "trimmed", "one", 5, 9) == 0
    assert tracker.message(position, "one", 10) == Verdict()


def test_a_gap_explains_only_what_it_names() -> None:
    tracker, position = Tracker(), member(4)
    assert tracker.gap(position, "trimmed", "one", 7, 9) == 2
    assert tracker.message(position, "one", 5) == Verdict(lost=-1, out_of_order=1)


def test_after_a_reset_the_new_epoch_goes_on_from_where_it_says() -> None:
    tracker, position = Tracker(), member(40)
    assert tracker.gap(position, "reset", "two", 12, 12) == 0
    assert tracker.message(position, "two", 13) == Verdict()
    assert (position.epoch, position.seq) == ("two", 13)


def test_a_new_epoch_that_lost_nothing_simply_goes_on() -> None:
    tracker, position = Tracker(), member(4)
    assert tracker.message(position, "two", 5) == Verdict()
    assert tracker.message(position, "two", 7) == Verdict(lost=1)


def test_a_new_epoch_that_goes_back_without_a_word_is_noticed() -> None:
    tracker, position = Tracker(), member(4)
    assert tracker.message(position, "two", 3) == Verdict(out_of_order=1)


def test_a_join_starts_anew() -> None:
    tracker, position = Tracker(), member(4)
    tracker.message(position, "one", 8)
    tracker.joined(position, "one", 20)
    assert tracker.message(position, "one", 21) == Verdict()
    assert tracker.message(position, "one", 6) == Verdict(duplicated=1)


def test_holes_that_are_remembered_are_bounded_and_losses_are_not() -> None:
    tracker, position = Tracker(), member()
    assert tracker.message(position, "one", 10**9).lost == 10**9 - 1
    assert tracker.message(position, "one", HOLES_MAX) == Verdict(lost=-1, out_of_order=1)
    assert tracker.message(position, "one", HOLES_MAX + 1) == Verdict(duplicated=1)


def test_the_head_is_the_last_acknowledged_message() -> None:
    head = Head()
    for seq in (3, 9, 5):
        head.acknowledged("one", seq)
    assert head.acked == 9


def test_a_reset_takes_back_acknowledgements_once() -> None:
    head = Head()
    head.acknowledged("one", 9)
    head.gone("two", 4)
    head.acknowledged("two", 6)
    head.gone("two", 4)  # the next member is told too
    assert head.acked == 6

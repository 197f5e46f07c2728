"""A room's events folded into messages: everyone who was told the same sees the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.events import Amendment, ChatMessage, HistoryPage
from chat.client.fold import MAX_APART, Conversation, amended
from tests.client.made import deleted, edited, message, reacted, reset, trimmed, unreacted

Happening = ChatMessage | Amendment


def conversation(*events: Happening) -> Conversation:
    made = Conversation()
    for event in events:
        made.apply(event)
    return made


def page_of(events: list[Happening], head: int) -> HistoryPage:
    """What history answers when the room stands at `head`: the messages, folded by the server."""
    folded: dict[int, ChatMessage] = {}
    for event in events[:head]:
        if isinstance(event, ChatMessage):
            folded[event.seq] = event
        elif event.message_seq in folded:
            folded[event.message_seq] = amended(folded[event.message_seq], event)
    messages = [folded[seq] for seq in sorted(folded)]
    return HistoryPage(room_id="r", epoch="e", head_seq=head, messages=messages, more=False)


@st.composite
def rooms(draw: st.DrawFn) -> list[Happening]:
    """A room's events from its first on: messages, and what happens to earlier ones."""
    events: list[Happening] = [message(1)]
    for seq in range(2, draw(st.integers(2, 25))):
        messages = [event.seq for event in events if isinstance(event, ChatMessage)]
        about = draw(st.sampled_from(messages))
        reaction, by = draw(st.sampled_from("+-")), draw(st.sampled_from(["ann", "ben"]))
        possible: list[Happening] = [
            message(seq),
            edited(about, seq, f"edit {seq}"),
            edited(about, seq, None),
            reacted(about, seq, reaction, by),
            reacted(about, seq, reaction, by),
            unreacted(about, seq, reaction, by),
            deleted(about, seq, by),
        ]
        events.append(draw(st.sampled_from(possible)))
    return events


def test_an_edit_replaces_what_was_said() -> None:
    [shown] = conversation(message(1, "helo"), edited(1, 2, "hello"))
    assert (shown.content, shown.edited_at, shown.edited_seq, shown.version) == ("hello", 2, 2, 2)


def test_a_deleted_message_stays_as_an_empty_place() -> None:
    [shown] = conversation(
        message(1),
        reacted(1, 2, "+"),
        deleted(1, 3, by="mod"),
        edited(1, 4, "no"),
        reacted(1, 5, "+"),
    )
    assert (shown.deleted, shown.deleted_by, shown.content) == (True, "mod", "")
    assert shown.reactions is None


def test_reactions_are_counted_per_user_and_can_be_taken_back() -> None:
    made = conversation(
        message(1),
        reacted(1, 2, "+", "ann"),
        reacted(1, 3, "+", "ben"),
        reacted(1, 4, "+", "ann"),
        reacted(1, 5, "-", "ann"),
        unreacted(1, 6, "-", "ann"),
        unreacted(1, 7, "*", "ann"),
    )
    [shown] = made
    assert shown.reactions == {"+": ["ann", "ben"]}
    made.apply(unreacted(1, 8, "+", "ann"))
    made.apply(unreacted(1, 9, "+", "ben"))
    [shown] = made
    assert shown.reactions is None


def test_what_is_about_another_message_at_the_same_place_does_nothing() -> None:
    made = conversation(message(1, message_id="another"), edited(1, 2, "changed"))
    assert [shown.content for shown in made] == ["content 1"]


@given(rooms(), st.data())
def test_history_and_events_give_the_same_in_any_order(
    events: list[Happening], data: st.DataObject
) -> None:
    """Live events arrive in order; pages read at any moment arrive at any other."""
    truth = list(page_of(events, len(events)).messages)
    joined_at = data.draw(st.integers(0, len(events)), label="joined at")
    live = events[joined_at:]
    heads = data.draw(st.lists(st.integers(joined_at, len(events)), max_size=3), label="heads")
    pages: list[Happening | HistoryPage] = [page_of(events, head) for head in heads]
    pages.append(page_of(events, max([*heads, joined_at])))
    order: list[Happening | HistoryPage] = list(live)
    for page in pages:
        order.insert(data.draw(st.integers(0, len(order)), label="arrives at"), page)
    made = Conversation()
    for thing in order:
        if isinstance(thing, HistoryPage):
            made.add_page(thing)
        else:
            made.apply(thing)
    assert list(made) == truth


@given(rooms(), st.data())
def test_after_a_reset_only_what_holds_is_shown(
    events: list[Happening], data: st.DataObject
) -> None:
    last = data.draw(st.integers(0, len(events)), label="what is left")
    made = conversation(*events)
    made.apply(reset(last))
    assert list(made) == list(page_of(events, last).messages)


def test_a_message_read_from_a_history_that_was_lost_has_to_be_read_again() -> None:
    made = Conversation()
    made.add_page(page_of([message(1), message(2), edited(1, 3, "lost")], 3))
    made.apply(reset(2))
    assert [shown.seq for shown in made] == [2]
    made.add_page(page_of([message(1), message(2)], 2))
    assert [shown.content for shown in made] == ["content 1", "content 2"]


def test_a_gap_is_remembered() -> None:
    made = conversation(message(1))
    assert not made.apply(trimmed(2, 5))
    assert [gap.to_seq for gap in made.gaps] == [5]


def test_the_latest_messages_are_kept() -> None:
    made = Conversation(limit=3)
    for seq in (5, 6, 7, 4, 8):
        made.apply(message(seq))
    assert [shown.seq for shown in made] == [6, 7, 8]
    assert made.get(5) is None


def test_a_message_with_endless_changes_takes_bounded_space_and_shows_the_last() -> None:
    made = conversation(message(1))
    for seq in range(2, MAX_APART * 3):
        made.apply(edited(1, seq, f"edit {seq}"))
    assert [shown.version for shown in made] == [MAX_APART * 3 - 1]


def test_threads_are_found_by_their_root() -> None:
    made = conversation(
        message(1), message(2, thread_id="m1"), message(3), message(4, thread_id="m1")
    )
    assert [shown.seq for shown in made.thread("m1")] == [2, 4]


@pytest.mark.parametrize("event", [edited(9, 10, "x"), deleted(9, 10), reacted(9, 10, "+")])
def test_what_happens_to_an_unknown_message_changes_nothing_shown(event: Amendment) -> None:
    assert not conversation(message(1)).apply(event)

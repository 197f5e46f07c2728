"""Folding: in which way someone comes to know a message makes no difference to what it is."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.folding import Fields, fold, fold_all

USERS = st.sampled_from(["ann", "ben", "cem"])
REACTIONS = st.sampled_from(["+1", "-1", "__proto__"])
CONTENTS = st.text(min_size=1)
DETAILS = st.one_of(
    st.fixed_dictionaries({"type": st.just("message_edited"), "content": CONTENTS}),
    st.fixed_dictionaries(
        {
            "type": st.just("message_edited"),
            "content": CONTENTS,
            "mentions": st.lists(USERS, min_size=1),
        }
    ),
    st.fixed_dictionaries({"type": st.just("message_deleted")}),
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["reaction_added", "reaction_removed"]),
            "reaction": REACTIONS,
        }
    ),
    st.fixed_dictionaries({"type": st.just("of_a_newer_server")}),
)


@st.composite
def stories(draw: st.DrawFn) -> tuple[Fields, list[dict[str, Any]]]:
    """A message and what happens to it and to another one, in order."""
    message = {
        "type": "chat_message",
        "seq": 3,
        "messageId": "m3",
        "userId": draw(USERS),
        "content": draw(CONTENTS),
    }
    events = []
    for seq, (details, user, message_id) in enumerate(
        draw(st.lists(st.tuples(DETAILS, USERS, st.sampled_from(["m3", "m3", "m2"])), max_size=12)),
        start=4,
    ):
        event = {"seq": seq, "timestamp": 1000 + seq, "userId": user, "messageId": message_id}
        events.append({**details, **event})
    return message, events


@given(stories(), st.data())
def test_whoever_begins_with_a_later_state_ends_with_the_same(
    story: tuple[Fields, list[dict[str, Any]]], data: st.DataObject
) -> None:
    message, events = story
    seen_at = data.draw(st.integers(0, len(events)), label="history was read here")
    resumed_at = data.draw(st.integers(0, seen_at), label="and events come from here on")
    ahead = fold_all(message, events[:seen_at])
    assert fold_all(ahead, events[resumed_at:]) == fold_all(message, events)


@given(stories())
def test_an_edit_that_was_overtaken_is_not_missed(
    story: tuple[Fields, list[dict[str, Any]]],
) -> None:
    """As history has them: of all edits only the last has its content, and none of a deleted."""
    message, events = story
    end = fold_all(message, events)
    stored = [
        {name: value for name, value in event.items() if name not in ("content", "mentions")}
        if event["messageId"] == "m3" and event["seq"] != end.get("editedSeq")
        else event
        for event in events
    ]
    assert fold_all(message, stored) == end


@given(stories())
def test_folding_changes_no_message_that_someone_else_holds(
    story: tuple[Fields, list[dict[str, Any]]],
) -> None:
    message, events = story
    for event in events:
        before = repr(message)
        after = fold(message, event)
        assert repr(message) == before
        message = after


def test_what_is_deleted_says_nothing_and_stays_so() -> None:
    message = {
        "seq": 1,
        "messageId": "m1",
        "userId": "ann",
        "content": "secret",
        "mentions": ["ben"],
        "replyTo": {"seq": 0, "messageId": "m0"},
        "reactions": {"+1": ["ben"]},
    }
    about = {"messageId": "m1", "timestamp": 9}
    deleted = fold(message, {**about, "type": "message_deleted", "seq": 5, "userId": "mod"})
    assert deleted == {
        "seq": 1,
        "messageId": "m1",
        "userId": "ann",
        "replyTo": {"seq": 0, "messageId": "m0"},
        "content": "",
        "deleted": True,
        "deletedBy": "mod",
        "version": 5,
    }
    edit = {**about, "type": "message_edited", "seq": 6, "userId": "ann", "content": "back"}
    assert fold(deleted, edit) == deleted


def test_a_reaction_counts_once_per_user_and_is_gone_with_the_last() -> None:
    message: Fields = {"seq": 1, "messageId": "m1", "userId": "ann", "content": "hi"}
    about = {"messageId": "m1", "timestamp": 9, "reaction": "+1"}
    added = [
        {**about, "type": "reaction_added", "seq": seq, "userId": user}
        for seq, user in enumerate(("ann", "ben", "ann"), start=2)
    ]
    both = fold_all(message, added)
    assert both["reactions"] == {"+1": ["ann", "ben"]}
    removed = [
        {**about, "type": "reaction_removed", "seq": seq, "userId": user}
        for seq, user in enumerate(("ann", "ben"), start=5)
    ]
    assert fold_all(both, removed) == {**message, "version": 6}

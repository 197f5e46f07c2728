"""What is printed of an event."""

import pytest

from chat.client import Event, RoomLeft, TypingChanged, UserJoined
from chat.terminal.wording import happened, said
from tests.client.made import deleted, edited, message, reacted, reset, trimmed, unreacted


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (message(1, "Hi"), "ann: Hi"),
        (message(1, "Hi\nthere"), "ann: Hi\n    there"),
        (message(1, "Hi", user={"name": "Ann\x1b[2J"}), "Ann\\x1b[2J: Hi"),
        (message(1, "Hi", user={"name": 7}), "ann: Hi"),
        (message(1, deleted=True), "ann * deleted"),
        (edited(1, 2, "Hello"), "* ann edited message 1: Hello"),
        (deleted(1, 2, by="mod"), "* mod deleted message 1"),
        (reacted(1, 2, "👍"), "* ben reacted 👍 to message 1"),
        (unreacted(1, 2, "👍"), "* ben took 👍 back from message 1"),
    ],
)
def test_what_was_said_is_a_line_with_its_time(event: Event, line: str) -> None:
    text = said(event)
    assert text is not None
    time, _, words = text.partition(" ")
    assert (len(time), words) == (5, line)


def test_what_a_later_event_has_overtaken_is_not_shown() -> None:
    assert said(edited(1, 2, None)) is None


def test_gaps_are_told() -> None:
    assert said(trimmed(3, 5)) == "* 3 messages were too old to be kept"
    assert said(reset(7)) == "* the server lost what came after message 7"


def test_who_comes_and_goes_is_told_apart() -> None:
    came = UserJoined(room_id="r", user_id="b\x1ben", member_count=2)
    assert said(came) is None
    assert happened(came) == "b\\x1ben joined, 2 here"
    assert happened(RoomLeft(room_id="r", reason="kicked")) == "put out of the room: kicked"
    assert happened(TypingChanged(room_id="r", user_id="ben", is_typing=True)) is None

"""What is printed of an event."""

from typing import Any

import pytest

from chat.client import (
    About,
    Entry,
    Event,
    MembershipChanged,
    ParticipantChanged,
    PresenceChanged,
    RoomChanged,
    RoomLeft,
    Seat,
    TypingChanged,
    UserJoined,
)
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


def _changed(room: About) -> RoomChanged:
    return RoomChanged(**_at(2), room=room)


def _seated(user_id: str, role: str | None, *, invited: bool = False) -> ParticipantChanged:
    return ParticipantChanged(**_at(2), participant=Seat(user_id, role, invited))


def _entered(role: str | None, **fields: Any) -> MembershipChanged:
    entry = Entry(**{"room_id": "private:a", "role": role, **fields})
    return MembershipChanged(**_at(2), membership=entry)


def _at(seq: int) -> dict[str, Any]:
    return {"room_id": "r", "epoch": "e", "seq": seq, "timestamp": seq, "user_id": "ann"}


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            _changed(About(title="Tea", read_only=True, slow_mode_ms=1500)),
            "* ann changed the room: title 'Tea', only moderators write, 1.5 s between messages",
        ),
        (_changed(About()), "* ann changed the room: nothing is set"),
        (_changed(About(topic="a\x1bb")), "* ann changed the room: topic 'a\\x1bb'"),
        (_seated("ben", "member", invited=True), "* ann invited ben as member"),
        (_seated("ben", "owner"), "* ann made ben owner"),
        (_seated("ben", None), "* ann removed ben"),
        (_seated("ann", "member"), "* ann takes part as member"),
        (_seated("ann", None), "* ann takes part no more"),
        (
            _entered("member", invited=True, by="ben"),
            "* you are invited to private:a as member, says ben",
        ),
        (_entered("owner", title="Tea"), "* you take part in Tea as owner"),
        (_entered(None, title="Tea", by="ben"), "* you take no part in Tea any more, says ben"),
    ],
)
def test_what_became_of_a_room_is_a_line_too(event: Event, words: str) -> None:
    text = said(event)
    assert text is not None
    assert text.partition(" ")[2] == words


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
    busy = PresenceChanged(room_id="r", user_id="ben", state="busy", status="In a call\n")
    assert happened(busy) == "ben is busy: In a call "
    assert happened(TypingChanged(room_id="r", user_id="ben", is_typing=True)) is None

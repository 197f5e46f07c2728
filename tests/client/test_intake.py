"""What arrives in a room: everything with a place moves the position, known or not."""

from chat.client.events import AnyEvent, Position, RoomJoined, Unknown, decode
from chat.client.intake import Intake
from tests.client.made import message


def intake(seen: list[str], *, seq: int = 3) -> Intake:
    made = Intake(
        "r", 100, None,
        wake=lambda: seen.append("wake"),
        on_echo=lambda _event, name: seen.append(name),
        on_gap=lambda: None,
    )  # fmt: skip
    made.connect("ann")
    made.ask_since()
    made.take(RoomJoined(room_id="r", member_count=1, epoch="e", seq=seq))
    return made


def event(kind: str, seq: int, more: str = "") -> AnyEvent | Unknown:
    fields = f'"type":"{kind}","roomId":"r","epoch":"e","seq":{seq},"timestamp":1,"userId":"ann"'
    found = decode(f"{{{fields}{more}}}")
    assert found is not None
    return found


async def test_every_event_with_a_place_moves_the_position() -> None:
    room = intake([])
    room.take(event("room_changed", 4, ',"room":{"title":"Tea"}'))
    room.take(event("participant_changed", 5, ',"participant":{"userId":"ann","role":"owner"}'))
    room.take(event("membership_changed", 6, ',"membership":{"roomId":"private:a","role":null}'))
    room.take(event("of_tomorrow", 7))
    room.take(message(8))
    assert room.ask_since() == Position("e", 8)
    assert (room.standing.about.title, room.standing.role) == ("Tea", "owner")
    assert len(room.buffer) == 4, "what is not known is not handed over"
    assert room.head == Position("e", 8)


async def test_a_hole_before_an_event_of_an_unknown_type_is_a_hole() -> None:
    seen: list[str] = []
    room = intake(seen)
    room.take(event("of_tomorrow", 6))
    assert room.wants_join
    assert room.ask_since() == Position("e", 3)
    assert seen == ["wake"]


async def test_an_answer_that_names_a_place_has_none_of_its_own() -> None:
    room = intake([])
    room.take(event("of_tomorrow", 4, ',"id":7'))
    assert room.ask_since() == Position("e", 3)
    assert not room.wants_join


async def test_what_changes_a_room_is_recognised_as_one_s_own() -> None:
    seen: list[str] = []
    room = intake(seen)
    room.take(event("room_changed", 4, ',"room":{},"clientMessageId":"a-1"'))
    assert seen == ["a-1"]

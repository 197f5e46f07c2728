"""What a room is like, whatever order things are heard in."""

from typing import Any

from chat.client.events import About, ParticipantChanged, RoomChanged, RoomJoined, Seat
from chat.client.standing import Standing

TEA, COFFEE = About(title="Tea"), About(title="Coffee", read_only=True)


def joined(seq: int, **fields: Any) -> RoomJoined:
    return RoomJoined(room_id="r", member_count=1, epoch="e", seq=seq, **fields)


def place(seq: int) -> dict[str, Any]:
    return {"room_id": "r", "epoch": "e", "seq": seq, "timestamp": seq, "user_id": "mod"}


def changed(seq: int, room: About) -> RoomChanged:
    return RoomChanged(**place(seq), room=room)


def seated(seq: int, user_id: str, role: str | None) -> ParticipantChanged:
    return ParticipantChanged(**place(seq), participant=Seat(user_id, role))


def test_a_room_is_like_its_last_change_and_plain_without_one() -> None:
    standing = Standing()
    assert standing.about == About()
    standing.joined(joined(4, room=TEA))
    assert standing.about == TEA
    standing.apply(changed(5, COFFEE), "ann")
    assert standing.about == COFFEE


def test_what_was_missed_before_a_join_does_not_bring_an_old_title_back() -> None:
    standing = Standing()
    standing.joined(joined(9, room=COFFEE, role="owner"))
    standing.apply(changed(8, TEA), "ann")
    standing.apply(seated(9, "ann", "member"), "ann")
    assert (standing.about, standing.role) == (COFFEE, "owner")


def test_only_what_is_said_of_oneself_changes_one_s_role() -> None:
    standing = Standing()
    standing.joined(joined(1, role="member"))
    standing.apply(seated(2, "ben", "owner"), "ann")
    assert standing.role == "member"
    standing.apply(seated(3, "ann", None), "ann")
    assert standing.role is None


def test_after_a_reset_the_places_begin_again_and_changes_count() -> None:
    standing = Standing()
    standing.joined(joined(9, room=TEA))
    standing.lost(3)
    standing.apply(changed(4, COFFEE), "ann")
    assert standing.about == COFFEE

"""What a process knows to be set of a room, whatever reaches it first: events or pages."""

from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.about import NOTHING, About, encode_about
from chat.protocol.records import ChangeRecord, Page, encode_room_change
from chat.rooms import about
from chat.rooms.room import Room
from chat.rooms.stream import Stream

TITLES = st.lists(st.booleans(), min_size=1, max_size=12)


def event(epoch: str, seq: int, set_: About) -> ChangeRecord:
    body = encode_room_change("ann", None, None, encode_about(set_))
    return ChangeRecord(epoch, seq, 0, body, b"c")


def page(epoch: str, head: int, set_: About) -> Page:
    return Page(epoch, head, (), (), 0, None, set_)


def at(history: dict[int, About], seq: int) -> About:
    """Return what was set as of a place in the order."""
    before = [changed for changed in history if changed <= seq]
    return history[max(before)] if before else NOTHING


@given(st.data(), TITLES)
def test_a_room_knows_what_was_set_last_of_all_it_has_been_told(
    data: st.DataObject, is_change: list[bool]
) -> None:
    """Events come in their order; a page may be older or newer than what was heard."""
    history = {seq: About(title=f"at {seq}") for seq, changes in enumerate(is_change, 1) if changes}
    head = len(is_change)
    room = Room("r")
    room.stream = Stream("e", 0)
    seen = 0
    for seq in range(1, head + 1):
        for _ in range(data.draw(st.integers(0, 2))):
            read = data.draw(st.integers(0, head))
            about.read(room, page("e", read, at(history, read)))
            seen = max(seen, read)
        if seq in history:
            about.heard(room, event("e", seq, history[seq]))
            seen = max(seen, seq)
        assert room.about == at(history, seen)


def test_after_the_store_went_back_what_it_has_holds() -> None:
    room = Room("r")
    room.stream = Stream("e", 5)
    about.heard(room, event("e", 5, About(title="lost")))
    about.read(room, page("f", 3, About(title="kept")))
    assert room.about == About(title="kept")
    room.stream = Stream("f", 3)
    about.heard(room, event("f", 4, About(title="new")))
    assert room.about == About(title="new")

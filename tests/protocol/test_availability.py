"""A user's state out of what is known of all devices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.availability import State, checked_status, combined
from chat.protocol.errors import CommandError

CHOICES: st.SearchStrategy[State | None] = st.sampled_from([None, "online", "away", "busy"])
PLACES = st.lists(st.booleans(), max_size=6)
HERE = st.lists(st.booleans(), min_size=1, max_size=6)
#: From the least available on; `busy` is a matter of choice alone.
RANK = ["offline", "away", "online"]


@given(CHOICES, PLACES)
def test_offline_is_who_has_no_connection_whatever_was_chosen(
    choice: State | None, places: list[bool]
) -> None:
    assert (combined(choice, places) == "offline") == (not places)


@given(st.sampled_from(["away", "busy"]), HERE)
def test_a_choice_holds_for_all_devices(choice: State, places: list[bool]) -> None:
    assert combined(choice, places) == choice


@given(HERE)
def test_without_a_choice_the_most_available_device_decides(places: list[bool]) -> None:
    assert combined(None, places) == ("away" if all(places) else "online")
    assert combined("online", places) == combined(None, places)


@given(CHOICES, PLACES, st.randoms())
def test_neither_order_nor_number_of_devices_matters(
    choice: State | None, places: list[bool], chance: st.DataObject
) -> None:
    mixed = places * 2
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert combined(choice, mixed) == combined(choice, places)


@given(PLACES, st.booleans())
def test_one_more_device_never_makes_a_user_less_available(
    places: list[bool], is_idle: bool
) -> None:
    before, after = combined(None, places), combined(None, [*places, is_idle])
    assert RANK.index(after) >= RANK.index(before)


@given(st.text(st.characters(categories=["L", "M", "N", "P", "S"]), max_size=20))
def test_whatever_can_be_seen_is_a_status(text: str) -> None:
    assert checked_status(f" {text} ") == text


@pytest.mark.parametrize("char", ["\n", "\t", "\x00", "\u202e", "\u2028", "\ufeff"], ids=ascii)
def test_what_cannot_be_seen_is_refused(char: str) -> None:
    with pytest.raises(CommandError, match="cannot be printed"):
        checked_status(f"a{char}b")

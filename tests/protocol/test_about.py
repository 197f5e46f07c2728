"""What is set of a room: changes, and how it is written down."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from chat.protocol.about import (
    NOTHING,
    About,
    AboutChange,
    changed,
    decode_about,
    encode_about,
    rules_of,
)

NUMBERS = st.integers(1000, 2**53 - 1)
TEXTS = st.text('aß"\\👍: ', min_size=1, max_size=9)
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "title": TEXTS,
    "topic": TEXTS,
    "slowModeMs": NUMBERS,
    "historySize": NUMBERS,
    "historyMs": NUMBERS,
    "readOnly": st.booleans(),
    "large": st.booleans(),
}
CHANGES = st.fixed_dictionaries(
    {}, optional={name: st.none() | kind for name, kind in KINDS.items()}
).map(lambda fields: AboutChange(**fields))
ABOUTS = CHANGES.map(lambda change: changed(NOTHING, change))


@given(ABOUTS, CHANGES)
def test_what_a_change_names_is_as_it_says_and_the_rest_as_it_was(
    about: About, change: AboutChange
) -> None:
    after = changed(about, change)
    for name in About.__struct_fields__:
        wanted = getattr(change, name)
        if wanted is UNSET:
            assert getattr(after, name) == getattr(about, name)
        else:
            assert getattr(after, name) == (getattr(NOTHING, name) if wanted is None else wanted)


@given(ABOUTS, CHANGES)
def test_a_change_that_is_made_already_changes_nothing(about: About, change: AboutChange) -> None:
    after = changed(about, change)
    assert changed(after, change) == after


@given(ABOUTS)
def test_what_is_written_is_what_is_set_and_nothing_else(about: About) -> None:
    written = encode_about(about)
    assert decode_about(written) == about
    unset = [
        name for name in About.__struct_fields__ if getattr(about, name) == getattr(NOTHING, name)
    ]
    assert not [name for name in unset if b'"%s"' % name.encode() in written.partition(b":")[0]]
    assert (written == b"{}") is (about == NOTHING)


@given(ABOUTS)
def test_the_rules_have_a_place_for_each_that_scripts_go_by(about: About) -> None:
    slow, size, age, read_only, large = rules_of(about).split(":")
    numbers = [None if text == "" else int(text) for text in (slow, size, age)]
    assert numbers == [about.slowModeMs, about.historySize, about.historyMs]
    assert (read_only, large) == ("1" * about.readOnly, "1" * about.large)


def test_no_slow_mode_is_a_rule_of_its_own() -> None:
    assert rules_of(About(slowModeMs=0)) == "0::::"
    assert rules_of(NOTHING) == "::::"


def test_what_a_newer_version_has_set_is_passed_over() -> None:
    assert decode_about(b'{"title":"A","colour":"red"}') == About(title="A")


@pytest.mark.parametrize("data", [b"", b"[]", b'{"title":5}', b"\xff"])
def test_what_is_nothing_of_ours_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="not about a room"):
        decode_about(data)

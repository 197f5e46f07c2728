"""Capabilities: what a pattern matches, what a claim may be, and that equal sets are shared."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.identity.access import Action, Capabilities, CapabilitiesError, parse_capabilities

ACTIONS = [action.value for action in Action]
text = st.text(alphabet="ab.[", max_size=8)
pattern = st.text(alphabet="ab.[*", min_size=1, max_size=8)
claims = st.dictionaries(pattern, st.lists(st.sampled_from(ACTIONS)), max_size=5)


@given(claims, text, st.sampled_from(Action))
def test_a_room_gets_exactly_what_the_patterns_that_match_it_carry(claim, room_id, action):
    def matches(pattern: str) -> bool:
        return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), room_id) is not None

    expected = any(matches(pattern) and action in allowed for pattern, allowed in claim.items())
    assert parse_capabilities(claim).allows(room_id, action) is expected


@given(claims, st.randoms())
def test_equal_sets_are_one_object_whatever_the_order_in_the_token(claim, random):
    shuffled = list(claim.items())
    random.shuffle(shuffled)
    again = {key: random.sample(allowed, len(allowed)) for key, allowed in shuffled}
    assert parse_capabilities(claim) is parse_capabilities(again)


@pytest.mark.parametrize(
    ("pattern", "room_id", "matches"),
    [
        ("*", "anything", True),
        ("qa", "qa", True),
        ("qa", "qa-1", False),
        ("qa-*", "qa-", True),
        ("*-qa", "team-qa", True),
        ("a*a", "a", False),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("a**b", "ab", True),
        ("room?", "rooms", False),
        ("room[12]", "room1", False),
        ("a.c", "abc", False),
        ("QA", "qa", False),
    ],
)
def test_only_the_star_is_special(pattern, room_id, matches):
    assert parse_capabilities({pattern: ["join"]}).allows(room_id, Action.JOIN) is matches


def test_no_pattern_takes_exponential_time():
    """A backtracking matcher would not end within the time limit of a test."""
    hostile = parse_capabilities({"a*" * 63 + "b": ["join"]})
    assert not hostile.allows("a" * 128, Action.JOIN)


def test_to_moderate_implies_nothing_else():
    capabilities = parse_capabilities({"*": ["moderate"]})
    assert [action for action in Action if capabilities.allows("qa", action)] == [Action.MODERATE]


@pytest.mark.parametrize(
    "claim",
    [
        [],
        "join",
        1,
        True,
        {"*": "join"},
        {"*": {"join": True}},
        {"*": ["read"]},
        {"*": ["JOIN"]},
        {"*": [1]},
        {"*": [["join"]]},
        {"*": None},
        {"": ["join"]},
        {"x" * 129: ["join"]},
        {f"room-{number}": ["join"] for number in range(101)},
    ],
)
def test_a_wrong_claim_is_refused(claim: Any):
    with pytest.raises(CapabilitiesError) as refusal:
        parse_capabilities(claim)
    assert "room-" not in str(refusal.value)


def test_the_largest_claim_is_taken():
    claim = {f"{number:0>128}": ACTIONS for number in range(100)}
    capabilities = parse_capabilities(claim)
    assert isinstance(capabilities, Capabilities)
    assert capabilities.allows(f"{99:0>128}", Action.PUBLISH)


@pytest.mark.parametrize(
    ("claim", "everywhere"),
    [
        ({"*": ["moderate"]}, True),
        ({"a": ["join"], "*": ["join", "moderate"]}, True),
        ({"*": ["join"], "a*": ["moderate"]}, False),
        ({"**": ["moderate"]}, False),
        ({}, False),
        (None, False),
    ],
)
def test_everywhere_is_the_pattern_of_one_star_and_no_other(claim: Any, everywhere: bool) -> None:
    assert parse_capabilities(claim).allows_everywhere(Action.MODERATE) is everywhere

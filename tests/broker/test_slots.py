"""Slots: the same as everyone else's, and what nodes say about them."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from chat.broker.keys import GROUPS, Keys, group_tag
from chat.broker.slots import (
    SLOTS,
    Redirection,
    hash_tag,
    read_redirection,
    read_view,
    slot_of_tag,
    tag_within,
)
from chat.broker.target import Address

ROOM_IDS = st.from_regex(r"\A[A-Za-z0-9_.:@+=~-]{1,128}\Z")
KEYS = st.text(st.sampled_from("{}ab\u00e9")) | st.text()


@given(KEYS.filter(lambda key: not any("\ud800" <= char <= "\udfff" for char in key)))
def test_the_slot_of_any_key_is_that_of_redis_py(key: str) -> None:
    assert slot_of_tag(hash_tag(key)) == key_slot(key.encode())


@given(ROOM_IDS)
def test_all_of_a_room_lies_in_its_slot(room_id: str) -> None:
    keys = Keys("chat", sharded=True)
    names = [
        keys.stream(room_id),
        keys.history(room_id),
        keys.channel(room_id),
        keys.sent(room_id, "user{x}", "id"),
        keys.slow(room_id, "{user}"),
        keys.members(room_id),
        keys.held(room_id, "lease"),
    ]
    assert {slot_of_tag(hash_tag(name)) for name in names} == {slot_of_tag(room_id)}


@pytest.mark.parametrize("group", range(GROUPS))
def test_the_leases_of_a_group_lie_in_the_midst_of_its_slots(group: int) -> None:
    keys = Keys("chat", sharded=True)
    slots = {
        slot_of_tag(hash_tag(name))
        for name in (keys.leases(group), keys.lease_rooms(group, "x"), keys.sweep(group, "x"))
    }
    assert slots == {slot_of_tag(group_tag(group))}
    assert keys.groups_of(slots) == {group}


@given(st.integers(200, 2000), st.randoms(use_true_random=False))
def test_a_tag_can_be_found_for_any_set_of_slots(size: int, dice: random.Random) -> None:
    slots = set(dice.sample(range(SLOTS), size))
    assert slot_of_tag(tag_within(slots)) in slots


def test_a_view_maps_masters_to_slots_and_names_all_nodes() -> None:
    slots = [
        [0, 99, [b"h1", 1, b"id1", []], [b"h4", 4, b"id4", []]],
        [200, 200, [None, 2, b"id2", []]],
        [100, 150, [b"h1", 1, b"id1", []]],
    ]
    view = read_view(b"cluster_state:ok\r\ncluster_current_epoch:7\r\n", slots, Address("me", 9))
    assert view.epoch == 7
    assert view.masters == {
        Address("h1", 1): frozenset(range(151)),
        Address("me", 2): frozenset({200}),
    }
    assert view.nodes == {Address("h1", 1), Address("h4", 4), Address("me", 2)}
    assert view.unserved == SLOTS - 152


@pytest.mark.parametrize("answers", [(b"", []), (b"cluster_current_epoch:1", [[1, 2]])])
def test_answers_that_make_no_sense_are_refused(answers: tuple[bytes, list[object]]) -> None:
    with pytest.raises(ValueError, match="not the answers"):
        read_view(*answers, Address())


@pytest.mark.parametrize(
    ("error", "redirection"),
    [
        ("MOVED 866 127.0.0.1:7000", Redirection("MOVED", Address("127.0.0.1", 7000))),
        ("ASK 866 ::1:7000", Redirection("ASK", Address("::1", 7000))),
        ("MOVED 866 :7000", Redirection("MOVED")),
        ("TRYAGAIN Multiple keys request during rehashing of slot", Redirection("TRYAGAIN")),
        ("ERR unknown command", None),
    ],
)
def test_redirections_are_told_from_other_errors(
    error: str, redirection: Redirection | None
) -> None:
    assert read_redirection(error) == redirection

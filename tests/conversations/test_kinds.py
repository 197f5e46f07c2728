"""Ids that follow from users."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from chat.conversations.kinds import (
    direct_between,
    has_roster,
    inbox_of,
    is_inbox,
    is_reserved,
)
from chat.conversations.seats import Seat, grants, seat_of
from chat.identity.access import Action
from chat.protocol.commands import Role, check_room_id

USER = st.text(min_size=1, max_size=20)


@given(st.sets(USER, min_size=2, max_size=8), st.randoms())
def test_the_same_users_have_one_direct_room_in_whatever_order(
    users: set[str], random: Random
) -> None:
    shuffled = list(users)
    random.shuffle(shuffled)
    assert direct_between(shuffled) == direct_between(users)
    check_room_id(direct_between(users))


@given(st.sets(USER, min_size=1, max_size=4), st.sets(USER, min_size=1, max_size=4))
def test_other_users_have_another_one(some: set[str], others: set[str]) -> None:
    assert (direct_between(some) == direct_between(others)) == (some == others)


@given(USER, USER)
def test_an_inbox_is_of_one_user(ann: str, ben: str) -> None:
    assert (inbox_of(ann) == inbox_of(ben)) == (ann == ben)
    assert is_inbox(inbox_of(ann))
    check_room_id(inbox_of(ann))


def test_rooms_of_other_prefixes_are_open() -> None:
    for room in ("lobby", "private", "a:private:b", "Private:x", "direct-x", "inboxes:1"):
        assert not is_reserved(room)
        assert not has_roster(room)


def test_every_seat_is_read_as_it_was_written() -> None:
    for role in Role:
        for invited in (False, True):
            assert seat_of(Seat(role, invited).code) == Seat(role, invited)


def test_a_role_gives_no_more_than_its_name_says() -> None:
    for seat, may in [
        (None, set()),
        (Seat(Role.OWNER, invited=True), set()),
        (Seat(Role.MEMBER), set()),
        (Seat(Role.MODERATOR), {Action.MODERATE}),
        (Seat(Role.OWNER), {Action.MODERATE}),
    ]:
        allowed = {
            action for action in Action if grants("private:r", "a", action, seat, by_token=False)
        }
        assert allowed == may

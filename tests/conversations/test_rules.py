"""The rules of rosters, as a state machine: whatever is wished in whatever order."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chat.conversations.rules import Answer, Invite, Remove, SetRole, View, Wish, judge
from chat.conversations.seats import Seat, outranks
from chat.protocol.commands import Role
from chat.protocol.errors import CommandError, ErrorCode

ROOM = "private:r"
USERS = st.sampled_from("abcde")
ROLES = st.sampled_from(Role)
WISHES: st.SearchStrategy[Wish] = st.one_of(
    st.builds(Invite, ROLES),
    st.builds(Answer, st.booleans()),
    st.builds(SetRole, ROLES),
    st.just(Remove()),
)
MOST = 4


def view(roster: dict[str, Seat], actor: str, target: str, room: str = ROOM) -> View:
    """What `actor` sees; `system` is a back end."""
    return View(
        room,
        roster.get(actor),
        roster.get(target),
        is_self=actor == target,
        is_trusted=actor == "system",
        owners=sum(seat.owns for seat in roster.values()),
        size=len(roster),
    )


class Roster(RuleBasedStateMachine):
    """A room that `a` has made."""

    def __init__(self) -> None:
        super().__init__()
        self.roster = {"a": Seat(Role.OWNER)}

    @precondition(lambda self: not self.roster)
    @rule()
    def make_it_again(self) -> None:
        self.roster = {"a": Seat(Role.OWNER)}

    @precondition(lambda self: self.roster)
    @rule(actor=st.one_of(USERS, st.just("system")), on=USERS, wish=WISHES)
    def wish(self, actor: str, on: str, wish: Wish) -> None:
        target = on
        if isinstance(wish, Answer) and actor != "system":
            target = actor
        before, own = self.roster.get(target), self.roster.get(actor)
        try:
            verdict = judge(wish, view(self.roster, actor, target), MOST)
        except CommandError:
            return
        if verdict is None:
            return
        after = verdict.seat
        if after is None:
            self.roster.pop(target, None)
        else:
            self.roster[target] = after
        assert len(self.roster) == verdict.size
        assert sum(seat.owns for seat in self.roster.values()) == verdict.owners
        if actor == "system":
            return
        assert own is not None, "somebody outside changed the roster"
        if own.invited:
            assert actor == target
            assert after in (None, own._replace(invited=False)), "an invited user gained"
        elif actor == target:
            assert after is None or own.role is Role.OWNER, "somebody made more of himself"
        elif after is not None:
            assert outranks(own, after.role), "a role was given that is not the giver's to give"
            assert before is not None or after.invited, "somebody was put in without being asked"
        if before is not None and actor != target:
            assert outranks(own, before.role), "somebody acted on who is not below"

    @invariant()
    def somebody_owns_it(self) -> None:
        assert not self.roster or any(seat.owns for seat in self.roster.values())

    @invariant()
    def there_are_not_too_many(self) -> None:
        assert len(self.roster) <= MOST


Roster.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestRoster = Roster.TestCase


@pytest.mark.parametrize(
    "roster", [{"a": Seat(Role.OWNER)}, {"a": Seat(Role.OWNER), "b": Seat(Role.OWNER)}]
)
def test_an_owner_leaves_an_empty_room_or_another_owner(roster: dict[str, Seat]) -> None:
    verdict = judge(Remove(), view(roster, "a", "a"), MOST)
    assert verdict is not None
    assert verdict.size == len(roster) - 1


@pytest.mark.parametrize("other", [Seat(Role.MEMBER), Seat(Role.OWNER, invited=True)])
def test_the_last_owner_does_not_leave_others_alone(other: Seat) -> None:
    with pytest.raises(CommandError) as refused:
        judge(Remove(), view({"a": Seat(Role.OWNER), "b": other}, "a", "a"), MOST)
    assert refused.value.code is ErrorCode.LAST_OWNER


@pytest.mark.parametrize("wish", [Invite(Role.MEMBER), SetRole(Role.OWNER), Remove()])
@pytest.mark.parametrize("actor", ["a", "system", "z"])
def test_who_is_in_a_direct_room_never_changes(wish: Wish, actor: str) -> None:
    roster = {"a": Seat(Role.MEMBER), "b": Seat(Role.MEMBER)}
    for target in "abz":
        with pytest.raises(CommandError) as refused:
            judge(wish, view(roster, actor, target, "direct:x"), MOST)
        assert refused.value.code is ErrorCode.FORBIDDEN

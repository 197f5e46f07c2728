"""What nobody may do, and which tokens a revocation means."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.moderation.acts import Act, Kind
from chat.moderation.revocations import Revocations, of_connections, of_token, of_user
from chat.moderation.rules import check
from chat.protocol.errors import CommandError, ErrorCode

SECOND_US = 1_000_000


@dataclass
class Bearer:
    user_id: str = "ann"
    issued_at_s: int = 0
    token_id: str | None = None


def refused(act: Act) -> str:
    with pytest.raises(CommandError) as caught:
        check(act, 60.0)
    return caught.value.code


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.REVOKE_TOKEN}))
def test_nobody_acts_on_oneself(kind: Kind) -> None:
    assert refused(Act(kind=kind, by="ann", on="ann", room_id="r")) == ErrorCode.FORBIDDEN
    check(Act(kind=kind, by="ann", on="ben", room_id="r"), 60.0)


def test_an_id_of_a_token_is_nobodys_name() -> None:
    check(Act(kind=Kind.REVOKE_TOKEN, by="ann", on="ann"), 60.0)


@pytest.mark.parametrize("kind", Kind)
def test_only_bans_and_mutes_have_a_duration_and_not_any(kind: Kind) -> None:
    timed = kind in (Kind.BAN, Kind.MUTE)
    act = Act(kind=kind, by="ann", on="ben", room_id="r", duration_ms=60_000)
    if timed:
        check(act, 60.0)
        longer = Act(kind=kind, by="ann", on="ben", room_id="r", duration_ms=60_001)
        assert refused(longer) == ErrorCode.INVALID_MESSAGE
    else:
        assert refused(act) == ErrorCode.INVALID_MESSAGE


@given(act_us=st.integers(SECOND_US, 2**51), issued_at_s=st.integers(0, 2**32))
def test_a_users_revocation_means_tokens_up_to_its_second(act_us: int, issued_at_s: int) -> None:
    revocations = Revocations(1.0)
    revocations.learn([(act_us, of_user("ann"))])
    assert revocations.refuses(Bearer(issued_at_s=issued_at_s)) == (
        issued_at_s * SECOND_US <= act_us
    )
    assert not revocations.refuses(Bearer("ben", issued_at_s))


def test_a_tokens_revocation_means_that_token_whenever_it_was_issued() -> None:
    revocations = Revocations(1.0)
    revocations.learn([(SECOND_US, of_token("t-1"))])
    assert revocations.refuses(Bearer(issued_at_s=2**32, token_id="t-1"))
    assert not revocations.refuses(Bearer(token_id="t-2"))
    assert not revocations.refuses(Bearer(token_id=None))
    assert not revocations.refuses(Bearer("t-1"))


def test_disconnecting_revokes_nothing() -> None:
    revocations = Revocations(1.0)
    assert revocations.learn([(SECOND_US, of_connections("ann"))])
    assert not revocations.refuses(Bearer())


def test_what_is_known_is_no_news_and_a_later_act_is() -> None:
    revocations = Revocations(1.0)
    assert revocations.learn([(5, of_user("ann"))]) == {of_user("ann")}
    assert revocations.learn([(5, of_user("ann")), (4, of_user("ann"))]) == set()
    assert revocations.learn([(6, of_user("ann"))]) == {of_user("ann")}


@given(st.lists(st.tuples(st.integers(1, 50), st.sampled_from("abcde")), max_size=30))
def test_what_can_concern_no_token_any_more_is_forgotten(acts: list[tuple[int, str]]) -> None:
    acts = sorted((second * SECOND_US, of_user(name)) for second, name in acts)
    revocations = Revocations(10.0)
    revocations.learn(acts)
    revocations.forget(40.0)
    last = {name: act_us for act_us, name in acts}
    assert len(revocations) == sum(act_us >= 30 * SECOND_US for act_us in last.values())

"""Who is looked at, and when."""

from chat.worker.turns import Turns

GRACE_S = 5.0


def always(_user_id: str) -> bool:
    return True


def test_who_changed_has_a_turn_at_once_and_one_only() -> None:
    turns = Turns(GRACE_S, most=10)
    turns.change("ann")
    turns.change("ann")
    assert turns.take(0.0, always) == {"ann": None}
    assert turns.take(0.0, always) == {}
    assert turns.is_empty


def test_who_had_a_turn_lately_waits_and_loses_none() -> None:
    turns = Turns(GRACE_S, most=10)
    turns.rest("ann", 1.0)
    turns.change("ann")
    assert turns.take(0.5, always) == {}
    assert turns.has_changed
    assert turns.take(1.0, always) == {"ann": None}


def test_who_left_has_a_turn_behind_the_grace_with_the_time_it_began() -> None:
    turns = Turns(GRACE_S, most=10)
    turns.leave("ann", 1.0)
    assert turns.take(5.9, always) == {}
    assert turns.is_leaving("ann")
    assert turns.take(6.0, always) == {"ann": 1.0}
    assert turns.is_empty


def test_who_is_back_in_time_has_not_left() -> None:
    turns = Turns(GRACE_S, most=10)
    turns.leave("ann", 0.0)
    turns.come("ann")
    assert turns.is_empty


def test_the_grace_counts_from_the_last_connection() -> None:
    turns = Turns(GRACE_S, most=10)
    turns.leave("ann", 0.0)
    turns.leave("ben", 1.0)
    turns.leave("ann", 4.0)
    assert turns.take(6.0, always) == {"ben": 1.0}
    assert turns.take(9.0, always) == {"ann": 4.0}


def test_a_crowd_has_its_turns_one_part_after_the_other() -> None:
    turns = Turns(GRACE_S, most=2)
    for number in range(5):
        turns.leave(str(number), 0.0)
        turns.change(f"c{number}")
    taken = [sorted(turns.take(GRACE_S, always)) for _ in range(3)]
    assert taken == [["0", "1", "c0", "c1"], ["2", "3", "c2", "c3"], ["4", "c4"]]


def test_whom_nothing_can_be_done_about_does_not_hold_up_others() -> None:
    turns = Turns(GRACE_S, most=2)
    for user_id in ("away1", "away2", "ann"):
        turns.change(user_id)
    turns.leave("away3", 0.0)
    turns.leave("ben", 0.0)

    def reaches(user_id: str) -> bool:
        return not user_id.startswith("away")

    taken = turns.take(GRACE_S, reaches) | turns.take(GRACE_S, reaches)
    assert taken == {"ann": None, "ben": 0.0}
    assert not turns.is_empty


def test_a_worker_that_ends_gets_all_whose_grace_is_running() -> None:
    turns = Turns(GRACE_S, most=1)
    turns.leave("ann", 1.0)
    turns.leave("ben", 2.0)
    assert turns.take_leaving() == {"ann": 1.0, "ben": 2.0}
    assert turns.is_empty

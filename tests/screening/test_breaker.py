"""An outage is noticed after some failures, and costs one trial per pause from then on."""

from chat.screening.breaker import Breaker


def open_breaker() -> Breaker:
    breaker = Breaker(failures=3, pause_s=5.0)
    for _ in range(3):
        assert breaker.admits(0.0)
        breaker.failed(0.0)
    return breaker


def test_failures_in_a_row_open_it() -> None:
    breaker = open_breaker()
    assert breaker.is_open
    assert not breaker.admits(4.9)


def test_failures_that_are_not_in_a_row_do_not() -> None:
    breaker = Breaker(failures=2, pause_s=5.0)
    for _ in range(10):
        breaker.failed(0.0)
        breaker.worked()
    assert breaker.admits(0.0)


def test_after_the_pause_one_tries_while_all_others_are_kept_out() -> None:
    breaker = open_breaker()
    assert breaker.would_admit(5.0)
    assert breaker.admits(5.0)
    assert not breaker.would_admit(5.0)
    assert not breaker.admits(100.0)


def test_a_trial_that_works_closes_it_and_one_that_fails_opens_it_for_another_pause() -> None:
    breaker = open_breaker()
    assert breaker.admits(5.0)
    breaker.failed(6.0)
    assert not breaker.admits(10.9)
    assert breaker.admits(11.0)
    breaker.worked()
    assert not breaker.is_open
    breaker.failed(12.0)
    assert breaker.admits(12.0)


def test_a_trial_without_an_outcome_leaves_its_place_to_another() -> None:
    breaker = open_breaker()
    assert breaker.admits(5.0)
    breaker.left()
    assert breaker.admits(5.0)


def test_answers_to_what_was_asked_before_it_opened_do_not_lengthen_the_pause() -> None:
    breaker = open_breaker()
    breaker.failed(4.0)
    assert breaker.admits(5.0)

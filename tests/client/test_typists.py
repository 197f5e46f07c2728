"""Who is typing, and how often one says so."""

from chat.client.events import TypingChanged
from chat.client.typists import MAX_TYPISTS, REPEAT_S, TypingThrottle, Typists
from tests.client.made import message


def typing(user_id: str, is_typing: bool = True, expires_in_ms: int | None = 6000) -> TypingChanged:
    return TypingChanged(
        room_id="r", user_id=user_id, is_typing=is_typing, expires_in_ms=expires_in_ms
    )


def test_who_types_is_forgotten_in_time() -> None:
    typists = Typists()
    typists.apply(typing("ann"), 0.0)
    typists.apply(typing("ben"), 3.0)
    assert typists.now(5.9) == ("ann", "ben")
    assert typists.now(6.1) == ("ben",)


def test_who_says_something_or_stops_is_not_typing() -> None:
    typists = Typists()
    typists.apply(typing("ann"), 0.0)
    typists.apply(typing("ben"), 0.0)
    typists.apply(message(1, user_id="ann"), 1.0)
    typists.apply(typing("ben", is_typing=False), 1.0)
    assert typists.now(1.0) == ()


def test_a_crowd_takes_bounded_space() -> None:
    typists = Typists()
    for number in range(1000):
        typists.apply(typing(str(number)), 0.0)
    assert len(typists.now(0.0)) == MAX_TYPISTS


def test_every_key_may_be_told_and_few_are_sent() -> None:
    throttle = TypingThrottle()
    sent = [throttle.worth(True, tenth / 10) for tenth in range(61)]
    assert sum(sent) == 3, "at 0, 3 and 6 s"
    assert throttle.worth(False, 6.1)
    assert not throttle.worth(False, 6.2)
    assert throttle.worth(True, 6.3)


def test_after_a_message_typing_is_news_again() -> None:
    throttle = TypingThrottle()
    assert throttle.worth(True, 0.0)
    throttle.published()
    assert not throttle.worth(False, 0.1)
    assert throttle.worth(True, REPEAT_S / 2)

"""What a line of input asks for."""

import pytest

from chat.terminal.typed import (
    Change,
    Delete,
    Edit,
    Invite,
    LineError,
    React,
    Remove,
    Say,
    Seat,
    Unreact,
    wish,
)


def test_a_line_is_what_is_said() -> None:
    assert wish("Hello!", json=False) == Say(content="Hello!")
    assert wish('{"content": "x"}', json=False) == Say(content='{"content": "x"}')
    assert wish("Hello!", json=True) == Say(content="Hello!")
    assert wish("  ", json=True) is None


def test_an_object_may_say_more() -> None:
    made = wish('{"content": "x", "clientMessageId": "a", "threadId": "m1"}', json=True)
    assert made == Say(content="x", client_message_id="a", thread_id="m1")


@pytest.mark.parametrize(
    ("line", "made"),
    [
        (
            '{"type":"edit_message","seq":1,"messageId":"m","content":"x"}',
            Edit(seq=1, message_id="m", content="x"),
        ),
        ('{"type":"delete_message","seq":1,"messageId":"m"}', Delete(seq=1, message_id="m")),
        (
            '{"type":"add_reaction","seq":1,"messageId":"m","reaction":"+"}',
            React(seq=1, message_id="m", reaction="+"),
        ),
        (
            '{"type":"remove_reaction","seq":1,"messageId":"m","reaction":"+"}',
            Unreact(seq=1, message_id="m", reaction="+"),
        ),
        (
            '{"type":"change_room","title":"Tea","topic":null}',
            Change(title="Tea", topic=None),
        ),
        ('{"type":"invite_user","userId":"ben"}', Invite(user_id="ben")),
        ('{"type":"set_role","userId":"ben","role":"owner"}', Seat(user_id="ben", role="owner")),
        ('{"type":"remove_participant","userId":"ben"}', Remove(user_id="ben")),
    ],
)
def test_an_object_may_be_another_command(line: str, made: object) -> None:
    assert wish(line, json=True) == made


@pytest.mark.parametrize("line", ["{", '{"type":"fly"}', '{"content":7}', "{}", '{"a":' * 5000])
def test_an_object_that_asks_for_nothing_is_refused(line: str) -> None:
    with pytest.raises(LineError):
        wish(line, json=True)

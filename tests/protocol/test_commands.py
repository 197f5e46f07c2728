"""The decoder of commands: whatever the text, a command or a typed refusal."""

import json
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import json as msgspec_json

from chat.protocol.commands import (
    MAX_SAFE_INTEGER,
    AnyCommand,
    ChatMessage,
    Command,
    JoinRoom,
    Ping,
    command_id_of,
    decode_command,
)
from chat.protocol.errors import CommandError, ErrorCode

DECODING = {
    ErrorCode.MALFORMED_JSON,
    ErrorCode.TOO_DEEP,
    ErrorCode.UNKNOWN_TYPE,
    ErrorCode.INVALID_MESSAGE,
    ErrorCode.INVALID_ROOM,
}
KINDS: tuple[Any, ...] = get_args(AnyCommand)
TYPES = [kind.__struct_config__.tag for kind in KINDS]
FIELDS = sorted({name for kind in KINDS for name in kind.__struct_fields__})

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**53, -(2**53), 2**63, 2**64, 10**400, -(10**400)])
    | st.floats()
    | st.text(max_size=200)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10
)
MESSAGES = st.dictionaries(st.sampled_from([*FIELDS, "epoch", "seq"]), VALUES) | VALUES


def refusal(text: str) -> CommandError | None:
    """Decode; return the refusal, and let nothing else pass."""
    try:
        command = decode_command(text)
    except CommandError as exc:
        refused = exc
    else:
        assert isinstance(command, Command)
        return None
    assert refused.code in DECODING
    assert refused.message
    assert json.dumps(refused.message)
    return refused


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


@given(st.text())
@example("")
@example("\ufeff{}")
@example("\0")
@example(deep(100_000))
@example("[" * 16384)
@example('{"a":' * 3000)
@example('{"type":"ping","x":' + deep(8000) + "}")
@example('{"type":"ping","id":' + "9" * 16000 + "}")
@example('{"type":"ping","id":1e999}')
@example('{"type":"ping","id":-0}')
@example('{"type":"\\ud800"}')
@example('{"type":"chat_message","roomId":"a","content":"\\udc00\\ud800"}')
@example('{"type":"ping","type":"ping","id":1,"id":2}')
@example('{"type":"ping"}{"type":"ping"}')
def test_no_text_gets_anything_but_a_command_or_a_typed_refusal(text: str) -> None:
    refusal(text)
    found = command_id_of(text)
    assert found is None or isinstance(found, (int, str))


@given(st.none() | st.sampled_from(TYPES) | st.text(), MESSAGES)
def test_no_json_gets_anything_but_a_command_or_a_typed_refusal(
    kind: str | None, message: Any
) -> None:
    if kind is not None and isinstance(message, dict):
        message = {**message, "type": kind}
    text = json.dumps(message)
    found = refusal(text)
    refusal(json.dumps(message, ensure_ascii=False))
    if isinstance(message, dict) and kind not in (None, *TYPES):
        assert found is not None
        is_json = "NaN" not in text and "Infinity" not in text
        assert found.code in (ErrorCode.UNKNOWN_TYPE, ErrorCode.MALFORMED_JSON) or not is_json


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", ErrorCode.MALFORMED_JSON),
        ("{", ErrorCode.MALFORMED_JSON),
        ("{'type':'ping'}", ErrorCode.MALFORMED_JSON),
        ('{"type":"ping"} x', ErrorCode.MALFORMED_JSON),
        ('{"type":"ping","x":NaN}', ErrorCode.MALFORMED_JSON),
        ('{"type":"chat_message","roomId":"a","content":"\\ud800"}', ErrorCode.MALFORMED_JSON),
        (deep(20_000), ErrorCode.INVALID_MESSAGE),  # not an object: looked at no further
        ('{"type":"ping","x":' + deep(20_000) + "}", ErrorCode.TOO_DEEP),
        ('{"x":' * 20_000, ErrorCode.TOO_DEEP),
        ("{}", ErrorCode.UNKNOWN_TYPE),
        ('{"type":"fly"}', ErrorCode.UNKNOWN_TYPE),
        ('{"type":7}', ErrorCode.UNKNOWN_TYPE),
        ('{"type":null}', ErrorCode.UNKNOWN_TYPE),
        ('{"type":["ping"]}', ErrorCode.UNKNOWN_TYPE),
        ('"ping"', ErrorCode.INVALID_MESSAGE),
        ("[]", ErrorCode.INVALID_MESSAGE),
        ("7", ErrorCode.INVALID_MESSAGE),
        ('{"type":"join_room"}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"join_room","roomId":7}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"join_room","roomId":""}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"join_room","roomId":"' + "x" * 129 + '"}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"join_room","roomId":"a","since":{}}', ErrorCode.INVALID_MESSAGE),
        (
            '{"type":"join_room","roomId":"a","since":{"epoch":"e","seq":-1}}',
            ErrorCode.INVALID_MESSAGE,
        ),
        (
            '{"type":"join_room","roomId":"a","since":{"epoch":"e","seq":1,"type":"x"}}',
            None,
        ),
        ('{"type":"history","roomId":"a","limit":1001}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"ping","id":1.5}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"ping","id":9007199254740992}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"ping","id":' + "9" * 4000 + "}", ErrorCode.INVALID_MESSAGE),
        ('{"type":"ping","id":"' + "x" * 65 + '"}', ErrorCode.INVALID_MESSAGE),
        ('{"type":"join_room","roomId":"a b"}', ErrorCode.INVALID_ROOM),
        ('{"type":"join_room","roomId":"a\\n"}', ErrorCode.INVALID_ROOM),
        ('{"type":"join_room","roomId":"ä"}', ErrorCode.INVALID_ROOM),
        ('{"type":"leave_room","roomId":"{a}"}', ErrorCode.INVALID_ROOM),
        ('{"type":"ping","unknown":{"field":[1,2]}}', None),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_each_refusal_has_the_code_for_it(text: str, code: ErrorCode | None) -> None:
    found = refusal(text)
    assert (found.code if found else None) == code


def test_every_code_of_the_decoder_is_reachable() -> None:
    texts = ["{", '{"x":' * 20_000, "{}", "[]", '{"type":"join_room","roomId":"a b"}']
    assert {found.code for text in texts if (found := refusal(text))} == DECODING


@given(
    st.builds(JoinRoom, roomId=st.from_regex(r"[A-Za-z0-9_.:@+=~-]{1,128}", fullmatch=True))
    | st.builds(ChatMessage, roomId=st.just("a"), content=st.text(), clientMessageId=st.none())
    | st.builds(Ping, id=st.none() | st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER))
    | st.builds(Ping, id=st.text(max_size=64))
)
def test_what_a_client_encodes_is_what_the_server_reads(command: Any) -> None:
    text = msgspec_json.encode(command).decode()
    assert decode_command(text) == command
    assert command_id_of(text) == command.id
    assert decode_command(json.dumps(json.loads(text))) == command


@pytest.mark.parametrize(
    ("text", "command_id"),
    [
        ('{"id":7,"type":"fly"}', 7),
        ('{"type":"fly","id":"x"}', "x"),
        ('{"id":true}', None),
        ('{"id":1.0}', None),
        ('{"id":9007199254740992}', None),
        ('{"id":"' + "x" * 65 + '"}', None),
        ('{"id":[]}', None),
        ('{"id":7', None),
        ('{"id":7,"x":' + deep(20_000) + "}", None),
        ("[]", None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_refusal_carries_the_id_where_there_is_a_usable_one(
    text: str, command_id: int | str | None
) -> None:
    assert command_id_of(text) == command_id


def test_a_refusal_does_not_repeat_the_message() -> None:
    secret = "s3cret" * 100
    for text in (
        json.dumps({"type": secret}),
        json.dumps({"type": "authenticate", "token": [secret]}),
        json.dumps({"type": "refresh_token", "token": secret * 20}),
        json.dumps({"type": "join_room", "roomId": secret[:100] + " "}),
    ):
        found = refusal(text)
        assert found is not None
        assert secret not in found.message
        assert len(found.message) < 200

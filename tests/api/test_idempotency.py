"""`Idempotency-Key` and `clientMessageId` are one thing with two names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.api.idempotency import client_message_id
from chat.protocol.errors import CommandError, ErrorCode

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=64)


def quoted(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@given(PRINTABLE)
def test_every_quoted_string_is_the_key_it_quotes(key: str) -> None:
    assert client_message_id(None, [quoted(key)]) == key
    assert client_message_id(key, [f" {quoted(key)}\t"]) == key


@given(PRINTABLE, PRINTABLE)
def test_two_that_differ_are_refused(key: str, other: str) -> None:
    if key != other:
        with pytest.raises(CommandError, match="differ"):
            client_message_id(other, [quoted(key)])


@given(st.text(max_size=80))
def test_any_header_is_a_key_or_a_refusal(value: str) -> None:
    try:
        key = client_message_id(None, [value])
    except CommandError as exc:
        key = exc.code
    if key is ErrorCode.INVALID_MESSAGE:
        return
    assert key is not None
    assert 1 <= len(key) <= 64
    assert key.isascii()
    assert key.isprintable()


@pytest.mark.parametrize("bare", ["a", "8e03978e-40d5-43dd-bc93-6894a57f9324", "a/b+c=", "x" * 64])
def test_a_key_without_quotes_is_taken_as_it_is(bare: str) -> None:
    assert client_message_id(None, [bare]) == bare


@pytest.mark.parametrize(
    "value", ["", '"', '""', "a b", "a,b", '"a";b=1', '"a" "b"', "x" * 65, f'"{"x" * 65}"', "é"]
)
def test_what_is_no_key_is_refused(value: str) -> None:
    with pytest.raises(CommandError, match="Idempotency-Key"):
        client_message_id(None, [value])


def test_without_a_header_the_body_says() -> None:
    assert client_message_id("c-1", []) == "c-1"
    assert client_message_id(None, []) is None


def test_two_headers_are_refused() -> None:
    with pytest.raises(CommandError, match="twice"):
        client_message_id(None, ['"a"', '"a"'])

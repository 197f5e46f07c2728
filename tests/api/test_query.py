"""Queries as commands: whatever comes, it is a valid command or a refusal."""

from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from chat.api.query import decode_query
from chat.protocol.commands import ROOM_ID, History, Presence, decode_command
from chat.protocol.errors import CommandError, ErrorCode

NAMES = st.sampled_from(
    ["limit", "before", "after", "epoch", "cursor", "id", "roomId", "type", "x"]
)
VALUES = st.one_of(
    st.integers(-2, 2000).map(str), st.integers().map(str), st.text(max_size=40), st.just("")
)


def outcome(query: bytes, room_id: str, kind: type[Any]) -> Any:
    """Return the command, or the code of the refusal."""
    try:
        return decode_query(query, room_id, kind)
    except CommandError as exc:
        return exc.code


@given(st.binary(max_size=200))
def test_any_bytes_are_a_command_or_a_refusal(query: bytes) -> None:
    found = outcome(query, "lobby", History)
    assert found is ErrorCode.INVALID_MESSAGE or 1 <= found.limit <= 1000


@given(st.lists(st.tuples(NAMES, VALUES), max_size=6), st.sampled_from([History, Presence]))
def test_what_is_accepted_would_be_accepted_over_a_websocket(
    pairs: list[tuple[str, str]], kind: type[History | Presence]
) -> None:
    found = outcome(urlencode(pairs).encode(), "lobby", kind)
    if found is ErrorCode.INVALID_MESSAGE:
        return
    assert (found.roomId, found.id) == ("lobby", None)
    assert decode_command(json.encode(found).decode()) == found


@given(
    st.one_of(st.none(), st.integers(0, 2**53 - 1)),
    st.one_of(st.none(), st.text("0123456789abcdef", min_size=1, max_size=32)),
    st.integers(1, 1000),
)
def test_every_command_can_be_said_as_a_query(
    before: int | None, epoch: str | None, limit: int
) -> None:
    said = {"before": before, "epoch": epoch, "limit": limit}
    query = urlencode({name: value for name, value in said.items() if value is not None})
    command = decode_query(query.encode(), "lobby", History)
    assert command == History(roomId="lobby", before=before, epoch=epoch, limit=limit)


@given(st.text(max_size=140))
def test_a_room_id_is_judged_as_in_the_protocol(room_id: str) -> None:
    found = outcome(b"", room_id, Presence)
    assert (found is ErrorCode.INVALID_ROOM) == (not ROOM_ID.match(room_id))


@pytest.mark.parametrize("kind", [History, Presence])
def test_a_field_may_be_there_once(kind: type[History | Presence]) -> None:
    with pytest.raises(CommandError, match="`limit` is there twice"):
        decode_query(b"limit=1&limit=2", "lobby", kind)

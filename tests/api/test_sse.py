"""Event streams as text: what is written is what a client by the book reads."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.api.sse import (
    HEARTBEAT,
    Renderer,
    block,
    blocks_of,
    parse_position,
    position_text,
    retry,
)
from chat.protocol.commands import MAX_SAFE_INTEGER, Since
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.events import Gap, MemberCount, encode_event
from chat.protocol.frames import text_frame
from chat.protocol.records import decode_record, encode_body, event_head
from tests.support.sse import Event, Parser

SEQS = st.integers(0, MAX_SAFE_INTEGER)
EPOCHS = st.text("0123456789abcdef", min_size=1, max_size=32)


def message(content: str, epoch: str = "e1", seq: int = 1) -> bytes:
    body = encode_body("m1", "ann", None, None, content)
    return decode_record(b"m%s:%d:5:%s" % (epoch.encode(), seq, body)).event(event_head("lobby"))


def parsed(data: bytes, *cuts: int) -> list[Event]:
    parser = Parser()
    events: list[Event] = []
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(edges):
        events += parser.feed(data[start:end])
    return events


@given(st.text(max_size=50), EPOCHS, SEQS, st.lists(st.integers(0, 10_000), max_size=4))
def test_a_message_arrives_whole_with_its_place_as_id(
    content: str, epoch: str, seq: int, cuts: list[int]
) -> None:
    try:
        event = message(content, epoch, seq)
    except TypeError:  # lone surrogates, which no client can send
        return
    [found] = parsed(block(event), *cuts)
    assert found.id == f"{epoch}:{seq}"
    assert found.type == "chat_message"
    assert found.json["content"] == content
    assert found.data.encode() == event


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_whatever_is_in_a_frame_it_stays_within_its_block(payloads: list[bytes]) -> None:
    data = blocks_of(b"".join(map(text_frame, payloads)))
    assert data.count(b"\n\n") == len(payloads)
    assert b"\r" not in data
    assert data.endswith(b"\n\n") == bool(payloads)


@given(
    st.fixed_dictionaries(
        {"type": st.text(max_size=20)},
        optional={"epoch": st.text(max_size=9), "seq": st.integers(), "x": st.text(max_size=9)},
    )
)
def test_any_event_of_the_future_is_one_event(event: dict[str, Any]) -> None:
    [found] = parsed(block(json.dumps(event).encode()))
    assert found.json == event


def test_an_event_without_a_place_leaves_the_last_id_as_it_is() -> None:
    count = encode_event(MemberCount(roomId="lobby", memberCount=3))
    first, second = parsed(block(message("a")) + block(count))
    assert (first.id, second.id) == ("e1:1", "e1:1")
    assert second.type == "member_count"


@pytest.mark.parametrize(("first", "last"), [(3, 7), (5, 5)])
def test_behind_a_gap_a_client_is_where_the_gap_ends(first: int, last: int) -> None:
    gap = Gap(roomId="lobby", reason="trimmed", epoch="e2", fromSeq=first, toSeq=last)
    [found] = parsed(block(encode_event(gap)))
    assert (found.id, found.type) == (f"e2:{last}", "gap")


def test_heartbeats_and_hints_are_no_events() -> None:
    parser = Parser()
    assert parser.feed(HEARTBEAT + retry(1500)) == []
    assert (parser.comments, parser.retry_ms) == (1, 1500)


def test_readers_of_the_same_frames_share_one_rendering() -> None:
    frames = text_frame(message("a")) + text_frame(message("b", seq=2))
    render = Renderer()
    assert render(frames) is render(frames)
    assert [event.json["content"] for event in parsed(render(frames))] == ["a", "b"]
    assert [event.json["content"] for event in parsed(render(text_frame(message("c"))))] == ["c"]


@given(EPOCHS, SEQS)
def test_a_position_is_read_as_it_was_written(epoch: str, seq: int) -> None:
    since = parse_position(position_text(epoch, seq), "since")
    assert (since.epoch, since.seq) == (epoch, seq)


@given(st.text(max_size=60) | st.from_regex(r"\A[0-9a-f]{0,40}:[0-9]{0,20}\Z"))
def test_any_text_is_a_position_or_a_refusal(text: str) -> None:
    found: Since | ErrorCode
    try:
        found = parse_position(text, "since")
    except CommandError as exc:
        found = exc.code
    if isinstance(found, Since):
        assert 1 <= len(found.epoch) <= 32
        assert 0 <= found.seq <= MAX_SAFE_INTEGER
    else:
        assert found is ErrorCode.INVALID_MESSAGE

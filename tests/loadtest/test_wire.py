"""Frames: whatever the pieces they arrive in, they are cut where they end."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.protocol import frames
from loadtest.agent.stamp import read_stamp, stamp
from loadtest.wire import NO_STATUS, WireError, close_code, frame_bytes, frame_span, text_frame


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from((0, 125, 126, 65535, 65536)))
def test_a_frame_ends_where_the_server_wrote_its_end(payload: bytes, size: int) -> None:
    payload = payload.ljust(size, b"x")
    frame = frames.text_frame(payload)
    assert frame_bytes(payload) == len(frame)
    span = frame_span(b"before" + frame + b"after", 6)
    assert span is not None
    assert (b"before" + frame)[slice(*span)] == payload
    for cut in (1, 2, 3, len(frame) - 1):
        assert frame_span(frame[: min(cut, len(frame) - 1)], 0) is None


def test_a_masked_frame_of_a_server_is_an_error() -> None:
    with pytest.raises(WireError):
        frame_span(text_frame(b"hello"), 0)


def test_a_frame_too_large_for_any_client_is_an_error() -> None:
    with pytest.raises(WireError):
        frame_span(b"\x81\x7f" + (1 << 40).to_bytes(8, "big"), 0)


def test_a_close_frame_may_have_no_code() -> None:
    assert close_code(b"") == NO_STATUS
    assert close_code((4200).to_bytes(2, "big") + b"why") == 4200


@settings(deadline=None)
@given(st.integers(0, 10**18), st.integers(32, 8192), st.sampled_from(b"WJS"))
def test_a_stamp_is_read_as_it_was_written(due_ns: int, size: int, counts_for: int) -> None:
    content = stamp(due_ns, size, counts_for)
    assert len(content) == size
    assert read_stamp(content.decode()) == (due_ns, counts_for)


def test_what_others_write_is_no_stamp() -> None:
    assert read_stamp("Hello, this is not from a load test!") is None
    assert read_stamp("T123") is None

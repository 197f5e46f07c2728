"""Frames: what is written can be taken apart again."""

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from chat.protocol import frames

if TYPE_CHECKING:
    from collections.abc import Callable

#: Around each change of the header, beside small ones.
SIZES = st.integers(0, 300) | st.sampled_from([125, 126, 127, 65535, 65536, 65537])
PAYLOADS = st.builds(lambda byte, size: byte * size, st.binary(min_size=1, max_size=1), SIZES)


@given(PAYLOADS)
def test_a_text_frame_is_the_librarys(payload: bytes) -> None:
    written = frames.text_frame(payload)
    assert written == Frame(Opcode.TEXT, payload).serialize(mask=False)
    start, size = frames.payload_span(written, 0)
    assert written[start : start + size] == payload
    assert len(written) == start + size


@given(st.binary(max_size=125))
def test_a_pong_frame_is_the_librarys(payload: bytes) -> None:
    assert frames.pong_frame(payload) == Frame(Opcode.PONG, payload).serialize(mask=False)


@given(
    st.lists(
        st.tuples(st.just(frames.TEXT), PAYLOADS)
        | st.tuples(st.just(frames.PONG), st.binary(max_size=125))
        | st.just((frames.PING, b"")),
        max_size=6,
    )
)
def test_a_run_of_frames_is_split_where_it_was_joined(parts: list[tuple[int, bytes]]) -> None:
    written: dict[int, Callable[[bytes], bytes]] = {
        frames.TEXT: frames.text_frame,
        frames.PONG: frames.pong_frame,
        frames.PING: lambda _: frames.PING_FRAME,
    }
    joined = b"".join(written[first](payload) for first, payload in parts)
    assert frames.split_frames(joined) == parts


@given(st.binary(max_size=10), PAYLOADS, st.booleans())
def test_a_header_is_known_as_soon_as_its_second_byte(
    before: bytes, payload: bytes, masked: bool
) -> None:
    data = before + Frame(Opcode.BINARY, payload).serialize(mask=masked)
    at = len(before)
    assert frames.header_bytes(data[:at], at) == 0
    assert frames.header_bytes(data[: at + 1], at) == 0
    header = frames.header_bytes(data[: at + 2], at)
    start, size = frames.payload_span(data[: at + header], at)
    assert (start, start + size) == (at + header, len(data))


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_the_longest_length_is_read_right(kind: type[bytes] | type[bytearray]) -> None:
    header = kind(b"\x81\xff" + (2**63 - 1).to_bytes(8, "big") + b"mask")
    assert frames.header_bytes(header, 0) == 14
    assert frames.payload_span(header, 0) == (14, 2**63 - 1)

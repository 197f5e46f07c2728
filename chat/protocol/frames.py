"""Frames a server writes, and how long the frame at the front of a buffer is.

Server frames are unmasked and, without an extension, the same bytes for every receiver: that is
why one frame can be built once and shared by all members of a room.

Source: RFC 6455 section 5.2.
"""

TEXT = 0x81
BINARY = 0x82
CLOSE = 0x88
PING = 0x89
PONG = 0x8A
FIN = 0x80  # in the first byte
MASKED = 0x80  # in the second

PING_FRAME = bytes((PING, 0))


def text_frame(payload: bytes) -> bytes:
    """Return one final, unmasked text frame."""
    size = len(payload)
    if size < 126:
        return bytes((TEXT, size)) + payload
    if size < 65536:
        return bytes((TEXT, 126)) + size.to_bytes(2, "big") + payload
    return bytes((TEXT, 127)) + size.to_bytes(8, "big") + payload


def pong_frame(payload: bytes) -> bytes:
    """Return the answer to a ping; `payload` has at most 125 bytes."""
    return bytes((PONG, len(payload))) + payload


def split_frames(joined: bytes) -> list[tuple[int, bytes]]:
    """Return (first byte, payload) of each frame in a run of unmasked server frames."""
    frames = []
    at = 0
    while at < len(joined):
        start, size = payload_span(joined, at)
        frames.append((joined[at], joined[start : start + size]))
        at = start + size
    return frames


def payload_span(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """Return where the payload of the frame at `at` starts and how long it is.

    The header must be complete. For masked frames the start is behind the mask.
    """
    second = data[at + 1]
    size = second & 0x7F
    start = at + 2
    if size == 126:
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        start = at + 4
    elif size == 127:
        size = int.from_bytes(data[at + 2 : at + 10], "big")
        start = at + 10
    if second & MASKED:
        start += 4
    return start, size


def header_bytes(data: bytes | bytearray, at: int) -> int:
    """Return the length of the header at `at`, or 0 while it is not known yet."""
    if len(data) - at < 2:
        return 0
    second = data[at + 1]
    size = second & 0x7F
    return 2 + (2 if size == 126 else 8 if size == 127 else 0) + (4 if second & MASKED else 0)

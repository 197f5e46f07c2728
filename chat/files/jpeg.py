"""JPEG: how large a picture is, and which of its bytes are not about the picture.

A camera notes where and when a photo was taken, and with what, in APP segments. Kept is what one
needs to see the picture right: the JFIF and Adobe headers, the colour profile, and of Exif the
orientation alone. What follows the end of the picture goes, too: phones put videos there.

Source: ITU-T T.81 annex B; Exif 2.32 section 4.5, JEITA CP-3451.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from chat.files.parts import BrokenPictureError, Bytes, Picture

_EOI, _SOS = 0xD9, 0xDA
_APP0, _APP1, _APP2, _APP14, _COMMENT = 0xE0, 0xE1, 0xE2, 0xEE, 0xFE
_APPS = range(0xE0, 0xF0)
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
#: SOF0 to SOF15 without DHT, JPG and DAC.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: Within coded data 0xFF is followed by 0, by a restart marker or by a fill byte.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_MARKER = re.compile(rb"\xff+[^\x00\xff]", re.DOTALL)
_EXIF = b"Exif\0\0"
_ORIENTATION = 0x0112
_SHORT = 3
_ORDERS: dict[bytes, Literal["little", "big"]] = {b"II": "little", b"MM": "big"}


class _Segment(NamedTuple):
    """One segment: its marker, all of its bytes, and what follows its length."""

    marker: int
    whole: slice
    body: bytes


def picture_of(data: Bytes) -> Picture:
    """Return the size of a JPEG as it is shown, and the parts that are to be kept.

    Raises:
        BrokenPictureError: it is not one, or breaks off before the picture.
    """
    keep: list[slice | bytes] = [b"\xff\xd8"]
    size: tuple[int, int] | None = None
    orientation = 1
    for marker, whole, body in _segments(data):
        if marker in _FRAMES:
            size = _size(body)
        if marker == _APP1 and orientation == 1 and body.startswith(_EXIF):
            orientation = _orientation(body[len(_EXIF) :])
            if orientation != 1:
                keep.append(_oriented(orientation))
        elif _is_of_the_picture(marker, body):
            keep.append(whole)
    if size is None:
        raise BrokenPictureError("a JPEG without a picture")
    width, height = size if orientation < 5 else size[::-1]
    return Picture(width, height, keep)


def _segments(data: Bytes) -> Iterator[_Segment]:
    """Yield what a JPEG is made of, to its end; coded data belongs to the segment before it."""
    if data[:2] != b"\xff\xd8":
        raise BrokenPictureError("a JPEG begins otherwise")
    at, end = 2, len(data)
    while at < end:
        begin, at = _marker(data, at)
        marker = data[begin + 1]
        if marker == _EOI:
            yield _Segment(marker, slice(begin, at), b"")
            return
        if marker in _WITHOUT_LENGTH:
            continue
        at += int.from_bytes(data[at : at + 2], "big")
        if at < begin + 4 or at > end:
            raise BrokenPictureError("a segment is longer than the file")
        body = bytes(data[begin + 4 : at])
        if marker == _SOS:
            found = _NEXT_MARKER.search(data, at)
            at = end if found is None else found.start()
        yield _Segment(marker, slice(begin, at), body)


def _marker(data: Bytes, at: int) -> tuple[int, int]:
    """Return where a marker begins and ends; there may be fill bytes before it."""
    found = _MARKER.match(data, at)
    if found is None:
        raise BrokenPictureError("a segment does not begin where it should")
    return found.end() - 2, found.end()


def _is_of_the_picture(marker: int, body: bytes) -> bool:
    if marker == _APP2:
        return body.startswith(b"ICC_PROFILE\0")
    return marker in (_APP0, _APP14) or (marker not in _APPS and marker != _COMMENT)


def _size(frame: bytes) -> tuple[int, int]:
    if len(frame) < 5:
        raise BrokenPictureError("its frame is too short")
    return int.from_bytes(frame[3:5], "big"), int.from_bytes(frame[1:3], "big")


def _orientation(tiff: bytes) -> int:
    """Return how the picture is turned, 1 to 8; 1, as it is, where that cannot be read."""
    order = _ORDERS.get(tiff[:2])
    if order is None:
        return 1
    first = int.from_bytes(tiff[4:8], order)
    count = int.from_bytes(tiff[first : first + 2], order)
    for entry in range(first + 2, min(first + 2 + count * 12, len(tiff) - 11), 12):
        tag, kind = (int.from_bytes(tiff[at : at + 2], order) for at in (entry, entry + 2))
        if (tag, kind) == (_ORIENTATION, _SHORT):
            value = int.from_bytes(tiff[entry + 8 : entry + 10], order)
            return value if 1 <= value <= 8 else 1
    return 1


def _oriented(orientation: int) -> bytes:
    """Return an APP1 segment that says how the picture is turned, and nothing else."""
    entry = _ORIENTATION.to_bytes(2, "big") + _SHORT.to_bytes(2, "big") + (1).to_bytes(4, "big")
    tiff = b"MM\0\x2a\0\0\0\x08\0\x01" + entry + orientation.to_bytes(2, "big") + b"\0\0\0\0\0\0"
    body = _EXIF + tiff
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body

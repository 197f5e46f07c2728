"""WebP: how large a picture is, and which of its chunks are about the picture.

Exif, XMP and what nobody knows go, and the header no longer promises them.

Source: RFC 9649 sections 2.3 to 2.7; RFC 6386 section 9.1 for the size of a lossy picture.
"""

from chat.files.parts import BrokenPictureError, Bytes, Picture

_LOSSY, _LOSSLESS, _EXTENDED = b"VP8 ", b"VP8L", b"VP8X"
_KEPT = frozenset({_LOSSY, _LOSSLESS, _EXTENDED, b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_EXIF_AND_XMP = 0b1100  # flags of the extended header


def picture_of(data: Bytes) -> Picture:
    """Return the size of a WebP, and the parts that are to be kept.

    Raises:
        BrokenPictureError: it is not one, or breaks off.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise BrokenPictureError("a WebP begins otherwise")
    end = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    size: tuple[int, int] | None = None
    keep: list[slice | bytes] = []
    at = 12
    while at + 8 <= end:
        kind = data[at : at + 4]
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        following = at + 8 + length + length % 2
        if at + 8 + length > end:
            raise BrokenPictureError("it breaks off")
        if size is None:
            size = _size(kind, data[at + 8 : at + 18])
        if kind == _EXTENDED:
            keep.append(data[at : at + 8] + bytes([data[at + 8] & ~_EXIF_AND_XMP]))
            keep.append(slice(at + 9, following))
        elif kind in _KEPT:
            keep.append(slice(at, min(following, end)))
        at = following
    if size is None:
        raise BrokenPictureError("a WebP without a picture")
    picture = Picture(*size, keep)
    picture.keep.insert(0, b"RIFF" + (picture.length + 4).to_bytes(4, "little") + b"WEBP")
    return picture


def _size(kind: bytes, body: bytes) -> tuple[int, int]:
    if len(body) == 10 and kind == _EXTENDED:
        width, height = (int.from_bytes(body[at : at + 3], "little") for at in (4, 7))
        return width + 1, height + 1
    if len(body) == 10 and kind == _LOSSY and body[3:6] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(body[at : at + 2], "little") for at in (6, 8))
        return width & 0x3FFF, height & 0x3FFF
    if len(body) >= 5 and kind == _LOSSLESS and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    raise BrokenPictureError("it does not begin with a picture")

"""PNG: how large a picture is, and which of its chunks are about the picture.

Texts, times, Exif and what nobody knows go; what follows the end goes, too.

Source: W3C PNG Specification (Third Edition), sections 5 and 11.
"""

from chat.files.parts import BrokenPictureError, Bytes, Picture

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER, _DATA, _END = b"IHDR", b"IDAT", b"IEND"
#: Ancillary chunks without which colours or an animation would be wrong.
_KEPT = frozenset(
    b"acTL bKGD cHRM cICP cLLI fcTL fdAT gAMA hIST iCCP mDCV pHYs sBIT sPLT sRGB tRNS".split()
)
_ANCILLARY = 0x20


def picture_of(data: Bytes) -> Picture:
    """Return the size of a PNG, and the parts that are to be kept.

    Raises:
        BrokenPictureError: it is not one, or breaks off.
    """
    if data[:8] != _SIGNATURE or data[12:16] != _HEADER:
        raise BrokenPictureError("a PNG begins otherwise")
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    keep: list[slice | bytes] = [slice(0, 8)]
    at, has_data = 8, False
    while True:
        kind = data[at + 4 : at + 8]
        following = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if len(kind) != 4 or following > len(data):
            raise BrokenPictureError("it breaks off")
        if not kind[0] & _ANCILLARY or kind in _KEPT:
            keep.append(slice(at, following))
        has_data |= kind == _DATA
        if kind == _END:
            break
        at = following
    if not has_data:
        raise BrokenPictureError("a PNG without a picture")
    return Picture(width, height, keep)

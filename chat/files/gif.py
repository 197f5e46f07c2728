"""GIF: how large a picture is. It has no place for a camera's notes, and is kept as it is.

Source: GIF89a specification, sections 17 and 18.
"""

from chat.files.parts import BrokenPictureError, Bytes, Picture


def picture_of(data: Bytes) -> Picture:
    """Return the size of a GIF.

    Raises:
        BrokenPictureError: it is not one.
    """
    if data[:6] not in (b"GIF87a", b"GIF89a") or len(data) < 13:
        raise BrokenPictureError("a GIF begins otherwise")
    width, height = (int.from_bytes(data[at : at + 2], "little") for at in (6, 8))
    return Picture(width, height, [slice(0, len(data))])

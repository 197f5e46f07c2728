"""Pictures of all formats that are shown: measured and freed of what is not the picture.

No picture is ever decoded here: a file that would unpack to gigabytes costs as much as any other.
"""

import mmap
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from chat.files import gif, jpeg, png, webp
from chat.files.parts import BrokenPictureError, Bytes, Picture

#: Pixels beyond which a picture is refused, for the sake of those who would have to decode it.
MAX_PIXELS = 100_000_000
_COPY_BYTES = 262_144
_WALKS: dict[str, Callable[[Bytes], Picture]] = {
    "image/gif": gif.picture_of,
    "image/jpeg": jpeg.picture_of,
    "image/png": png.picture_of,
    "image/webp": webp.picture_of,
}


def is_picture(kind: str) -> bool:
    """Whether files of a type are walked through, and may be shown."""
    return kind in _WALKS


def picture_of(data: Bytes, kind: str) -> Picture:
    """Walk through a file of one of these types.

    Raises:
        BrokenPictureError: it is not what it promises, or too large to be looked at.
    """
    picture = _WALKS[kind](data)
    if not 0 < picture.width * picture.height <= MAX_PIXELS:
        raise BrokenPictureError(f"it has {picture.width} x {picture.height} pixels")
    return picture


def copy_picture(source: Path, target: BinaryIO, kind: str) -> Picture:
    """Write to a file what of a picture is to be kept. Blocks.

    Raises:
        BrokenPictureError: it is not what it promises, or too large to be looked at.
        OSError: it cannot be read or written.
    """
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        picture = picture_of(data, kind)
        for part in picture.keep:
            if isinstance(part, bytes):
                target.write(part)
                continue
            places = range(part.start, part.stop, _COPY_BYTES)
            target.writelines(data[at : min(at + _COPY_BYTES, part.stop)] for at in places)
    return picture

"""What is known of a picture once its file has been walked through, without decoding it."""

from dataclasses import dataclass
from mmap import mmap

#: A whole file, in memory or mapped.
Bytes = bytes | mmap


class BrokenPictureError(ValueError):
    """A file is not the picture that its first bytes promise; the text says why."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Size in pixels as it is shown, and the parts of its file to keep, in order."""

    width: int
    height: int
    keep: list[slice | bytes]

    @property
    def length(self) -> int:
        """How many bytes the kept parts have."""
        return sum(
            len(part) if isinstance(part, bytes) else part.stop - part.start for part in self.keep
        )

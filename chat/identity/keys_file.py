"""A JWKS file that is read again when it changes, so that a rotation needs no restart."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from chat.identity.jwks import KeyDocumentError, read_keys

if TYPE_CHECKING:
    import jwt


class KeysFile:
    """The keys of a file, as they were when it was last read.

    Args:
        path: the file; what it names may be replaced, as Kubernetes does with a link.

    Raises:
        KeyDocumentError: it cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = self._version()
        self.keys: list[jwt.PyJWK] = read_keys(path)

    def read_again(self) -> bool:
        """Read the file if it is another one than last time; return whether it was. Blocks.

        Raises:
            KeyDocumentError: what is there now cannot be used; the keys stay what they were, and
                the file is tried again next time, as somebody may be writing it.
        """
        version = self._version()
        if version == self._read_at:
            return False
        keys = read_keys(self._path)
        if self.keys and not keys:
            raise KeyDocumentError("it has no usable key any more")
        self.keys, self._read_at = keys, version
        return True

    def _version(self) -> tuple[int, int, int]:
        """Return what differs when the file is written or replaced."""
        try:
            found = os.stat(self._path)
        except OSError as exc:
            raise KeyDocumentError(exc.strerror or "it cannot be read") from None
        return found.st_ino, found.st_size, found.st_mtime_ns

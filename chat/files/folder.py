"""Files in a local folder, which all processes of the HTTP side have to share.

A file is written to the spool, flushed to the disk, and only then given its name by a rename, so
that under a name there is always a whole file, whatever dies when. The folder is flushed as well:
an upload that was answered outlives a power failure.
"""

import asyncio
import os
from pathlib import Path

from chat.files.ids import type_of
from chat.files.storage import StorageError, Stored
from chat.settings import SettingsError

_SPOOL = "incoming"


class Folder:
    """A folder with 4,096 folders in it at most, by the first two characters of an id.

    Args:
        path: where files are kept; made if it is not there.
        spool: another folder for files on their way, on the same file system; empty: in `path`.

    Raises:
        SettingsError: nothing can be written there.
    """

    def __init__(self, path: Path, spool: str = "") -> None:
        self._path = path.absolute()
        self.spool = Path(spool).absolute() if spool else self._path / _SPOOL
        try:
            self.spool.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as exc:
            raise SettingsError(f"CHAT_UPLOAD_STORE: {self._path}: {exc.strerror}.") from exc
        if not os.access(self._path, os.W_OK | os.X_OK):
            raise SettingsError(f"CHAT_UPLOAD_STORE: {self._path} cannot be written to.")

    async def put(self, file_id: str, path: Path) -> None:
        """Keep a file by giving it its name; see `Storage`."""
        try:
            await asyncio.to_thread(_move, path, self._place(file_id))
        except OSError as exc:
            raise StorageError(f"cannot keep a file: {exc}") from exc

    async def open(self, file_id: str) -> Stored | None:
        """Return where a file is; see `Storage`."""
        place = self._place(file_id)
        try:
            found = await asyncio.to_thread(os.stat, place)
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise StorageError(f"cannot read a file: {exc}") from exc
        return Stored(found.st_size, place)

    async def remove(self, file_id: str) -> None:
        """Forget a file; see `Storage`."""
        try:
            await asyncio.to_thread(self._place(file_id).unlink, missing_ok=True)
        except OSError as exc:
            raise StorageError(f"cannot remove a file: {exc}") from exc

    def _place(self, file_id: str) -> Path:
        if type_of(file_id) is None:
            raise ValueError("not an id of ours")  # whoever asks has looked before
        return self._path / file_id[:2] / file_id


def _move(path: Path, place: Path) -> None:
    place.parent.mkdir(mode=0o700, exist_ok=True)
    path.rename(place)
    for folder in (place.parent, place.parent.parent):  # a new name, and perhaps a new folder
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

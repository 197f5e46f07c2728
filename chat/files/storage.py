"""Where files are kept once they are whole: the same few things can be asked of every place."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chat.settings import Settings, SettingsError

_BUCKET = "s3://"


class StorageError(Exception):
    """The place where files are kept does not answer, or has no space; the text is for the log."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A file to be read: on this machine, or as chunks that come from elsewhere."""

    size: int
    source: Path | AsyncIterator[bytes]


class Storage(Protocol):
    """A place for files; ids are ours, and a file never changes."""

    #: Folder for files on their way; on the same file system where that helps.
    spool: Path

    async def put(self, file_id: str, path: Path) -> None:
        """Keep a file, all of it or nothing; the one at `path` may be gone then.

        Raises:
            StorageError: it is not kept.
        """

    async def open(self, file_id: str) -> Stored | None:
        """Return a file, None if it is not there.

        Raises:
            StorageError: nobody can say.
        """

    async def remove(self, file_id: str) -> None:
        """Forget a file; one that is not there is no error.

        Raises:
            StorageError: it may be there still.
        """


def open_storage(settings: Settings) -> Storage | None:
    """Return the place that the settings name, None if nothing is to be kept.

    Raises:
        SettingsError: it cannot be used.
    """
    if not settings.upload_store:
        return None
    if settings.upload_store.startswith(_BUCKET):
        try:
            from chat.files.bucket import Bucket  # the library is an extra
        except ModuleNotFoundError as exc:
            raise SettingsError(
                "CHAT_UPLOAD_STORE is a bucket, which needs the extra: "
                "pip install 'chat-cluster[s3]'."
            ) from exc
        return Bucket(settings)
    from chat.files.folder import Folder

    return Folder(Path(settings.upload_store), settings.upload_spool)

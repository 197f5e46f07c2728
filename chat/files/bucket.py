"""Files in a bucket of S3, or of anything that speaks its protocol."""

import os
import tempfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from chat.files.ids import type_of
from chat.files.storage import StorageError, Stored
from chat.settings import Settings, SettingsError

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import S3Config

_CHUNK_BYTES = 1024 * 1024
#: A request that fails for a moment is tried again, up to this time.
_RETRY_FOR = timedelta(seconds=20)
_REQUEST_TIMEOUT = timedelta(seconds=60)


class Bucket:
    """A bucket, or what lies in it under a prefix.

    Without a key in the settings the library looks for one where AWS's own tools do.

    Args:
        settings: which bucket, and how it is reached.

    Raises:
        SettingsError: the address is wrong, or the spool cannot be written to.
    """

    def __init__(self, settings: Settings) -> None:
        address = urlsplit(settings.upload_store)
        if not address.hostname or address.query or address.fragment:
            raise SettingsError("CHAT_UPLOAD_STORE: a bucket is written as s3://BUCKET/PREFIX.")
        own = f"chat-uploads-{os.getuid()}"
        self.spool = Path(settings.upload_spool or f"{tempfile.gettempdir()}/{own}").absolute()
        try:
            self.spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as exc:
            raise SettingsError(f"CHAT_UPLOAD_SPOOL: {self.spool}: {exc.strerror}.") from exc
        config: S3Config = {"region": settings.upload_s3_region}
        if settings.upload_s3_endpoint:
            config["endpoint"] = settings.upload_s3_endpoint
        if settings.upload_s3_key_id:
            config["access_key_id"] = settings.upload_s3_key_id
            config["secret_access_key"] = settings.upload_s3_secret
        self._store = S3Store(
            address.netloc,
            prefix=address.path.strip("/") or None,
            config=config,
            client_options={
                "allow_http": settings.upload_s3_endpoint.startswith("http://"),
                "timeout": _REQUEST_TIMEOUT,
            },
            retry_config={"max_retries": 4, "retry_timeout": _RETRY_FOR},
        )

    async def put(self, file_id: str, path: Path) -> None:
        """Keep a file, in parts where it is large; see `Storage`."""
        attributes = {"Content-Type": type_of(file_id) or "", "Content-Disposition": "attachment"}
        try:
            await obstore.put_async(
                self._store, file_id, path, attributes=attributes, max_concurrency=2
            )
        except (BaseError, OSError) as exc:
            raise StorageError(f"cannot keep a file: {exc}") from exc

    async def open(self, file_id: str) -> Stored | None:
        """Return a file whose bytes come as they are asked for; see `Storage`."""
        try:
            found = await obstore.get_async(self._store, file_id)
        except (FileNotFoundError, NotFoundError):
            return None
        except BaseError as exc:
            raise StorageError(f"cannot read a file: {exc}") from exc
        return Stored(found.meta["size"], _chunks(found))

    async def remove(self, file_id: str) -> None:
        """Forget a file; see `Storage`."""
        try:
            await obstore.delete_async(self._store, file_id)
        except (FileNotFoundError, NotFoundError):
            return
        except BaseError as exc:
            raise StorageError(f"cannot remove a file: {exc}") from exc


async def _chunks(found: "GetResult") -> AsyncIterator[bytes]:
    async for chunk in found.stream(min_chunk_size=_CHUNK_BYTES):
        yield bytes(chunk)

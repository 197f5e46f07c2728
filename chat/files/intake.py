"""From the bytes of a request to a stored file: bounded, checked, all of it or nothing."""

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar

from chat.files.ids import MEDIA_TYPE
from chat.files.kinds import HEAD_BYTES, kind_of
from chat.files.parts import BrokenPictureError, Picture
from chat.files.pictures import copy_picture, is_picture
from chat.files.storage import Storage, StorageError
from chat.settings import Settings, SettingsError

P = ParamSpec("P")
R = TypeVar("R")

_BUFFER_BYTES = 262_144
_UNFINISHED = ".part"


class TooLargeError(Exception):
    """A file has more bytes than it may."""


class RefusedKindError(Exception):
    """A file is of a type that is not taken; the text is for the one who sent it."""


@dataclass(frozen=True, slots=True)
class Received:
    """A file on this machine, ready to be stored."""

    path: Path
    kind: str
    size: int
    picture: Picture | None


class Intake:
    """Receives files into the spool of a storage.

    Args:
        storage: where they go afterwards.
        settings: which types, how large, how long one may take.

    Raises:
        SettingsError: the list of types is wrong.
    """

    def __init__(self, storage: Storage, settings: Settings) -> None:
        self.storage = storage
        self.kinds = tuple(
            kind.strip() for kind in settings.upload_types.split(",") if kind.strip()
        )
        for kind in self.kinds:
            if not MEDIA_TYPE.fullmatch(kind):
                raise SettingsError(f"CHAT_UPLOAD_TYPES: {kind!r} is no media type.")
        self._max_bytes = settings.upload_max_bytes
        self._stale_s = 2 * settings.upload_timeout

    @asynccontextmanager
    async def received(self, chunks: AsyncIterable[bytes]) -> AsyncIterator[Received]:
        """Yield what came, until the block ends; then nothing is left of it in the spool.

        Memory: one buffer, whatever the size of the file.

        Raises:
            TooLargeError, RefusedKindError: it is not taken.
            StorageError: there is no space for it.
        """
        name = secrets.token_hex(16)
        raw, clean = (self.storage.spool / f"{name}-{n}{_UNFINISHED}" for n in (1, 2))
        try:
            await self._write(chunks, raw)
            yield await _blocking(self._judged, raw, clean)
        finally:
            _remove(raw, clean)

    async def _write(self, chunks: AsyncIterable[bytes], path: Path) -> None:
        file = await _blocking(_create, path)
        try:
            waiting = bytearray()
            size = 0
            async for chunk in chunks:
                size += len(chunk)
                if size > self._max_bytes:
                    raise TooLargeError
                waiting += chunk
                if len(waiting) >= _BUFFER_BYTES:
                    await _blocking(file.write, bytes(waiting))
                    waiting.clear()
            await _blocking(file.write, bytes(waiting))
            await _blocking(file.flush)
        finally:
            await asyncio.shield(asyncio.to_thread(_close, file))

    def _judged(self, raw: Path, clean: Path) -> Received:
        """Say what a file is, and free a picture of what is not about it. Blocks."""
        with raw.open("rb") as file:
            kind = kind_of(file.read(HEAD_BYTES))
            if kind not in self.kinds:
                raise RefusedKindError(f"Files of the type {kind} are not taken here.")
            if not is_picture(kind):
                os.fsync(file.fileno())
                return Received(raw, kind, raw.stat().st_size, None)
        try:
            with _create(clean) as target:
                picture = copy_picture(raw, target, kind)
                target.flush()
                os.fsync(target.fileno())
        except BrokenPictureError as exc:
            raise RefusedKindError(f"That picture cannot be used: {exc}.") from None
        return Received(clean, kind, clean.stat().st_size, picture)

    def clear_stale(self) -> int:
        """Remove what crashed processes have left in the spool; return how much. Blocks."""
        oldest_s = time.time() - self._stale_s
        removed = 0
        for path in self.storage.spool.glob(f"*{_UNFINISHED}"):
            try:
                if path.stat().st_mtime < oldest_s:
                    path.unlink()
                    removed += 1
            except FileNotFoundError:
                continue  # it has been stored, or another process was quicker
        return removed


async def _blocking(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Do something with files in a thread.

    Raises:
        StorageError: it failed.
    """
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except OSError as exc:
        raise StorageError(f"cannot write to the spool: {exc}") from exc


def _create(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _close(file: BinaryIO) -> None:
    with suppress(OSError):  # the disk is full, which the write before has said
        file.close()


def _remove(*paths: Path) -> None:
    for path in paths:
        with suppress(OSError):  # the disk is gone or read-only; what it keeps, `clear_stale` finds
            path.unlink(missing_ok=True)

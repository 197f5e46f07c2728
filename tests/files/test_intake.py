"""A file arrives whole or not at all, and the spool is empty afterwards."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chat.files.folder import Folder
from chat.files.ids import new_id
from chat.files.intake import Intake, RefusedKindError, TooLargeError
from chat.files.storage import StorageError, open_storage
from chat.settings import Settings, SettingsError
from tests.support.pictures import GPS, exif, jpeg


def make_intake(folder: Path, **settings: Any) -> Intake:
    storage = open_storage(Settings(upload_store=str(folder), **settings))
    assert storage is not None
    return Intake(storage, Settings(upload_store=str(folder), **settings))


async def in_chunks(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def left_in(intake: Intake) -> list[str]:
    return os.listdir(intake.storage.spool)


async def test_what_came_is_stored_under_its_id_and_read_back(tmp_path: Path) -> None:
    intake = make_intake(tmp_path / "files")
    data = b"0123456789" * 60_000
    async with intake.received(in_chunks(data)) as received:
        assert (received.kind, received.size, received.picture) == ("text/plain", len(data), None)
        file_id = new_id(received.kind)
        assert await intake.storage.open(file_id) is None
        await intake.storage.put(file_id, received.path)
    stored = await intake.storage.open(file_id)
    assert stored is not None
    assert isinstance(stored.source, Path)
    assert stored.source.read_bytes() == data
    assert stored.source.stat().st_mode & 0o077 == 0
    assert left_in(intake) == []
    await intake.storage.remove(file_id)
    await intake.storage.remove(file_id)
    assert await intake.storage.open(file_id) is None


async def test_a_photo_is_stored_without_its_place(tmp_path: Path) -> None:
    intake = make_intake(tmp_path)
    async with intake.received(in_chunks(jpeg(40, 30, more=exif(6)))) as received:
        assert received.picture is not None
        assert (received.picture.width, received.picture.height) == (30, 40)
        assert GPS not in received.path.read_bytes()
        assert received.size == received.path.stat().st_size
    assert left_in(intake) == []


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"x" * 1001, TooLargeError),
        (b"\x7fELF" + bytes(60), RefusedKindError),
        (jpeg()[:60], RefusedKindError),
    ],
)
async def test_what_is_refused_leaves_nothing(
    tmp_path: Path, data: bytes, error: type[Exception]
) -> None:
    intake = make_intake(tmp_path, upload_max_bytes=1000)
    with pytest.raises(error):
        async with intake.received(in_chunks(data, 100)):
            raise AssertionError("it was taken")
    assert left_in(intake) == []


async def test_reading_stops_at_the_limit(tmp_path: Path) -> None:
    intake = make_intake(tmp_path, upload_max_bytes=1000)
    asked = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal asked
        while True:
            asked += 1
            yield b"x" * 100

    with pytest.raises(TooLargeError):
        async with intake.received(endless()):
            pass
    assert asked == 11


async def test_a_cancelled_upload_leaves_nothing(tmp_path: Path) -> None:
    intake = make_intake(tmp_path)
    has_begun = asyncio.Event()

    async def stuck() -> AsyncIterator[bytes]:
        yield b"x"
        has_begun.set()
        await asyncio.Event().wait()

    async def receive() -> None:
        async with intake.received(stuck()):
            pass

    task = asyncio.create_task(receive())
    await has_begun.wait()
    assert len(left_in(intake)) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert left_in(intake) == []


def test_what_a_crash_has_left_is_cleared_once_it_is_old(tmp_path: Path) -> None:
    intake = make_intake(tmp_path, upload_timeout=10.0)
    old, young, other = (intake.storage.spool / name for name in ("a.part", "b.part", "notes"))
    for path in (old, young, other):
        path.write_bytes(b"x")
    for path in (old, other):
        os.utime(path, (time.time() - 60, time.time() - 60))
    assert intake.clear_stale() == 1
    assert sorted(left_in(intake)) == ["b.part", "notes"]


async def test_nothing_but_an_id_names_a_file(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "files")
    (tmp_path / "secret").write_text("x")
    for name in ("../secret", "secret", "/etc/passwd", ""):
        with pytest.raises(ValueError, match="id"):
            await folder.open(name)


async def test_a_storage_that_fails_says_so(tmp_path: Path) -> None:
    intake = make_intake(tmp_path / "files")
    intake.storage.spool.rmdir()
    with pytest.raises(StorageError, match="spool"):
        async with intake.received(in_chunks(b"x")):
            pass


async def test_a_spool_that_can_neither_take_nor_give_up_says_what_failed_first(
    tmp_path: Path,
) -> None:
    intake = make_intake(tmp_path / "files")
    intake.storage.spool.rmdir()
    intake.storage.spool.touch()
    with pytest.raises(StorageError, match="spool"):
        async with intake.received(in_chunks(b"x")):
            pass


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"upload_store": "/proc/nothing"}, "CHAT_UPLOAD_STORE"),
        ({"upload_store": "s3://"}, "s3://BUCKET/PREFIX"),
        ({"upload_store": "s3://b", "upload_spool": "/proc/nothing"}, "CHAT_UPLOAD_SPOOL"),
    ],
)
def test_a_place_that_cannot_be_used_is_refused_at_the_start(
    settings: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        open_storage(Settings(**settings))


def test_types_that_are_none_are_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="CHAT_UPLOAD_TYPES: 'jpeg'"):
        make_intake(tmp_path, upload_types="image/png, jpeg")


def test_without_a_place_nothing_is_kept() -> None:
    assert open_storage(Settings()) is None

"""A bucket of a real S3-compatible server keeps files as a folder does."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from chat.files.ids import new_id
from chat.files.storage import Storage, StorageError, Stored, open_storage
from chat.settings import Settings
from tests.support import processes
from tests.support.object_store import ObjectStore

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("object-store")]


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectStore]:
    with asyncio.Runner() as runner:
        store = ObjectStore()
        runner.run(store.__aenter__())
        processes.session_pids.add(store.pid)
        try:
            yield store
        finally:
            runner.run(store.close())


def bucket(url: str, folder: Path, **settings: str) -> Storage:
    storage = open_storage(
        Settings(
            upload_store="s3://chat/files",
            upload_spool=str(folder),
            upload_s3_endpoint=url,
            upload_s3_key_id=settings.get("key", ObjectStore.KEY),
            upload_s3_secret=settings.get("secret", ObjectStore.SECRET),
        )
    )
    assert storage is not None
    return storage


async def read(stored: Stored | None) -> bytes:
    assert stored is not None
    assert isinstance(stored.source, AsyncIterator)
    data = b"".join([chunk async for chunk in stored.source])
    assert len(data) == stored.size
    return data


@pytest.mark.parametrize("size", [1, 12_000_000])
async def test_what_is_put_comes_back_until_it_is_removed(
    server: ObjectStore, tmp_path: Path, size: int
) -> None:
    storage = bucket(server.url, tmp_path)
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    (tmp_path / "file").write_bytes(data)
    file_id = new_id("application/zip")
    assert await storage.open(file_id) is None
    await storage.put(file_id, tmp_path / "file")
    assert await read(await storage.open(file_id)) == data
    await storage.remove(file_id)
    assert await storage.open(file_id) is None
    await storage.remove(file_id)


async def test_a_wrong_secret_is_an_error_that_can_be_told(
    server: ObjectStore, tmp_path: Path
) -> None:
    storage = bucket(server.url, tmp_path, secret="another")
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(StorageError, match="cannot keep a file"):
        await storage.put(new_id("text/plain"), tmp_path / "file")
    with pytest.raises(StorageError, match="cannot read a file"):
        await storage.open(new_id("text/plain"))
    with pytest.raises(StorageError, match="cannot remove a file"):
        await storage.remove(new_id("text/plain"))

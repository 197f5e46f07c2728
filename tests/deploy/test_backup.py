"""A backup of a Redis that writes, and rewrites its files, while it is taken."""

import asyncio
import os
import subprocess
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest
from redis import ResponseError

from tests.support.redis_server import RedisServer
from tests.support.waiting import until
from tests.support.worker import REPOSITORY

SCRIPT = REPOSITORY / "deploy" / "backup.sh"


def back_up(redis: RedisServer, archive: Path) -> None:
    """As on a host without containers."""
    environ = os.environ | {"REDIS_SHELL": "env", "REDIS_DATA": str(redis.data_dir)}
    subprocess.run([SCRIPT, archive], env=environ, check=True, capture_output=True, timeout=50)


@pytest.mark.slow
async def test_a_backup_has_all_that_was_written_before_it_whatever_redis_rewrites(
    tmp_path: Path,
) -> None:
    archive, folder = tmp_path / "redis.tgz", tmp_path / "restored" / "appendonlydir"
    with RedisServer() as redis:
        over = asyncio.Event()

        async def write() -> None:
            with redis.connect() as client:
                number = 0
                while not over.is_set():
                    number += 1
                    client.rpush("during", number)
                    if number % 50 == 0:
                        with suppress(ResponseError):  # the last one may be under way
                            client.bgrewriteaof()
                    await asyncio.sleep(0.002)

        for number in range(1000):
            redis.run("RPUSH", "before", number)
        writing = asyncio.create_task(write())
        await until(lambda: redis.run("LLEN", "during"), what="the first of them")
        earlier = redis.run("LLEN", "during")
        await asyncio.to_thread(back_up, redis, archive)
        later = redis.run("LLEN", "during")
        over.set()
        await writing
    assert archive.stat().st_mode & 0o777 == 0o600
    folder.mkdir(parents=True)
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    with RedisServer(folder.parent) as restored:
        assert restored.run("LLEN", "before") == 1000
        found = [int(text) for text in restored.run("LRANGE", "during", 0, -1)]
        assert found == list(range(1, len(found) + 1))
        assert earlier <= len(found) <= later


@pytest.mark.slow
def test_a_backup_that_fails_leaves_nothing_and_says_so(tmp_path: Path) -> None:
    archive = tmp_path / "redis.tgz"
    environ = os.environ | {"REDIS_SHELL": "false"}
    done = subprocess.run([SCRIPT, archive], env=environ, check=False, timeout=50)
    assert done.returncode
    assert list(tmp_path.iterdir()) == []

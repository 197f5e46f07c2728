"""`chat front servers --registered`: from workers that live to a HAProxy that uses them."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.front.certificates import Certificates
from tests.front.checking import check
from tests.front.conftest import StartCluster
from tests.support import logs
from tests.support.cluster import Supervised
from tests.support.command import Said, chat
from tests.support.haproxy import CONFIGURATION, Haproxy
from tests.support.ports import unused_port
from tests.support.redis_server import RedisServer
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(180)

KINDS = ["unix:{folder}/worker-{{slot}}.sock", "abns:chat-{port}-{{slot}}"]


@pytest.mark.parametrize("kind", KINDS)
async def test_haproxy_uses_the_workers_of_chat_up(
    redis_server: RedisServer, redis_prefix: str, certificates: Certificates, kind: str
) -> None:
    folder = logs.new_directory()
    pattern = kind.format(folder=folder, port=unused_port())
    path = folder / "servers.cfg"
    redis: dict[str, Any] = {"redis_url": redis_server.url, "redis_prefix": redis_prefix}
    own: dict[str, Any] = {"worker_sockets": pattern, "trusted_proxies": "127.0.0.1"}
    api = pattern.format(slot=0)  # it stands in for `chat api`
    write = ("front", "servers", "--registered", "--api", api, "--output", str(path))
    async with Supervised(redis_server, 2, redis_prefix=redis_prefix, **own):

        async def both() -> bool:
            said = await chat(*write, **redis)  # fails while nobody is registered
            return said.code == 0 and path.read_text().count(" check\n") == 3  # and the API

        await until(both, 40.0, what="both workers in the file")
        given = await chat("front", "servers", "--api", api, **redis, **own, workers=2)
        assert path.read_text() == given.out, "the same lines as from the settings"
        said = check(certificates, CONFIGURATION / "haproxy.cfg", path)
        assert "[WARNING]" not in said, said
        async with Haproxy(folder, path, certificates.folder) as haproxy:  # all are up
            assert len(haproxy.states("workers_by_room")) == 2
            assert haproxy.states("workers_by_room").keys() == haproxy.states("workers_any").keys()


async def test_a_file_tells_whether_it_changed_and_is_never_emptied(
    cluster: StartCluster, redis_server: RedisServer, redis_prefix: str, tmp_path: Path
) -> None:
    path = tmp_path / "servers.cfg"

    async def write(prefix: str = redis_prefix) -> Said:
        arguments = ("front", "servers", "--registered", "--output", str(path))
        return await chat(*arguments, redis_url=redis_server.url, redis_prefix=prefix)

    workers = await cluster(2)

    async def both() -> bool:
        path.unlink(missing_ok=True)
        said = await write()
        return said == (0, "changed\n", "") and path.read_text().count(" id ") == 2

    await until(both, 40.0, what="both workers in the file")
    text = path.read_text()
    for worker in workers.workers:
        assert f" 127.0.0.1:{worker.port} id " in text
    await workers[0].restart()
    assert await write() == (0, "unchanged\n", "")
    nobody = await write(f"{redis_prefix}-other")
    assert (nobody.code, nobody.out) == (1, "")
    assert nobody.err == "chat: No worker that a HAProxy on this host could reach is registered.\n"
    assert path.read_text() == text
    assert os.listdir(tmp_path) == ["servers.cfg"]


async def test_workers_that_share_a_port_are_one_server(
    redis_server: RedisServer, redis_prefix: str
) -> None:
    redis: dict[str, Any] = {"redis_url": redis_server.url, "redis_prefix": redis_prefix}
    async with Supervised(redis_server, 2, redis_prefix=redis_prefix) as up:

        async def listed() -> Said | None:
            said = await chat("front", "servers", "--registered", **redis)
            return said if said.code == 0 else None

        said = await until(listed, 40.0, what="workers in the list")
        assert said.out.count(f"server 127.0.0.1:{up.port} ") == 2  # by room, and for all
        assert said.out.count("server ") == 3  # and the API


async def test_without_redis_the_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "servers.cfg"
    path.write_text("as it was\n")
    url = f"redis://:the-password@127.0.0.1:{unused_port()}/0"
    said = await chat(
        "front", "servers", "--registered", "--output", str(path),
        redis_url=url, redis_connect_timeout=0.5,
    )  # fmt: skip
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("chat: Redis cannot be reached")
    assert "the-password" not in said.err
    assert path.read_text() == "as it was\n"

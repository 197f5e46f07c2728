"""`chat up --local` whole: its own Redis, real workers, and a clean end."""

import json
import signal
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from tests.support import http, processes
from tests.support.client import ChatClient
from tests.support.cluster import Supervised
from tests.support.tokens import token
from tests.support.waiting import until

pytestmark = pytest.mark.slow


def local(data_dir: Path) -> Supervised:
    arguments = ("--local", "--data-dir", str(data_dir))
    return Supervised(None, 2, arguments=arguments)


async def test_one_command_serves_the_page_and_ends_with_everything_it_started(
    tmp_path: Path,
) -> None:
    async with local(tmp_path / "data") as cluster:
        await until(lambda: "Chat is running" in cluster.log(), 40.0, what="the welcome")
        assert f"http://localhost:{cluster.port}" in cluster.log()
        assert str(tmp_path / "data") in cluster.log()
        assert (await http.get(cluster.port, "/")).status == 200
        token = await http.get(cluster.port, "/local/token?user=ann")
        assert json.loads(token.body)["token"] not in cluster.log()
        for path in ("/api/v1/health", "/docs"):
            assert (await http.get(cluster.port, path)).status == 200
        children = processes.children_of(cluster.pid)
        assert len(children) == 4, "two workers, the HTTP side and Redis"
        cluster.signal(signal.SIGINT)
        assert await cluster.wait_ended(40.0) == 0
    assert not {pid for pid in children if processes.command_line(pid)}
    assert "Traceback" not in cluster.log()
    assert (tmp_path / "data" / "appendonlydir").is_dir()


async def test_a_second_one_on_the_same_folder_is_refused_with_a_sentence(tmp_path: Path) -> None:
    async with local(tmp_path) as first:
        second = local(tmp_path)
        second.spawn()
        assert await second.wait_ended(40.0) == 78
        assert f"in use by another chat (process {first.pid})" in second.log()


async def test_sighup_replaces_real_workers(tmp_path: Path) -> None:
    async with local(tmp_path) as cluster:
        await until(lambda: "Chat is running" in cluster.log(), 40.0, what="the welcome")
        await cluster.hup()
        await until(lambda: "all workers are replaced" in cluster.log(), 40.0)
        assert await cluster.terminate(40.0) == 0
    assert "Traceback" not in cluster.log()


async def test_a_page_of_a_site_that_is_not_listed_is_told_of_in_the_log(tmp_path: Path) -> None:
    cluster = local(tmp_path)
    cluster.settings["allowed_origins"] = "http://localhost:3000"
    async with cluster:
        for origin in ("http://localhost:3000", f"http://localhost:{cluster.port}"):
            async with await ChatClient.connect(cluster.url, token("ann"), origin=origin):
                pass
        with pytest.raises(InvalidStatus):
            await ChatClient.connect(cluster.url, token("ann"), origin="http://localhost:3001")
        await until(lambda: "origin_refused" in cluster.log())
        [line] = [line for line in cluster.log().splitlines() if "origin_refused" in line]
        assert "origin=http://localhost:3001 setting=CHAT_ALLOWED_ORIGINS" in line

"""Workers that leave, are not ready, full or taken out by hand: clients are led around them."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from csv import DictReader
from pathlib import Path
from typing import Any

import pytest

from chat.cli import main
from tests.front.backends import backends
from tests.front.certificates import Certificates
from tests.front.conftest import Front, StartCluster, StartFront, StartHaproxy, addresses
from tests.support import logs
from tests.support.client import ChatClient
from tests.support.cluster import NO_LIMITS
from tests.support.haproxy import Haproxy
from tests.support.ports import unused_port
from tests.support.redis_server import RedisServer
from tests.support.waiting import until
from tests.support.worker import Process, wait_ready

pytestmark = pytest.mark.timeout(180)


@asynccontextmanager
async def clients(front: Front, count: int) -> AsyncIterator[list[ChatClient]]:
    """Hold connections."""
    held = [await front.connect(f"u{number}") for number in range(count)]
    try:
        yield held
    finally:
        for client in held:
            await client.close()


async def grown(front: Front, count: int) -> set[str]:
    """Open connections for a moment and return which workers got them."""
    before = front.haproxy.connections()
    async with clients(front, count):
        after = front.haproxy.connections()
    await until(lambda: front.haproxy.connections() == before, 30.0, what="the tunnels to end")
    return {name for name in after if after[name] > before[name]}


@pytest.mark.slow
async def test_a_worker_that_is_not_ready_gets_nothing_new_and_keeps_what_it_has(
    cluster: StartCluster,
    start_haproxy: StartHaproxy,
    fresh_redis: RedisServer,
    certificates: Certificates,
) -> None:
    common: dict[str, Any] = {"trusted_proxies": "127.0.0.1", **NO_LIMITS}
    quick = {"redis_timeout": 2.0, "redis_probe_interval": 0.2, "redis_probe_timeout": 2.0}
    well = await cluster(1, **common)
    ill = await cluster(1, redis=fresh_redis, **common, **quick)
    [first], [second] = addresses(well), addresses(ill)
    haproxy = await start_haproxy([first, second])
    front = Front(haproxy, well, certificates)
    async with clients(front, 4) as held:
        assert haproxy.connections() == {first: 2, second: 2}
        fresh_redis.stop()
        await until(lambda: is_down(haproxy, second), 30.0, what="the second down")
        assert await grown(front, 3) == {first}
        assert haproxy.connections() == {first: 2, second: 2}
        for client in held:
            assert (await client.command("ping"))["type"] == "pong"
        fresh_redis.start()
        await haproxy.wait_up(second)

        async def is_used() -> bool:
            return second in await grown(front, 4)

        await until(is_used, 30.0, what="a connection for the worker that came back, slowly")


def is_down(haproxy: Haproxy, name: str) -> bool:
    return haproxy.states()[name].startswith("DOWN")


def weights(haproxy: Haproxy) -> dict[str, int]:
    """Return how much of new connections each worker takes now, of 100."""
    rows = DictReader(haproxy.runtime.run("show stat -1 4 -1").removeprefix("# ").splitlines())
    return {row["addr"]: int(row["weight"]) for row in rows if row["pxname"] == "workers_any"}


@pytest.mark.slow
async def test_a_worker_that_comes_back_gets_its_share_slowly(start_haproxy: StartHaproxy) -> None:
    async with backends(["127.0.1.1"]) as port:
        first, second = f"127.0.1.1:{port}", f"127.0.1.2:{port}"
        async with backends(["127.0.1.2"], port):
            haproxy = await start_haproxy([first, second], slowstart="60s")
            assert weights(haproxy) == {first: 100, second: 100}
        await until(lambda: is_down(haproxy, second), 30.0, what="the second down")
        async with backends(["127.0.1.2"], port):
            await haproxy.wait_up(second, backend="workers_any")
            now = weights(haproxy)
            assert now[first] == 100
            assert now[second] < 20


async def test_a_worker_is_taken_out_by_hand_and_back(
    start_front: StartFront, capsys: pytest.CaptureFixture[str]
) -> None:
    front = await start_front(2)
    first, second = addresses(front.cluster)
    socket = str(front.haproxy.folder / "admin.sock")
    async with clients(front, 2) as held:
        assert main(["front", "drain", second, "--socket", socket]) == 0
        assert await grown(front, 3) == {first}
        for client in held:
            assert (await client.command("ping"))["type"] == "pong"
        assert main(["front", "state", "--socket", socket]) == 0
        shown = [line.split() for line in capsys.readouterr().out.splitlines()]
        assert ["workers_any", second, "DRAIN", "(agent)"][:3] in [row[:3] for row in shown]
        assert main(["front", "ready", second, "--socket", socket]) == 0
        await front.haproxy.wait_up(second, backend="workers_any")
        assert second in await grown(front, 4)
    assert main(["front", "drain", "worker-9", "--socket", socket]) == 1
    assert "No such server" in capsys.readouterr().err


def test_a_haproxy_that_is_not_there_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["front", "state", "--socket", str(tmp_path / "none")]) == 1
    assert "HAProxy does not answer" in capsys.readouterr().err


async def test_a_full_worker_sends_the_client_to_another_one(
    cluster: StartCluster, start_haproxy: StartHaproxy, certificates: Certificates
) -> None:
    common: dict[str, Any] = {"trusted_proxies": "127.0.0.1", **NO_LIMITS}
    small = await cluster(1, max_connections=1, **common)
    large = await cluster(1, **common)
    [first], [second] = addresses(small), addresses(large)
    haproxy = await start_haproxy([first, second])
    async with clients(Front(haproxy, large, certificates), 6):
        assert haproxy.connections() == {first: 1, second: 5}


@pytest.mark.slow
async def test_a_worker_that_is_stuck_costs_a_client_a_moment(start_front: StartFront) -> None:
    front = await start_front(2, front={"handshake_timeout": "2s"})
    front.cluster[1].pause()
    try:
        async with clients(front, 4):
            first, _ = addresses(front.cluster)
            assert front.haproxy.connections()[first] == 4
    finally:
        front.cluster[1].resume()


@pytest.mark.slow
async def test_a_worker_that_leaves_costs_no_handshake(
    cluster: StartCluster,
    start_haproxy: StartHaproxy,
    certificates: Certificates,
    redis_server: RedisServer,
    redis_prefix: str,
) -> None:
    """A `chat worker` on its own, as in a container: nobody else holds its listening socket."""
    staying = await cluster(1, trusted_proxies="127.0.0.1", **NO_LIMITS)
    settings = staying[0].settings | {"port": unused_port(), "ops_port": unused_port()}
    leaving = Process(
        [sys.executable, "-m", "chat", "worker"], settings, logs.new_directory() / "leaving.log"
    )
    leaving.spawn()
    try:
        await wait_ready(leaving, int(settings["ops_port"]), 20.0)
        haproxy = await start_haproxy([*addresses(staying), f"127.0.0.1:{settings['port']}"])
        await _connect_while_leaving(Front(haproxy, staying, certificates), leaving)
    finally:
        await leaving.kill()


async def _connect_while_leaving(front: Front, leaving: Process) -> None:
    opened = 0

    async def keep_connecting() -> None:
        nonlocal opened
        while True:
            await (await front.connect("ann")).close()
            opened += 1

    connecting = asyncio.create_task(keep_connecting())
    await asyncio.sleep(0.3)
    leaving.signal(signal.SIGTERM)
    await leaving.wait_ended()
    assert not connecting.done(), connecting.exception()
    gone = f"127.0.0.1:{leaving.settings['port']}"
    await until(lambda: front.haproxy.states()[gone].startswith("DOWN"), 30.0, what="it is down")
    before = opened
    await until(lambda: opened > before + 5 or connecting.done(), 30.0, what="further connections")
    assert not connecting.done(), connecting.exception()
    connecting.cancel()
    await asyncio.gather(connecting, return_exceptions=True)


@pytest.mark.slow
async def test_a_silent_client_outlives_every_timeout_but_that_of_the_worker(
    start_front: StartFront,
) -> None:
    front = await start_front(
        1, front={"tunnel_timeout": "8s"}, ping_interval=1.0, ping_timeout=5.0
    )
    async with clients(front, 1) as [client]:
        await asyncio.sleep(10.0)
        assert (await client.command("ping"))["type"] == "pong"

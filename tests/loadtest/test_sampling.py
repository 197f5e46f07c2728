"""What is read beside the clients: from real workers, a real Redis and this machine."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable

import pytest

from loadtest.sampling import operations, store
from loadtest.sampling.host import Host, parse_busy_s, parse_sockstat
from loadtest.sampling.operations import (
    OperationsError,
    OperationsPort,
    parse_metrics,
    parse_pids,
)
from loadtest.sampling.processes import parse_stat, usage
from loadtest.sampling.sampler import Sampler
from loadtest.sampling.store import Store, StoreError, derive
from tests.support.cluster import Cluster, Supervised
from tests.support.redis_server import RedisServer
from tests.support.waiting import until


async def test_workers_are_sampled_through_their_operations_ports(
    cluster: Callable[..., Awaitable[Cluster]],
    redis_server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (operations, store):
        monkeypatch.setattr(module, "_TIMEOUT_S", 30.0)  # a machine that stands still is no trouble
    workers = (await cluster(2)).workers
    ports = [f"http://127.0.0.1:{worker.ops_port}" for worker in workers]
    began_s = time.monotonic()

    async with Sampler(
        ops=ports,
        redis=redis_server.url,
        pids=[workers[0].pid],
        interval_s=0.2,
        clock=lambda: time.monotonic() - began_s,
    ) as sampler:
        await until(lambda: len(sampler.redis) >= 3, 40.0, what="three samples")

    assert sampler.troubles == {}
    names = {sample.worker for sample in sampler.workers}
    hosts = {f"127.0.0.1:{worker.ops_port}/0" for worker in workers}
    assert names == hosts | {f"pid {workers[0].pid}"}
    for sample in sampler.newest():
        assert sample.rss_kib
        assert sample.connections == 0 or sample.worker.startswith("pid")
    assert sampler.redis[-1].used_memory_kib > 0
    assert sampler.redis[-1].commands_per_s > 0, "our own INFO is one"
    assert sampler.host[-1].available_kib > 0


@pytest.mark.slow
async def test_workers_of_a_supervisor_are_sampled_with_their_process_ids(
    redis_server: RedisServer, redis_prefix: str
) -> None:
    async with Supervised(redis_server, 2, redis_prefix=redis_prefix) as chat:
        port = OperationsPort(f"http://127.0.0.1:{chat.ops_port}", alone=True)

        async def both() -> bool:
            states = await asyncio.to_thread(port.read)
            pids = {state.pid for state in states}
            return len(states) == 2 and pids == chat.worker_pids()

        await until(both, 40.0, what="two workers with their process ids")


async def test_what_cannot_be_read_is_said_once(unused_port: int) -> None:
    async with Sampler(
        ops=[f"http://127.0.0.1:{unused_port}"],
        redis=f"redis://:hidden@127.0.0.1:{unused_port}/0",
        pids=[],
        interval_s=0.02,
        clock=lambda: 0.0,
    ) as sampler:
        await until(lambda: len(sampler.host) >= 3, 30.0, what="three rounds")

    assert len(sampler.troubles) == 2
    assert not [sentence for sentence in sampler.troubles if "hidden" in sentence]


@pytest.mark.parametrize("url", ["127.0.0.1:9100", "file:///etc/passwd", "http://"])
def test_an_operations_port_is_an_http_address(url: str) -> None:
    with pytest.raises(OperationsError):
        OperationsPort(url, alone=True)


def test_what_is_no_redis_url_is_refused() -> None:
    with pytest.raises(StoreError, match="nonsense"):
        Store("nonsense://")


def test_only_our_metrics_are_read() -> None:
    text = """\
# HELP chat_worker_connections Open WebSocket connections.
# TYPE chat_worker_connections gauge
chat_worker_connections{worker="3"} 42.0
chat_rooms 7.0
chat_loop_lag_seconds_bucket{le="0.1",worker="3"} 5.0
chat_loop_lag_seconds_count{worker="3"} 5.0
chat_loop_lag_seconds_sum{worker="3"} 0.5
chat_publish_seconds_sum nonsense
"""

    (state,) = parse_metrics(text)

    assert (state.worker, state.connections, state.rooms) == ("3", 42, 7)
    assert (state.lag_s, state.lags) == (0.5, 5.0)
    assert state.rss_kib is None


@pytest.mark.parametrize("text", ["", "[]", '{"workers": 3}', '{"workers": [3]}'])
def test_what_is_not_readyz_is_refused(text: str) -> None:
    with pytest.raises(OperationsError):
        parse_pids(text)


def test_a_process_without_a_pid_in_readyz_is_left_out() -> None:
    assert parse_pids('{"workers": [{"slot": 0, "pid": null}, {"slot": 1, "pid": 5}]}') == {"1": 5}
    assert parse_pids('{"workers": [{"worker": 0, "id": "x", "state": "ready"}]}') == {}


def test_this_process_has_used_something() -> None:
    found = usage(os.getpid())

    assert found is not None
    assert found.cpu_s > 0
    assert found.rss_kib > 1000
    assert usage(2**22 + 1) is None


def test_a_process_may_be_called_anything() -> None:
    numbers = " ".join(str(n) for n in range(4, 53))
    assert parse_stat(f"1 (a) b ) c) S {numbers}") == parse_stat(f"1 (x) S {numbers}")


async def test_busy_cores_are_those_between_two_readings() -> None:
    host = Host()
    first, second = host.read(1.0), host.read(1000.0)  # however long it takes in truth

    assert first is not None
    assert second is not None
    assert first.busy_cores == 0
    assert 0 <= second.busy_cores <= (os.cpu_count() or 1)
    assert parse_busy_s("cpu  100 0 100 900 50 0 0 0 7 7\n") == 200 / os.sysconf("SC_CLK_TCK")
    assert parse_sockstat("sockets: used 9\nTCP: inuse 5 orphan 0 mem 3\n")["mem"] == 3


def test_rates_of_redis_are_of_the_time_between_two_answers() -> None:
    info = {
        "total_commands_processed": 1000,
        "total_net_input_bytes": 0,
        "total_net_output_bytes": 0,
        "used_memory": 2048,
        "used_cpu_sys": 1.0,
        "used_cpu_user": 0.5,
        "pubsub_channels": 3,
    }
    before = info | {"total_commands_processed": 400}

    assert derive(5.0, info, None).commands_per_s == 0
    assert derive(5.0, info, (3.0, before)).commands_per_s == 300
    # A Redis that was restarted counts from 0 again.
    assert derive(5.0, before, (3.0, info)).commands_per_s == 0

"""The stack in real containers: one command up, scaled, hurt, and locked down."""

import asyncio
import json
from http.client import HTTPConnection, HTTPSConnection
from typing import Any

import pytest

from tests.containers.engine import CommandError, Engine
from tests.containers.stack import IMAGE, Stack, workers_behind_haproxy
from tests.front.http3 import http3
from tests.support.client import ChatClient
from tests.support.traffic import Traffic
from tests.support.waiting import until

pytestmark = [pytest.mark.containers, pytest.mark.slow, pytest.mark.timeout(900)]

_SERVICES = ("redis", "worker", "haproxy")


async def connect(stack: Stack, user: str) -> ChatClient:
    return await ChatClient.connect(stack.url, stack.token(user), ssl=stack.tls())


def workers_of(clients: list[ChatClient]) -> set[str]:
    return {client.connected["serverInfo"]["workerId"] for client in clients}


def test_without_secrets_nothing_starts_and_the_missing_file_is_named(
    empty_secrets: Stack,
) -> None:
    with pytest.raises(CommandError) as caught:
        empty_secrets.up("redis", "worker")

    assert f"{empty_secrets.secrets}/" in str(caught.value)
    assert empty_secrets.containers("worker") == []
    assert empty_secrets.containers("redis") == []


async def test_three_workers_chat_through_tls(stack: Stack) -> None:
    await workers_behind_haproxy(stack, 3)
    clients = [await connect(stack, f"user{number}") for number in range(6)]
    try:
        assert len(workers_of(clients)) == 3
        for client in clients:
            await client.join("lobby")
        await clients[0].say("lobby", "hello from behind HAProxy")
        for client in clients:
            event = await client.wait_for("chat_message")
            assert event["content"] == "hello from behind HAProxy"
    finally:
        for client in clients:
            await client.close()


async def test_workers_come_and_go_under_traffic_and_no_reload(stack: Stack) -> None:
    [haproxy] = stack.containers("haproxy")
    started = stack.inspect(haproxy)["State"]["StartedAt"]

    async with Traffic(6, lambda user: connect(stack, user)) as traffic:
        await asyncio.to_thread(stack.up, "--no-recreate", "--scale=worker=5")
        await workers_behind_haproxy(stack, 5)
        newcomers = [await connect(stack, f"new{number}") for number in range(5)]
        assert len(workers_of(newcomers)) >= 2
        for client in newcomers:
            await client.close()
        await asyncio.to_thread(stack.up, "--no-recreate", "--scale=worker=3")
        await workers_behind_haproxy(stack, 3)

    assert len(traffic.acknowledged()) > 20
    assert stack.inspect(haproxy)["State"]["StartedAt"] == started


async def test_an_upgrade_replaces_every_worker_and_nothing_is_lost(
    engine: Engine, stack: Stack
) -> None:
    old = set(stack.containers("worker"))
    engine.docker("build", "--tag", IMAGE, "-", stdin=f"FROM {IMAGE}\nLABEL upgraded=yes")
    upgraded = stack.inspect(IMAGE)["Id"]

    async with Traffic(6, lambda user: connect(stack, user)):
        await asyncio.to_thread(stack.up, "--no-recreate", "--scale=worker=6")
        await workers_behind_haproxy(stack, 6)
        await asyncio.to_thread(stack.up, "--scale=worker=3")
        await workers_behind_haproxy(stack, 3)

    new = stack.containers("worker")
    assert len(new) == 3
    assert not old & set(new)
    assert {stack.inspect(each)["Image"] for each in new} == {upgraded}


async def test_a_killed_worker_is_started_again_and_nothing_is_lost(stack: Stack) -> None:
    async with Traffic(6, lambda user: connect(stack, user)) as traffic:
        victim = max(stack.containers("worker"), key=stack.connections)
        stack.crash(victim)
        await until(lambda: any(t.connects > 1 for t in traffic.talkers), 40.0, what="a return")
        await workers_behind_haproxy(stack, 3)

    assert stack.inspect(victim)["RestartCount"] == 1


def containers(stack: Stack) -> dict[str, dict[str, Any]]:
    return {service: stack.inspect(stack.containers(service)[0]) for service in _SERVICES}


def test_containers_can_do_no_more_than_they_must(stack: Stack) -> None:
    for service, found in containers(stack).items():
        host = found["HostConfig"]
        assert host["ReadonlyRootfs"], service
        assert host["CapDrop"] == ["ALL"], service
        assert not host["CapAdd"], service
        assert "no-new-privileges:true" in host["SecurityOpt"], service
        assert host["Init"], service
        assert host["Memory"] > 0, service
        assert host["PidsLimit"] > 0, service
        [limit] = [each for each in host["Ulimits"] if each["Name"] == "nofile"]
        assert limit["Hard"] >= 16384, service
        assert found["Config"]["User"].split(":")[0] not in ("", "0", "root"), service
        with pytest.raises(CommandError, match="Read-only file system"):
            stack.execute(found["Id"], "sh", "-c", "echo x > /usr/x")


def test_a_worker_has_the_time_it_needs_to_drain(stack: Stack) -> None:
    [worker, *_] = stack.containers("worker")
    settings = stack.execute(worker, "chat", "settings").splitlines()
    [drain] = [line.split()[-1] for line in settings if "CHAT_DRAIN_TIMEOUT" in line]

    assert stack.inspect(worker)["Config"]["StopTimeout"] >= float(drain) + 5


def test_only_haproxy_can_be_reached_and_only_from_this_host(stack: Stack) -> None:
    for service, found in containers(stack).items():
        published = [
            binding
            for bindings in found["NetworkSettings"]["Ports"].values()
            for binding in bindings or []
        ]
        assert bool(published) == (service == "haproxy"), service
        assert {binding["HostIp"] for binding in published} <= {"127.0.0.1"}, service


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
def test_operations_are_refused_from_outside(stack: Stack, path: str) -> None:
    connection = HTTPSConnection("localhost", stack.https_port, context=stack.tls(), timeout=30)
    connection.request("GET", path)
    assert connection.getresponse().status in (403, 404)
    connection.close()


async def test_http_3_comes_through_and_is_told_of(stack: Stack) -> None:
    async with http3(stack.https_port, stack.certificate, "localhost") as client:
        answer = await client.ask("/api/v1/health")
    assert answer.status == 200
    assert answer.headers["alt-svc"] == f'h3=":{stack.https_port}"; ma=3600'


def test_plain_http_leads_to_https(stack: Stack) -> None:
    connection = HTTPConnection("localhost", stack.http_port, timeout=30)
    connection.request("GET", "/")
    answer = connection.getresponse()
    assert answer.status in (301, 308)
    assert answer.headers["Location"].startswith("https://localhost")
    connection.close()


def test_no_secret_is_in_an_environment_or_a_command(stack: Stack) -> None:
    url = (stack.secrets / "redis-url").read_text().strip()
    password = url.partition("@")[0].rpartition(":")[2]
    key = (stack.secrets / "loadtest-jwt-secret").read_text().strip()
    shown = json.dumps(containers(stack)) + stack.logs()

    assert len(password) >= 32
    assert password not in shown
    assert key not in shown


def test_redis_keeps_messages_and_refuses_strangers(stack: Stack) -> None:
    [redis] = stack.containers("redis")
    url = (stack.secrets / "redis-url").read_text().strip().replace("@redis:", "@127.0.0.1:")

    def ask(*command: str) -> str:
        return stack.execute(redis, "redis-cli", "--no-auth-warning", "-u", url, *command)

    persistence = ask("INFO", "persistence")
    assert "aof_enabled:1" in persistence
    assert "maxmemory_policy:noeviction" in ask("INFO", "memory")
    assert "NOPERM" in ask("FLUSHALL")
    assert "NOPERM" in ask("CONFIG", "GET", "*")
    assert "NOPERM" in ask("SET", "another-system", "1")
    assert "NOAUTH" in stack.execute(redis, "redis-cli", "PING")


async def test_the_image_holds_nothing_that_builds(stack: Stack) -> None:
    [worker, *_] = stack.containers("worker")
    code = "import importlib.util as u; print([n for n in ('pip', 'hatchling') if u.find_spec(n)])"
    assert stack.execute(worker, "python", "-c", code).strip() == "[]"
    assert stack.execute(worker, "id", "-u").strip() == "10001"

    newer = stack.execute(worker, "find", "/opt/chat", "-mindepth", "1", "-newermt", "2026-01-02")
    assert newer == ""
    labels = stack.inspect(IMAGE)["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == "chat"

    def is_healthy() -> bool:
        return bool(stack.inspect(worker)["State"]["Health"]["Status"] == "healthy")

    await until(is_healthy, 60.0, what="the health check", interval_s=0.5)


def test_the_load_harness_runs_against_the_stack(stack: Stack, load_image: str) -> None:
    assert stack.inspect(load_image)
    patient = ("delivery_p50_ms", "delivery_p99_ms", "ack_p99_ms", "connect_p99_ms")
    said = stack.compose(
        "--profile=load",
        "run",
        "--rm",
        "--no-deps",
        "-T",
        "load",
        *("run", "chat-mix", "--url=wss://haproxy:8443/ws", "--insecure", "--plain"),
        *("--connections=40", "--ramp=40", "--rate=20", "--hold=3", "--agents=1"),
        "--set=traffic.churn_per_s=0",
        *(f"--set=thresholds.{name}=10000" for name in patient),
        "--out=/results/check",
    )
    assert "The test passed." in said

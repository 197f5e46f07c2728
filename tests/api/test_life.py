"""The life of `chat api`: ready, without Redis, leaving."""

import asyncio
import signal
import subprocess
import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families

from chat.ops.families import API_FAMILIES
from tests.api.conftest import StartApi
from tests.support import http
from tests.support.processes import paused
from tests.support.redis_server import RedisServer
from tests.support.waiting import until
from tests.support.worker import READY_TIMEOUT_S, REPOSITORY, environment

DATA = "/api/v1/rooms/lobby/history"


async def test_without_redis_rooms_are_unavailable_and_the_rest_goes_on(
    start_api: StartApi, fresh_redis: RedisServer
) -> None:
    api = await start_api(fresh_redis)
    assert (await api.ask(DATA)).status == 200
    fresh_redis.stop()
    answer = await api.ask(DATA)
    assert (answer.status, answer.code) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"
    assert answer.body["retryAfterMs"] == 1000
    assert (await api.ask("/api/v1/health", None)).status == 200

    async def is_red() -> bool:
        ready = await http.get(api.ops_port, "/readyz")
        return ready.status == 503 and "Redis is away" in ready.body

    await until(is_red)
    assert (await http.get(api.ops_port, "/healthz")).status == 200
    fresh_redis.start()
    await until(api.ready)
    assert (await api.ask(DATA)).status == 200


@pytest.mark.slow
async def test_it_starts_without_redis_and_says_so(
    start_api: StartApi, fresh_redis: RedisServer
) -> None:
    first = await start_api(fresh_redis)
    fresh_redis.stop()
    await first.restart(wait=False)

    async def answers() -> bool:
        try:
            return (await http.get(first.port, "/api/v1/health")).status == 200
        except (ConnectionError, TimeoutError):  # it waits for Redis, but not for long
            return False

    await until(answers, READY_TIMEOUT_S)
    assert not await first.ready()
    assert (await first.ask(DATA)).code == "unavailable"


async def test_it_counts_requests_by_route_and_status(start_api: StartApi) -> None:
    api = await start_api()
    await api.ask(DATA)
    await api.ask("/api/v1/rooms/other/history")
    await api.ask(DATA, None)
    await api.ask("/nothing/of/this/kind", None)
    await http.get(api.port, "/static/app.js")
    await http.request("X-Y", api.port, "/")
    page = (await http.get(api.ops_port, "/metrics")).body
    families = {family.name: family for family in text_string_to_metric_families(page)}
    for family in API_FAMILIES:
        assert families[family.name.removesuffix("_total")].samples or family.label, family
    counts = {
        (sample.labels["route"], sample.labels["method"], sample.labels["status"]): sample.value
        for sample in families["chat_api_requests"].samples
    }
    history = "/api/v1/rooms/{roomId}/history"
    assert counts == {
        (history, "GET", "200"): 2,
        (history, "GET", "401"): 1,
        ("none", "GET", "404"): 1,
        ("/static/{file}", "GET", "200"): 1,
        ("none", "other", "405"): 1,
    }
    assert families["chat_api_redis_up"].samples[0].value == 1
    assert families["chat_api_requests_in_flight"].samples[0].value == 0


@pytest.mark.slow
async def test_readiness_turns_red_before_the_door_closes(start_api: StartApi) -> None:
    api = await start_api(api_drain_delay=4.0)
    api.signal(signal.SIGTERM)
    await until(api.is_leaving)
    answer = await api.ask(DATA)  # the door is still open
    assert answer.status == 200
    assert answer.headers["connection"] == "close"
    assert await api.wait_ended() == 0
    assert "api_ended" in api.log()


@pytest.mark.slow
async def test_a_request_in_flight_is_answered_before_it_ends(
    start_api: StartApi, fresh_redis: RedisServer
) -> None:
    api = await start_api(fresh_redis, redis_timeout=30.0)
    in_flight = "chat_api_requests_in_flight 1.0"

    async def is_under_way() -> bool:
        return in_flight in (await http.get(api.ops_port, "/metrics")).body

    with paused(fresh_redis.pid):
        asked = asyncio.create_task(api.ask(DATA))
        await until(is_under_way)
        api.signal(signal.SIGTERM)
        await until(api.is_leaving)
    assert (await asked).status == 200
    assert await api.wait_ended() == 0


async def test_a_second_signal_hurries(start_api: StartApi) -> None:
    api = await start_api(api_drain_delay=600.0)
    api.signal(signal.SIGTERM)
    await until(api.is_leaving)
    api.signal(signal.SIGTERM)
    assert await api.wait_ended() == 0


@pytest.mark.slow
def test_wrong_settings_are_one_sentence() -> None:
    for name, value in (("trusted_proxies", "foo"), ("jwt_secret", ""), ("redis_url", "x")):
        done = subprocess.run(
            [sys.executable, "-m", "chat", "api"],
            env=environment({"api_port": 0, "ops_port": 0, name: value}),
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 78, done
        [line] = done.stderr.splitlines()
        assert f"CHAT_{name.upper()}" in line

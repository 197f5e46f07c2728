"""What becomes of messages when the hook is away or busy, and when a worker leaves."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.screening.conftest import Site
from tests.support.client import ChatClient
from tests.support.cluster import Cluster
from tests.support.hook_server import ALLOW, Answer, Gate, HookServer, Question
from tests.support.http import get
from tests.support.waiting import until

Connect = Callable[..., Awaitable[ChatClient]]


async def test_beyond_the_queue_clients_hear_busy_and_a_leaving_worker_waits_for_the_rest(
    site: Site, hook: HookServer, connect: Connect, asked: str
) -> None:
    small: dict[str, Any] = {
        "publish_hook_concurrency": 2,
        "publish_hook_queue": 1,
        "publish_hook_timeout": 30,
    }
    gate = Gate()

    async def judge(_question: Question) -> Answer:
        await gate.passed()
        return ALLOW

    hook.judge = judge
    async with Cluster(site.redis, 1, **(site.settings | small)) as cluster:
        worker = cluster[0]
        clients = [await connect(worker, user, asked) for user in ("ann", "ben", "cleo")]
        first = asyncio.create_task(clients[0].say(asked, "asked"))
        await until(lambda: hook.asked)
        others = {asyncio.create_task(client.say(asked, "waits")) for client in clients[1:]}
        turned_away, waiting = await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
        answer = turned_away.pop().result()
        assert (answer["code"], answer["retryAfterMs"]) == ("busy", 1000)

        async def is_counted() -> bool:
            metrics = (await get(worker.ops_port, "/metrics")).body
            return 'chat_publish_hook_waiting{worker="0"} 1.0' in metrics

        await until(is_counted)
        ending = asyncio.create_task(worker.terminate())
        await asyncio.sleep(0.2)
        gate.open()
        stored = await asyncio.gather(first, *waiting)
        assert [answer["seq"] for answer in stored] == [1, 2]
        assert [(await client.wait_closed()).code for client in clients] == [1012] * 3
        assert await ending == 0


async def test_if_so_set_messages_pass_while_the_hook_is_away(
    site: Site, connect: Connect, asked: str
) -> None:
    settings: dict[str, Any] = site.settings | {
        "publish_hook_when_away": "pass",
        "publish_hook_pause": 60.0,
    }
    async with Cluster(site.redis, 1, **settings) as cluster:
        ann = await connect(cluster[0], "ann", asked)
        for content in ("1", "2", "3", "4"):
            assert (await ann.say(asked, content))["type"] == "ack"

        async def is_counted() -> bool:
            metrics = (await get(cluster[0].ops_port, "/metrics")).body.splitlines()
            return {
                'chat_publish_hook_answers_total{outcome="away"} 4.0',
                'chat_publish_hook_answers_total{outcome="failed"} 3.0',
                'chat_publish_hook_open{worker="0"} 1.0',
            } <= set(metrics)

        await until(is_counted)

"""Reports of messages, posted by `chat hooks`: the reports that are kept are the queue."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.client import ChatClient
from tests.support.cluster import Cluster, shared
from tests.support.hooks import Dispatching
from tests.support.receiver import Receiver
from tests.support.redis_server import RedisServer
from tests.support.reports import kept
from tests.support.waiting import until


@pytest.fixture(scope="module")
def workers(redis_server: RedisServer) -> Iterator[Cluster]:
    with shared(redis_server, 1, webhooks=True) as made:
        yield made


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as made:
        yield made


def settings_of(redis: RedisServer, prefix: str, **more: Any) -> dict[str, Any]:
    return {"redis_url": redis.url, "redis_prefix": prefix, **more}


def message(number: int, room: str = "lobby") -> dict[str, Any]:
    return {"roomId": room, "messageId": f"m{number}", "userId": "ben", "content": str(number)}


def numbers(events: list[dict[str, Any]]) -> list[int]:
    return [int(event["message"]["content"]) for event in events]


async def test_a_report_is_posted_with_the_message_as_it_was(
    workers: Cluster, receiver: Receiver, room: str
) -> None:
    async with (
        Dispatching(workers[0].settings, receiver.url),
        await ChatClient.connect(workers[0].url, workers.token("ann")) as ann,
    ):
        await ann.join(room)
        said = await ann.say(room, "Buy this")
        place = {"roomId": room, "seq": said["seq"], "messageId": said["messageId"]}
        await ann.command("report_message", **place, reason="spam")
        [told] = await receiver.until(1, "report_created", room=room)
    copy = told.pop("message")
    assert (copy["type"], copy["content"], copy["seq"]) == ("chat_message", "Buy this", said["seq"])
    report_id = told.pop("reportId")
    assert told == {
        "eventId": f"/reports:{report_id}",
        "type": "report_created",
        "timestamp": int(report_id.partition("-")[0]),
        "roomId": room,
        "by": "ann",
        "reason": "spam",
    }
    assert all(taken.is_signed for taken in receiver.deliveries)


async def test_reports_made_while_nobody_took_them_are_told_later_in_order_and_once(
    redis_server: RedisServer, redis_prefix: str, receiver: Receiver
) -> None:
    settings = settings_of(redis_server, redis_prefix, webhook_batch_events=4)
    async with kept(redis_server, redis_prefix, webhooks=True) as reports:
        for number in range(9):
            assert await reports.add("ann", message(number), "spam")
        assert not await reports.add("ann", message(3), "again")
        receiver.answer = lambda _events: (503, {})
        async with Dispatching(settings, receiver.url):
            await until(lambda: receiver.deliveries, what="a failed attempt")
        receiver.answer = lambda _events: (204, {})
        async with Dispatching(settings, receiver.url) as hooks:
            assert numbers(await receiver.until(9, "report_created")) == list(range(9))
            await reports.add("ann", message(9), "spam")
            assert numbers(await receiver.until(10, "report_created")) == list(range(10))
            await until(lambda: hooks.metric("chat_hooks_rooms_due") == 0, what="nothing due")
    assert receiver.doubles() == 0


async def test_what_is_not_kept_any_more_is_told_as_a_gap(
    redis_server: RedisServer, redis_prefix: str, receiver: Receiver
) -> None:
    settings = settings_of(redis_server, redis_prefix)
    async with kept(redis_server, redis_prefix, webhooks=True, reports_size=3) as reports:
        for number in range(5):
            await reports.add("ann", message(number), "spam")
        async with Dispatching(settings, receiver.url):
            told = await receiver.until(4, "report_created", "gap")
    assert (told[0]["type"], told[0]["reason"]) == ("gap", "trimmed")
    assert (told[0]["fromSeq"], told[0]["toSeq"], "roomId" in told[0]) == (1, 2, False)
    assert numbers(told[1:]) == [2, 3, 4]


async def test_reports_whose_time_is_over_hide_none_that_is_kept(
    redis_server: RedisServer, redis_prefix: str, receiver: Receiver
) -> None:
    settings = settings_of(redis_server, redis_prefix, webhook_batch_events=2)
    async with kept(redis_server, redis_prefix, webhooks=True) as reports:
        for number in range(8):
            await reports.add("ann", message(number), "spam")
        stream = reports.page(None, 10)
        for entry in (await stream)[2:]:  # as who keeps no notes for hooks forgets them
            redis_server.run("XDEL", f"{redis_prefix}:{{/control}}:reports", entry.entry_id)
        async with Dispatching(settings, receiver.url):
            told = await receiver.until(3, "report_created", "gap")
    assert (told[0]["fromSeq"], told[0]["toSeq"]) == (1, 6)
    assert numbers(told[1:]) == [6, 7]


async def test_an_endpoint_hears_of_reports_if_it_asks_for_them_and_in_its_rooms(
    redis_server: RedisServer, redis_prefix: str, receiver: Receiver, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(receiver.secret)
    async with Receiver() as other:
        config = tmp_path / "webhooks.toml"
        endpoint = '[[endpoint]]\nname = "{}"\nurl = "{}"\nsecret_file = "secret"\n'
        config.write_text(
            endpoint.format("desk", receiver.url)
            + 'rooms = ["team-*"]\nevents = ["report_created"]\n'
            + endpoint.format("crm", other.url)
            + 'events = ["chat_message", "message_*"]\n'
        )
        settings = settings_of(redis_server, redis_prefix, webhooks_file=str(config))
        async with (
            kept(redis_server, redis_prefix, webhooks=True) as reports,
            Dispatching(settings) as hooks,
        ):
            for number, room in enumerate(("lobby", "team-7", "private:x", "team-8")):
                await reports.add("ann", message(number, room), "spam")
            assert numbers(await receiver.until(2, "report_created")) == [1, 3]
            await until(lambda: hooks.metric("chat_hooks_rooms_due") == 0, what="nothing due")
    assert other.deliveries == []

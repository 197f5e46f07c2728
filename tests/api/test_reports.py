"""Reported messages: once per user and message, with a copy, for who may moderate everywhere."""

import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from chat.identity.apikeys import Scope
from chat.protocol.errors import CommandError, ErrorCode
from tests.api.conftest import Site
from tests.api.site import Answer
from tests.support import http
from tests.support.client import ChatClient, Event
from tests.support.redis_server import RedisServer
from tests.support.reports import kept
from tests.support.tokens import token
from tests.support.waiting import until

Enter = Callable[..., Awaitable[ChatClient]]
MODERATOR = token("mod", rooms={"*": ["moderate"]})


async def report(client: ChatClient, room: str, message: Event, reason: str = "spam") -> Event:
    place = {"roomId": room, "seq": message["seq"], "messageId": message["messageId"]}
    return await client.command("report_message", **place, reason=reason)


def place_of(message: Event) -> Event:
    return {"seq": message["seq"], "messageId": message["messageId"]}


async def counted(site: Site) -> float:
    """Return how many reports the HTTP side says it took."""
    page = (await http.get(site.api.ops_port, "/metrics")).body
    return float(re.findall(r"^chat_api_messages_reported_total (.+)$", page, re.MULTILINE)[0])


async def reports(site: Site, query: str = "") -> Any:
    return (await site.api.read(f"/api/v1/reports{query}", MODERATOR)).body["reports"]


async def test_a_report_holds_the_message_as_it_was_and_is_noted_in_the_trail(
    site: Site, room: str, enter: Enter
) -> None:
    rights = {"*": ["join", "publish", "delete", "react"]}
    ann, ben = await enter("ann"), await enter("ben", rooms=rights)
    said = await ben.say(room, "buy this")
    place = {"roomId": room, "seq": said["seq"], "messageId": said["messageId"]}
    await ben.command("add_reaction", **place, reaction="+1")
    answer = await report(ann, room, said)
    assert answer.keys() == {"type", "id", "roomId", "messageId"}
    assert (answer["roomId"], answer["messageId"]) == (room, said["messageId"])
    assert (await report(ann, room, said, "other words"))["duplicate"] is True
    await ben.command("delete_message", **place)
    assert (await report(ann, room, said))["duplicate"] is True
    assert (await report(ben, room, said))["code"] == "message_gone"
    [found] = [one for one in await reports(site) if one["message"]["roomId"] == room]
    assert found.pop("reportId")
    assert abs(found.pop("timestamp") - time.time() * 1000) < 60_000
    copy = found.pop("message")
    assert found == {"by": "ann", "reason": "spam"}
    assert (copy["type"], copy["userId"], copy["content"]) == ("chat_message", "ben", "buy this")
    assert (copy["seq"], copy["messageId"]) == (said["seq"], said["messageId"])
    assert "reactions" not in copy
    trail = (await site.api.read("/api/v1/audit?limit=10", MODERATOR)).body["entries"]
    [entry] = [one for one in trail if one["act"] == "report_message" and one["roomId"] == room]
    assert (entry["by"], entry["userId"], entry["reason"]) == ("ann", "ben", "spam")
    assert entry["messageId"] == said["messageId"]


async def test_a_message_is_reported_over_http_as_over_a_connection(
    site: Site, room: str, enter: Enter
) -> None:
    rights = {"*": ["join", "publish", "delete"]}
    ben = await enter("ben", rooms=rights)
    said = await ben.say(room, "buy this")
    path, body = f"/api/v1/rooms/{room}/reports", place_of(said) | {"reason": "spam"}
    before = await counted(site)
    bearer = token("ann")
    first = await site.api.send(path, body, bearer, {"Idempotency-Key": '"r-1"'})
    ack = {"type": "ack", "roomId": room, "messageId": said["messageId"]}
    assert (first.status, first.body) == (201, ack)
    again = await site.api.send(path, body, bearer, {"Idempotency-Key": '"r-1"'})
    assert (again.status, again.body) == (200, ack | {"duplicate": True})
    async with await ChatClient.connect(site.worker.url, token("ann")) as ann:
        await ann.join(room)
        assert (await report(ann, room, said))["duplicate"] is True
    assert (await site.api.send(path, body | {"userId": "dora"}, site.keys.all)).status == 201
    await ben.command("delete_message", roomId=room, **place_of(said))
    assert (await site.api.send(path, body, bearer)).status == 200
    gone = await site.api.send(path, body, token("cleo"))
    assert (gone.status, gone.code) == (410, "message_gone")
    assert gone.headers["content-type"] == "application/problem+json"
    found = [one for one in await reports(site) if one["message"]["roomId"] == room]
    assert [one["by"] for one in found] == ["dora", "ann"]
    assert {one["message"]["content"] for one in found} == {"buy this"}
    assert await counted(site) == before + 2


async def test_over_http_too_only_who_may_read_a_room_reports_what_is_there(
    site: Site, room: str, enter: Enter
) -> None:
    ben = await enter("ben")
    path = f"/api/v1/rooms/{room}/reports"
    body = place_of(await ben.say(room, "x")) | {"reason": "spam"}
    ban = {"userId": "eve", "reason": "x"}
    assert (await site.api.send(f"/api/v1/rooms/{room}/ban", ban, MODERATOR)).status == 200
    reader, elsewhere = (
        site.keys.make(Scope.READ),
        site.keys.make(Scope.PUBLISH, rooms=("elsewhere-*",)),
    )
    await until(lambda: _is_known(site, elsewhere))
    by_ann = body | {"userId": "ann"}
    for bearer, sent, code in (
        (None, body, "not_authenticated"),
        (token("ann", rooms={"*": ["publish"]}), body, "forbidden"),
        (token("eve"), body, "banned"),
        (token("ann"), body | {"userId": "ben"}, "forbidden"),
        (reader, by_ann, "forbidden"),
        (elsewhere, by_ann, "forbidden"),
        (site.keys.all, body, "invalid_message"),
        (site.keys.all, body | {"userId": "a\nb"}, "invalid_message"),
        (token("ann"), body | {"reason": ""}, "invalid_message"),
        (token("ann"), body | {"messageId": "other"}, "message_gone"),
        (token("ann"), body | {"seq": 99}, "message_gone"),
    ):
        assert (await site.api.send(path, sent, bearer)).code == code


async def test_who_is_not_in_a_private_room_reports_nothing_there(site: Site, room: str) -> None:
    owner, private = token("ann", rooms={"*": ["create", "join", "publish"]}), f"private:{room}"
    made = await site.api.send("/api/v1/rooms", {"roomId": private}, owner)
    assert made.status == 201
    path = f"/api/v1/rooms/{private}"
    said = await site.api.send(f"{path}/messages", {"content": "x"}, owner)
    body = place_of(said.body) | {"reason": "spam"}
    assert (await site.api.send(f"{path}/reports", body, token("ben"))).code == "forbidden"
    assert (await site.api.send(f"{path}/reports", body, owner)).status == 201


async def test_only_members_report_and_only_what_is_there(
    site: Site, room: str, enter: Enter
) -> None:
    ann = await enter("ann")
    said = await ann.say(room, "x")
    async with await ChatClient.connect(site.worker.url, token("ben")) as ben:
        assert (await report(ben, room, said))["code"] == "not_joined"
    assert (await report(ann, room, {**said, "messageId": "other"}))["code"] == "message_gone"
    assert (await report(ann, room, {**said, "seq": 99}))["code"] == "message_gone"
    for reason in ("", "x" * 501):
        assert (await report(ann, room, said, reason))["code"] == "invalid_message"


async def test_a_report_is_resolved_once_and_found_by_its_state(
    site: Site, room: str, enter: Enter
) -> None:
    ann = await enter("ann")
    for content in ("one", "two"):
        assert (await report(ann, room, await ann.say(room, content)))["type"] == "ack"
    newest, older = (await reports(site, "?limit=2"))[:2]
    page = (await site.api.read("/api/v1/reports?limit=1", MODERATOR)).body
    assert page == {"reports": [newest], "before": newest["reportId"]}
    assert (await reports(site, f"?limit=1&before={page['before']}")) == [older]

    async def resolve(note: str) -> Answer:
        path = f"/api/v1/reports/{older['reportId']}/resolve"
        return await site.api.send(path, {"note": note}, MODERATOR)

    first = await resolve("warned")
    assert (first.status, first.body) == (200, {"type": "ack"})
    assert (await resolve("banned")).body == {"type": "ack", "duplicate": True}
    [resolved] = [
        one for one in await reports(site, "?state=resolved") if one["message"]["roomId"] == room
    ]
    assert abs(resolved["resolved"].pop("timestamp") - time.time() * 1000) < 60_000
    assert resolved == {**older, "resolved": {"by": "mod", "note": "warned"}}
    assert newest in await reports(site, "?state=open")
    assert older not in await reports(site, "?state=open")
    entry = (await site.api.read("/api/v1/audit?limit=1", MODERATOR)).body["entries"][0]
    assert (entry["act"], entry["by"], entry["reason"]) == ("resolve_report", "mod", "warned")
    assert (entry["userId"], entry["messageId"]) == ("ann", older["message"]["messageId"])


async def test_reports_are_for_who_moderates_everywhere(site: Site) -> None:
    path = "/api/v1/reports/1-1/resolve"
    for rooms in ({"*": ["join"]}, {"a*": ["moderate"]}):
        bearer = token("ann", rooms=rooms)
        assert (await site.api.read("/api/v1/reports", bearer)).code == "forbidden"
        assert (await site.api.send(path, {}, bearer)).code == "forbidden"
    assert (await site.api.ask("/api/v1/reports", None)).code == "not_authenticated"
    key = site.keys.make(Scope.MODERATE)
    await until(lambda: _is_known(site, key))
    missing = await site.api.send(path, {}, key)
    assert (missing.status, missing.code) == (404, "not_found")
    bad = "/api/v1/reports/first/resolve"
    assert (await site.api.send(bad, {}, key)).code == "invalid_message"


async def _is_known(site: Site, key: str) -> bool:
    return (await site.api.read("/api/v1/reports", key)).status != 401


def message(number: int) -> dict[str, Any]:
    return {"roomId": "lobby", "messageId": f"m{number}", "userId": "ben", "content": "x"}


async def test_a_user_reports_no_more_than_so_many_an_hour(
    redis_server: RedisServer, redis_prefix: str
) -> None:
    async with kept(redis_server, redis_prefix, reports_per_hour=2) as some:
        for number in (1, 2):
            assert await some.add("ann", message(number), "spam")
        with pytest.raises(CommandError) as refused:
            await some.add("ann", message(3), "spam")
        assert refused.value.code is ErrorCode.RATE_LIMITED
        assert 3_500_000 < (refused.value.retry_after_ms or 0) <= 3_600_000
        assert not await some.add("ann", message(1), "spam")
        assert await some.add("cleo", message(3), "spam")


async def test_the_oldest_give_way_and_are_not_counted_any_more(
    redis_server: RedisServer, redis_prefix: str
) -> None:
    async with kept(redis_server, redis_prefix, reports_size=3) as some:
        for number in range(3):
            await some.add("ann", message(number), "spam")
        first, second = list(reversed(await some.page(None, 10)))[:2]
        for entry in (first, second):
            assert await some.resolve(entry, "mod", None) == "ok"
        assert await some.count() == 1
        await some.add("ann", message(3), "spam")
        assert [entry.reported.by for entry in await some.page(None, 10)] == ["ann"] * 3
        assert await some.find(first.entry_id) is None
        assert await some.resolve(first, "mod", None) == "gone"
        assert await some.count() == 2


async def test_reports_are_forgotten_after_their_time(
    redis_server: RedisServer, redis_prefix: str
) -> None:
    async with kept(redis_server, redis_prefix, reports_ttl=2.0) as some:
        await some.add("ann", message(1), "spam")
        assert await some.count() == 1

        async def is_forgotten() -> bool:
            return await some.count() == 0 and not await some.page(None, 10)

        await until(is_forgotten)
        assert await some.add("ann", message(1), "again")

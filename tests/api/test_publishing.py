"""Publishing over HTTP: one message like any other, whoever sends it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from chat.identity.apikeys import Scope
from tests.api.conftest import Site, StartApi
from tests.api.keys import Keys
from tests.api.site import Answer
from tests.support import http
from tests.support.client import ChatClient
from tests.support.processes import paused
from tests.support.redis_server import RedisServer
from tests.support.tokens import token
from tests.support.waiting import until

Enter = Callable[..., Awaitable[ChatClient]]
MODERATOR = {"*": ["join", "publish", "moderate"]}


def at(room: str) -> str:
    return f"/api/v1/rooms/{room}/messages"


async def test_a_user_is_heard_by_members_and_told_the_place(
    site: Site, enter: Enter, room: str
) -> None:
    ben = await enter("ben")
    sent = {"content": "Hello!", "clientMessageId": "c-1"}
    answer = await site.api.send(at(room), sent, token("ann", user={"name": "Ann"}))
    heard = await ben.wait_for("chat_message")
    assert answer.status == 201
    assert answer.headers["content-type"] == "application/json"
    assert answer.body == {
        "type": "ack",
        "roomId": room,
        "epoch": heard["epoch"],
        "seq": 1,
        "messageId": heard["messageId"],
        "clientMessageId": "c-1",
        "timestamp": heard["timestamp"],
    }
    assert (heard["userId"], heard["user"], heard["content"]) == ("ann", {"name": "Ann"}, "Hello!")


async def test_a_back_end_speaks_in_the_name_of_a_user(site: Site, enter: Enter, room: str) -> None:
    ben = await enter("ben")
    sent = {"content": "Build 7 failed.", "userId": "ci", "user": {"name": "CI", "bot": True}}
    answer = await site.api.send(at(room), sent, site.keys.all)
    assert (answer.status, answer.body["seq"]) == (201, 1)
    heard = await ben.wait_for("chat_message")
    assert (heard["userId"], heard["user"]) == ("ci", {"name": "CI", "bot": True})


@pytest.mark.parametrize("in_header", [True, False])
async def test_a_retry_is_stored_once_and_told_the_first_place(
    site: Site, enter: Enter, room: str, in_header: bool
) -> None:
    ben = await enter("ben")
    sent: dict[str, Any] = {"content": "once", "userId": "ci"}
    headers = {"Idempotency-Key": '"job 7"'} if in_header else {}
    if not in_header:
        sent["clientMessageId"] = "job 7"
    first = await site.api.send(at(room), sent, site.keys.all, headers)
    again = await site.api.send(at(room), sent, site.keys.all, headers)
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body | {"duplicate": True}
    await site.api.publish(room, "next", "cleo")
    assert [(await ben.wait_for("chat_message"))["content"] for _ in range(2)] == ["once", "next"]


async def test_both_names_of_an_id_are_one_and_hold_over_a_websocket_too(
    site: Site, enter: Enter, room: str
) -> None:
    ann = await enter("ann")
    first = await ann.say(room, "once", "c-1")
    body = {"content": "once", "clientMessageId": "c-1"}
    again = await site.api.send(at(room), body, token("ann"), {"Idempotency-Key": "c-1"})
    assert again.status == 200
    assert (again.body["seq"], again.body["messageId"]) == (first["seq"], first["messageId"])


async def test_many_retries_at_once_store_one_message(site: Site, room: str) -> None:
    sent = {"content": "once", "clientMessageId": "c-1"}
    answers = await asyncio.gather(
        *(site.api.send(at(room), sent, token("ann")) for _ in range(20))
    )
    assert sorted(answer.status for answer in answers) == [200] * 19 + [201]
    assert {answer.body["seq"] for answer in answers} == {1}


async def test_two_ids_that_differ_are_refused(site: Site, room: str) -> None:
    body = {"content": "x", "clientMessageId": "a"}
    answer = await site.api.send(at(room), body, token("ann"), {"Idempotency-Key": '"b"'})
    assert (answer.status, answer.code) == (400, "invalid_message")
    assert "differ" in answer.body["detail"]


async def test_replies_threads_and_mentions_are_those_of_the_protocol(
    site: Site, enter: Enter, room: str
) -> None:
    ben = await enter("ben")
    root = (await site.api.publish(room, "root")).body
    of_root = {"seq": root["seq"], "messageId": root["messageId"]}
    sent = {
        "content": "reply",
        "replyTo": of_root,
        "threadId": root["messageId"],
        "mentions": ["ben", "cleo", "ben"],
    }
    assert (await site.api.send(at(room), sent, token("ann"))).status == 201
    await ben.wait_for("chat_message")
    heard = await ben.wait_for("chat_message")
    assert heard["replyTo"] == of_root
    assert heard["threadId"] == root["messageId"]
    assert heard["mentions"] == ["ben", "cleo"]
    many = {"content": "x", "mentions": [f"user-{number}" for number in range(1000)]}
    assert (await site.api.send(at(room), many, token("ann"))).code == "invalid_message"


async def test_messages_of_both_ways_are_in_one_order(site: Site, enter: Enter, room: str) -> None:
    ann = await enter("ann")
    seqs = []
    for number in range(10):
        if number % 2:
            seqs.append((await ann.say(room, str(number)))["seq"])
        else:
            seqs.append((await site.api.publish(room, str(number), "ben")).body["seq"])
    assert seqs == list(range(1, 11))


# ------------------------------------------------------------------------ who may


async def test_a_token_has_to_allow_publishing(site: Site, room: str) -> None:
    for rooms in ({"*": ["join"]}, {"*": ["moderate"]}, {"other": ["publish"]}, None):
        answer = await site.api.publish(room, "x", "ann", rooms=rooms)
        assert (answer.status, answer.code) == (403, "forbidden")
    assert (await site.api.publish(room, "x", "ann", rooms={room: ["publish"]})).status == 201


@pytest.mark.parametrize("more", [{"userId": "ben"}, {"userId": "ann"}, {"user": {"name": "Ben"}}])
async def test_a_user_cannot_speak_for_another(site: Site, room: str, more: dict[str, Any]) -> None:
    answer = await site.api.send(at(room), {"content": "x", **more}, token("ann"))
    assert (answer.status, answer.code) == (403, "forbidden")


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, "in whose name"),
        ({"userId": ""}, "userId"),
        ({"userId": "u" * 129}, "userId"),
        ({"userId": "a\nb"}, "printable"),
        ({"userId": "ann", "user": {"bio": "x" * 512}}, "512 bytes"),
        ({"userId": "ann", "user": "Ann"}, "object"),
    ],
)
async def test_a_back_end_has_to_name_a_user(
    site: Site, room: str, more: dict[str, Any], why: str
) -> None:
    answer = await site.api.send(at(room), {"content": "x", **more}, site.keys.all)
    assert (answer.status, answer.code) == (400, "invalid_message")
    assert why in answer.body["detail"]


async def test_nobody_publishes_nothing(site: Site, room: str) -> None:
    answer = await site.api.send(at(room), {"content": "x"}, None)
    assert (answer.status, answer.code) == (401, "not_authenticated")


# ------------------------------------------------------------------------ the body


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed_json"),
        (b"{", 400, "malformed_json"),
        (b'{"content":"\xff"}', 400, "malformed_json"),
        (b'{"x":' + b"[" * 10_000, 400, "too_deep"),
        (b"[]", 400, "invalid_message"),
        (b"{}", 400, "invalid_message"),
        (b'{"content":7}', 400, "invalid_message"),
        (b'{"content":""}', 400, "invalid_message"),
        (b'{"content":"x","clientMessageId":""}', 400, "invalid_message"),
        (b'{"content":"x","clientMessageId":7}', 400, "invalid_message"),
        (json.dumps({"content": "x" * 8193}).encode(), 413, "content_too_long"),
    ],
)
async def test_a_body_that_is_wrong_is_refused_with_a_code(
    site: Site, room: str, body: bytes, status: int, code: str
) -> None:
    answer = await site.api.send(at(room), body, token("ann"))
    assert (answer.status, answer.code) == (status, code)


async def test_fields_of_a_newer_client_are_ignored(site: Site, room: str) -> None:
    body = {"content": "x", "colour": "red", "type": "y", "roomId": "z"}
    answer = await site.api.send(at(room), body, token("ann"))
    assert (answer.status, answer.body["roomId"]) == (201, room)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_other_types_are_refused(site: Site, room: str, kind: str) -> None:
    answer = await site.api.send(at(room), {"content": "x"}, token("ann"), {"Content-Type": kind})
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


async def test_the_type_may_have_parameters(site: Site, room: str) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    answer = await site.api.send(at(room), {"content": "x"}, token("ann"), headers)
    assert answer.status == 201


async def test_a_room_id_is_judged_as_elsewhere(site: Site) -> None:
    answer = await site.api.send(at("a%20b"), {"content": "x"}, token("ann"))
    assert (answer.status, answer.code) == (400, "invalid_room")


async def test_the_room_says_what_can_be_done_at_its_messages(site: Site, room: str) -> None:
    answer = await http.get(site.api.port, at(room))
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


# ------------------------------------------------------------------------- limits


async def test_slow_mode_holds_users_back_and_moderators_not(
    start_api: StartApi, room: str
) -> None:
    api = await start_api(slow_mode=f"{room}=60")
    assert (await api.publish(room, "first")).status == 201
    answer = await api.publish(room, "second")
    assert (answer.status, answer.code) == (429, "slow_mode")
    assert 30 < int(answer.headers["retry-after"]) <= 60
    assert (await api.publish(room, "another's", "ben")).status == 201
    assert (await api.publish(room, "third", "ann", rooms=MODERATOR)).status == 201


async def test_a_back_end_is_held_back_by_the_limits_of_the_user_it_names(
    start_api: StartApi, keys: Keys, room: str
) -> None:
    key = keys.make(Scope.PUBLISH)
    api = await start_api(
        api_keys_file=str(keys.path), user_messages_per_s=0.01, user_messages_burst=2
    )
    said = {"content": "x", "userId": "ann"}
    statuses = [(await api.send(at(room), said, key)).status for _ in range(3)]
    assert statuses == [201, 201, 429]
    assert (await api.send(at(room), said | {"userId": "ben"}, key)).status == 201
    assert (await api.send(at(room), said, keys.all)).status == 201  # it may moderate


async def test_a_user_pays_for_publishing(start_api: StartApi, room: str) -> None:
    api = await start_api(user_messages_per_s=0.01, user_messages_burst=2)
    answers = [await api.publish(room, "x") for _ in range(3)]
    assert [answer.status for answer in answers] == [201, 201, 429]
    assert answers[2].code == "rate_limited"


# ------------------------------------------------------------------------- faults


async def test_without_redis_it_is_unavailable_and_certain(
    start_api: StartApi, fresh_redis: RedisServer, room: str
) -> None:
    api = await start_api(fresh_redis)
    fresh_redis.stop()
    answer = await api.publish(room, "x")
    while "uncertain" in answer.body:  # it was under way when the connection broke
        answer = await api.publish(room, "x")
    assert (answer.status, answer.code) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"


@pytest.mark.slow
async def test_what_redis_does_not_answer_is_uncertain_and_safe_to_repeat(
    start_api: StartApi, fresh_redis: RedisServer, room: str
) -> None:
    api = await start_api(fresh_redis, redis_timeout=1.0)
    sent = {"content": "x", "clientMessageId": "c-1"}
    with paused(fresh_redis.pid):
        answer = await api.send(at(room), sent, token("ann"))
    assert (answer.status, answer.code) == (503, "unavailable")
    assert answer.body["uncertain"] is True

    async def again() -> Answer | None:
        found = await api.send(at(room), sent, token("ann"))
        return None if found.status == 503 else found

    stored = await until(again, interval_s=0.2)
    assert stored.body["seq"] == 1
    page = await http.get(api.ops_port, "/metrics")
    assert "\nchat_api_publish_uncertain_total 0.0" not in page.body


async def test_too_few_replicas_are_said_and_the_message_is_there(
    start_api: StartApi, room: str
) -> None:
    api = await start_api(redis_wait_replicas=1, redis_wait_timeout=0.1)
    answer = await api.publish(room, "x")
    assert (answer.status, answer.code) == (503, "not_replicated")
    assert answer.body["uncertain"] is True
    page = await api.ask(f"/api/v1/rooms/{room}/history")
    assert page.body["headSeq"] == 1

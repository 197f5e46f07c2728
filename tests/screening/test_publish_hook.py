"""The hook decides what is stored, on every way in, and holds up nobody else."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.screening.conftest import FAILURES, PAUSE_S, TIMEOUT_S, Site
from tests.support.client import ChatClient
from tests.support.hook_server import ALLOW, Answer, Gate, HookServer, Question
from tests.support.http import get
from tests.support.tokens import token
from tests.support.waiting import until

Connect = Callable[..., Awaitable[ChatClient]]
EDITOR: dict[str, Any] = {"rooms": {"*": ["join", "publish", "edit", "moderate"]}}


async def contents(client: ChatClient, room: str) -> list[str]:
    page = await client.command("history", roomId=room, limit=100)
    return [message["content"] for message in page["messages"]]


async def send(site: Site, room: str, content: str, **more: Any) -> Any:
    path = f"/api/v1/rooms/{room}/messages"
    return await site.api.send(path, {"content": content, **more}, token("ann", **EDITOR))


async def test_it_is_asked_who_says_what_where_and_what_it_allows_is_stored(
    site: Site, hook: HookServer, connect: Connect, asked: str
) -> None:
    ann = await connect(site.worker, "ann", asked, user={"name": "Ann"}, **EDITOR)
    first = await ann.say(asked, "hello")
    said = await ann.command(
        "chat_message",
        roomId=asked,
        content="hi ben",
        clientMessageId="a-1",
        mentions=["ben", "ben"],
        replyTo={"seq": first["seq"], "messageId": first["messageId"]},
        threadId=first["messageId"],
    )
    edited = await ann.command(
        "edit_message", roomId=asked, seq=1, messageId=first["messageId"], content="hello!"
    )
    assert (said["seq"], edited["seq"]) == (2, 3)
    assert await contents(ann, asked) == ["hello!", "hi ben"]
    who = {"roomId": asked, "userId": "ann", "user": {"name": "Ann"}}
    assert hook.asked == [
        {"kind": "chat_message", "content": "hello", **who},
        {
            "kind": "chat_message",
            "content": "hi ben",
            "mentions": ["ben"],
            "clientMessageId": "a-1",
            "replyTo": {"seq": 1, "messageId": first["messageId"]},
            "threadId": first["messageId"],
            **who,
        },
        {
            "kind": "edit_message",
            "content": "hello!",
            "seq": 1,
            "messageId": first["messageId"],
            **who,
        },
    ]
    assert len(set(hook.ids)) == 3


async def test_what_it_refuses_is_stored_nowhere_and_the_sender_hears_why(
    site: Site, hook: HookServer, connect: Connect, asked: str
) -> None:
    ann = await connect(site.worker, "ann", asked, **EDITOR)
    said = await ann.say(asked, "fine")
    hook.says({"action": "refuse", "message": "Be kind."})
    place = {"roomId": asked, "seq": said["seq"], "messageId": said["messageId"]}
    for answer in (
        await ann.say(asked, "mean"),
        await ann.command("edit_message", **place, content="mean"),
    ):
        assert (answer["code"], answer["message"]) == ("content_refused", "Be kind.")
        assert answer["roomId"] == asked
    published = await send(site, asked, "mean")
    assert (published.status, published.code) == (422, "content_refused")
    assert published.body["detail"] == "Be kind."
    path = f"/api/v1/rooms/{asked}/messages/{said['messageId']}?seq={said['seq']}"
    patched = await site.api.send(path, {"content": "mean"}, token("ann", **EDITOR), method="PATCH")
    assert (patched.status, patched.code) == (422, "content_refused")
    assert [question["kind"] for question in hook.asked[-2:]] == ["chat_message", "edit_message"]
    assert await contents(ann, asked) == ["fine"]
    hook.says({"action": "refuse"})
    assert (await ann.say(asked, "x"))["message"] == "This message was refused."


async def test_what_it_replaces_is_what_everybody_sees(
    site: Site, hook: HookServer, connect: Connect, asked: str
) -> None:
    ann, ben = [await connect(site.worker, user, asked, **EDITOR) for user in ("ann", "ben")]
    hook.says({"action": "replace", "content": "b***", "mentions": ["cleo"]})
    said = await ann.command("chat_message", roomId=asked, content="bust", mentions=["dan"])
    seen = await ben.wait_for("chat_message")
    assert (seen["content"], seen["mentions"]) == ("b***", ["cleo"])
    hook.says({"action": "replace", "content": "c***"})
    place = {"roomId": asked, "seq": said["seq"], "messageId": said["messageId"]}
    await ann.command("edit_message", **place, content="cast", mentions=["dan"])
    seen = await ben.wait_for("message_edited")
    assert (seen["content"], seen["mentions"]) == ("c***", ["dan"])
    assert (await send(site, asked, "cold")).status == 201
    assert await contents(ann, asked) == ["c***", "c***"]
    metrics = (await get(site.api.ops_port, "/metrics")).body
    assert 'chat_api_publish_hook_answers_total{outcome="replaced"} 1.0' in metrics


async def test_messages_keep_their_order_when_answers_come_out_of_order(
    site: Site, hook: HookServer, connect: Connect, asked: str
) -> None:
    gates = {str(number): Gate() for number in range(8)}

    async def judge(question: Question) -> Answer:
        await gates[question["content"]].passed()
        return {"action": "refuse"} if question["content"] == "3" else ALLOW

    hook.judge = judge
    ann = await connect(site.worker, "ann", asked)
    sent = [asyncio.create_task(ann.say(asked, content)) for content in gates]
    await until(lambda: len(hook.asked) == len(gates))
    for gate in reversed(gates.values()):
        gate.open()
        await asyncio.sleep(0.01)
    answers = await asyncio.gather(*sent)
    assert [answer.get("seq") for answer in answers] == [1, 2, 3, None, 4, 5, 6, 7]
    assert await contents(ann, asked) == ["0", "1", "2", "4", "5", "6", "7"]


async def test_a_flood_of_one_connection_is_stored_whole_and_in_order(
    site: Site, hook: HookServer, connect: Connect, asked: str
) -> None:
    ann = await connect(site.worker, "ann", asked)
    wanted = [str(number) for number in range(60)]
    for content in wanted:
        await ann.send(type="chat_message", roomId=asked, content=content)
    await ann.command("ping")
    await until(lambda: len(ann.messages(asked)) == 60)
    assert await contents(ann, asked) == wanted


async def test_a_slow_hook_holds_up_no_other_connection_and_no_other_room(
    site: Site, hook: HookServer, connect: Connect, asked: str, room: str
) -> None:
    gate = Gate()

    async def judge(question: Question) -> Answer:
        if question["content"] == "slow":
            await gate.passed()
        return ALLOW

    hook.judge = judge
    ann, ben = [await connect(site.worker, user, asked) for user in ("ann", "ben")]
    for client in (ann, ben):
        await client.join(f"also-{asked}")
        await client.join(room)
    slow = asyncio.create_task(ann.say(asked, "slow"))
    await until(lambda: hook.asked)
    assert (await ben.say(asked, "quick"))["seq"] == 1
    assert (await ben.say(f"also-{asked}", "quick"))["seq"] == 1
    assert (await ann.say(f"also-{asked}", "quick"))["seq"] == 2
    assert (await ann.say(room, "not asked about"))["seq"] == 1
    assert (await ann.command("ping"))["type"] == "pong"
    assert not slow.done()
    gate.open()
    assert (await slow)["seq"] == 2


async def test_a_change_waits_for_the_messages_sent_before_it(
    site: Site, hook: HookServer, connect: Connect, asked: str
) -> None:
    gate = Gate()

    async def judge(question: Question) -> Answer:
        if question["content"] == "slow":
            await gate.passed()
        return ALLOW

    ann = await connect(site.worker, "ann", asked, **EDITOR)
    said = await ann.say(asked, "first")
    hook.judge = judge
    slow = asyncio.create_task(ann.say(asked, "slow"))
    await until(lambda: len(hook.asked) == 2)
    place = {"roomId": asked, "seq": said["seq"], "messageId": said["messageId"]}
    edit = asyncio.create_task(ann.command("edit_message", **place, content="second"))
    await asyncio.sleep(0.05)
    gate.open()
    assert ((await slow)["seq"], (await edit)["seq"]) == (2, 3)


async def test_a_message_whose_sender_is_gone_is_stored_when_it_is_allowed(
    site: Site, hook: HookServer, connect: Connect, asked: str
) -> None:
    gate = Gate()

    async def judge(_question: Question) -> Answer:
        await gate.passed()
        return ALLOW

    hook.judge = judge
    ann, ben = [await connect(site.worker, user, asked) for user in ("ann", "ben")]
    await ann.send(type="chat_message", roomId=asked, content="last words")
    await until(lambda: hook.asked)
    await ann.abort()
    gate.open()
    assert (await ben.wait_for("chat_message"))["content"] == "last words"


async def test_a_retry_is_asked_about_once_and_gets_the_same_answer(
    site: Site, hook: HookServer, connect: Connect, asked: str
) -> None:
    ann = await connect(site.worker, "ann", asked, **EDITOR)
    first = await ann.say(asked, "hello", "a-1")
    hook.says({"action": "refuse", "message": "Not any more."})
    again = await ann.say(asked, "hello", "a-1")
    assert (again["seq"], again["messageId"], again["duplicate"]) == (1, first["messageId"], True)
    over_http = await send(site, asked, "hello", clientMessageId="a-1")
    assert (over_http.status, over_http.body["duplicate"]) == (200, True)
    place = {"roomId": asked, "seq": 1, "messageId": first["messageId"], "clientMessageId": "a-2"}
    hook.says(ALLOW)
    edited = await ann.command("edit_message", **place, content="hello!")
    hook.says({"action": "refuse", "message": "No."})
    assert (await ann.command("edit_message", **place, content="hello!"))["seq"] == edited["seq"]
    assert len(hook.asked) == 2
    refused = [await ann.say(asked, "bad", "a-3")]
    hook.says({"action": "refuse", "message": "Still no."})
    refused += [await ann.say(asked, "bad", "a-3")]
    assert [answer["message"] for answer in refused] == ["No.", "No."]
    assert len(hook.asked) == 3
    assert (await ann.say(asked, "another text", "a-3"))["message"] == "Still no."


async def test_a_retry_that_overtakes_the_answer_waits_for_it(
    site: Site, hook: HookServer, connect: Connect, asked: str
) -> None:
    gate = Gate()

    async def judge(_question: Question) -> Answer:
        await gate.passed()
        return ALLOW

    hook.judge = judge
    tabs = [await connect(site.worker, "ann", asked) for _ in range(2)]
    said = [asyncio.create_task(tab.say(asked, "once", "a-1")) for tab in tabs]
    await until(lambda: hook.asked)
    await asyncio.sleep(0.05)
    gate.open()
    answers = await asyncio.gather(*said)
    assert [answer["seq"] for answer in answers] == [1, 1]
    assert sorted(answer.get("duplicate", False) for answer in answers) == [False, True]
    assert len(hook.asked) == 1


NONSENSE = {
    "no JSON": web.Response(text="yes"),
    "not an object": web.json_response([1]),
    "no action": web.json_response({}),
    "an unknown action": web.json_response({"action": "maybe"}),
    "nothing to replace it with": web.json_response({"action": "replace"}),
    "an empty content": web.json_response({"action": "replace", "content": ""}),
    "a content that is too long": web.json_response({"action": "replace", "content": "x" * 8193}),
    "words without end": web.json_response({"action": "refuse", "message": "x" * 501}),
    "an answer without end": web.Response(text='{"action": "allow", "x": "' + "x" * 70_000 + '"}'),
    "no UTF-8": web.Response(body=b'{"action": "refuse", "message": "\xff"}'),
    "an error": web.Response(status=500),
    "another place": web.Response(status=302, headers={"Location": "/check"}),
}


async def test_an_answer_that_is_none_is_taken_for_no_answer(
    site: Site, hook: HookServer, connect: Connect, asked: str
) -> None:
    ann = await connect(site.worker, "ann", asked)
    for what, nonsense in NONSENSE.items():
        hook.says(nonsense)
        refused = await ann.say(asked, what)
        assert refused.get("code") == "unavailable", what
        assert (refused["retryAfterMs"], refused["roomId"]) == (1000, asked)
    assert len(hook.asked) == len(NONSENSE)  # none of it is an outage
    hook.says(web.Response(status=204))
    assert (await ann.say(asked, "fine"))["type"] == "ack"
    assert await contents(ann, asked) == ["fine"]


async def test_a_hook_that_says_that_it_is_overloaded_is_left_alone(
    site: Site, hook: HookServer, connect: Connect, asked: str
) -> None:
    ann = await connect(site.worker, "ann", asked)

    async def judge(_question: Question) -> Answer:
        return web.Response(status=503)

    hook.judge = judge
    began_s = time.monotonic()
    for _ in range(FAILURES + 5):
        assert (await ann.say(asked, "x"))["code"] == "unavailable"
    trials = (time.monotonic() - began_s) / PAUSE_S  # that the hook may get on a busy machine
    assert FAILURES <= len(hook.asked) <= FAILURES + trials
    hook.says(ALLOW)

    async def is_back() -> bool:
        return bool((await ann.say(asked, "back"))["type"] == "ack")

    await until(is_back)


async def test_an_outage_costs_a_few_timeouts_and_then_none_until_it_is_over(
    site: Site, hook: HookServer, connect: Connect, asked: str
) -> None:
    gate = Gate()

    async def judge(_question: Question) -> Answer:
        await gate.passed()
        return ALLOW

    hook.judge = judge
    ann = await connect(site.worker, "ann", asked)
    began_s = time.monotonic()
    hung = await asyncio.gather(*(ann.say(asked, "hangs") for _ in range(4)))
    assert {answer["code"] for answer in hung} == {"unavailable"}
    assert time.monotonic() - began_s > TIMEOUT_S * 0.9
    assert len(hook.asked) == 4  # side by side: after three in a row nobody would have asked
    for _ in range(10):
        assert (await ann.say(asked, "at once"))["code"] == "unavailable"
    trials = (time.monotonic() - began_s - TIMEOUT_S) / PAUSE_S  # none, unless it took so long
    assert len(hook.asked) <= 4 + trials
    gate.open()

    async def is_back() -> bool:
        return bool((await ann.say(asked, "back"))["type"] == "ack")

    await until(is_back)
    assert await contents(ann, asked) == ["back"]


async def test_a_hook_that_is_restarted_costs_nothing_but_the_time_it_is_away(
    site: Site, hook: HookServer, connect: Connect, asked: str
) -> None:
    ann = await connect(site.worker, "ann", asked)
    assert (await ann.say(asked, "before"))["type"] == "ack"
    await hook.close()
    await hook.open()
    assert (await ann.say(asked, "right after"))["type"] == "ack"
    await hook.close()
    assert (await ann.say(asked, "away"))["code"] == "unavailable"
    await hook.open()

    async def is_back() -> bool:
        return bool((await ann.say(asked, "back"))["type"] == "ack")

    await until(is_back)
    assert (await contents(ann, asked))[:2] == ["before", "right after"]


async def test_who_is_banned_or_says_too_much_is_not_even_asked_about(
    site: Site, hook: HookServer, connect: Connect, asked: str
) -> None:
    ann = await connect(site.worker, "ann", asked)
    mod = await connect(site.worker, "mod", **EDITOR)
    assert (await ann.say(asked, "x" * 8193))["code"] == "content_too_long"
    await mod.command("mute_user", roomId=asked, userId="ann")
    assert (await ann.say(asked, "x", "a-1"))["code"] == "muted"
    assert not hook.asked
    assert (await ann.say(asked, "x"))["code"] == "muted"

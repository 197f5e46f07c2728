"""Two people chat in two windows of a real browser, and things go wrong meanwhile."""

import os
import signal

import pytest
from playwright.async_api import Route

from tests.browser.conftest import OpenWindow, shares_a_loop
from tests.browser.speech import publish
from tests.browser.window import ONLINE, Window, becomes
from tests.support.cluster import NO_LIMITS, Supervised
from tests.support.redis_server import RedisServer
from tests.support.tokens import token
from tests.support.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300), shares_a_loop]

ROOM = "tea-room"  # of tests with a Redis of their own


async def test_who_was_offline_has_every_message_once_and_in_order(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    ada, grace = await open_window(site), await open_window(site, color_scheme="dark")
    await ada.enter("Ada Lovelace", room)
    await grace.enter("Grace Hopper", room)
    before = ["Is the new build on the staging machine?", "It is, since about eight."]
    await ada.say(before[0])
    await grace.wait_texts(before[0])
    await grace.say(before[1])
    await ada.wait_texts(*before)

    await ada.page.context.set_offline(True)
    meanwhile = [f"While you were away, number {number}." for number in range(1, 6)]
    await grace.say(*meanwhile)
    await ada.say("Written in a tunnel.")
    await ada.wait_phase("offline", "waiting")
    await grace.wait_texts(*before, *meanwhile)
    assert await ada.texts() == before
    await becomes(lambda: ada.texts("queued"), ["Written in a tunnel."])
    await ada.shot("offline")

    await ada.page.context.set_offline(False)
    everything = [*before, *meanwhile, "Written in a tunnel."]
    await ada.wait_texts(*everything)
    await grace.wait_texts(*everything)
    await ada.wait_phase(ONLINE)
    await becomes(lambda: ada.texts("queued"), [])
    await ada.shot("back-online")
    await grace.shot("other-window-dark")


async def test_a_script_in_a_message_is_text(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    ada, eve = await open_window(site), await open_window(site)
    await ada.enter("Ada", room)
    await eve.enter('"><img src=x onerror=alert(1)>', room)
    attacks = [
        "<img src=x onerror=\"document.body.dataset.owned = 'yes'\">",
        "<script>document.body.dataset.owned = 'yes'</script>",
        'javascript:alert(1) https://example.com/?q="><script>alert(1)</script>',
    ]
    await eve.say(*attacks)
    await ada.wait_texts(*attacks)
    assert await ada.page.locator("#chat img, #chat script").count() == 0
    assert await ada.page.locator("body[data-owned]").count() == 0
    assert await ada.page.locator("#messages a").get_attribute("href") == "https://example.com/?q="


async def test_the_page_comes_back_by_itself_when_workers_are_replaced(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    ada, grace = await open_window(site), await open_window(site)
    await ada.enter("Ada", room)
    await grace.enter("Grace", room)
    await ada.say("before")
    await grace.wait_texts("before")
    await site.hup()
    await until(lambda: ada.connections > 1 and grace.connections > 1, 40, what="new connections")
    await ada.say("after")
    await grace.say("both are here")
    await grace.wait_phase(ONLINE)
    await until(lambda: _agree(ada, grace, 3), 40, what="both windows agree")


async def test_killed_workers_cost_none_of_three_people_a_message(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    ada, grace, hedy = await open_window(site), await open_window(site), await open_window(site)
    everyone = (ada, grace, hedy)
    for window, name in zip(everyone, ("Ada", "Grace", "Hedy"), strict=True):
        await window.enter(name, room)
    await ada.say("before")
    for window in everyone:
        await window.wait_texts("before")
    for pid in site.worker_pids():
        os.kill(pid, signal.SIGKILL)
    for window in everyone:
        await window.say("into the void")
    await until(lambda: all(each.connections > 1 for each in everyone), 40, what="new connections")
    await until(lambda: _agree(ada, grace, 4), 40, what="two windows agree")
    await hedy.say("after")
    await until(lambda: _agree(ada, hedy, 5), 40, what="all windows agree")
    assert await ada.texts() == ["before", *["into the void"] * 3, "after"]


async def test_a_token_that_ends_is_asked_for_and_replaced_without_a_break(
    redis_server: RedisServer, redis_prefix: str, open_window: OpenWindow
) -> None:
    async with Supervised(redis_server, 1, redis_prefix=redis_prefix) as site:
        ada = await open_window(site)
        await ada.enter("Ada", ROOM, token("ada", ttl_s=50))
        ending = ada.page.locator("#notice")
        await ending.get_by_text("Your access token is about to expire.").wait_for()
        await ending.get_by_label("Access token").fill("not a token")
        await ending.get_by_role("button", name="Use it").click()
        await ending.wait_for()
        await ending.get_by_label("Access token").fill(token("ada"))
        await ending.get_by_role("button", name="Use it").click()
        await ending.wait_for(state="hidden")
        await ada.say("still here")
        await ada.wait_texts("still here")
        assert ada.connections == 1
        await ada.page.reload()
        await ada.page.get_by_text("This server needs an access token.").wait_for()


async def test_a_page_that_did_not_come_whole_asks_again_and_in_the_end_says_so(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    ada, grace = await open_window(site), await open_window(site)
    await ada.page.route("**/static/rows.js", lambda route: route.abort(), times=2)
    await ada.enter("Ada", room)
    assert await ada.page.evaluate("sessionStorage.getItem('chat.again')") is None
    asked = 0

    async def refuse(route: Route) -> None:
        nonlocal asked
        asked += 1
        await route.abort()

    await grace.page.route("**/static/app.js", refuse)
    await grace.page.goto(grace.site)
    await grace.page.get_by_text("The page did not come whole. Please reload it.").wait_for()
    assert asked == 4
    await grace.page.unroute("**/static/app.js")
    await grace.enter("Grace", room)


async def test_a_reset_of_the_history_is_said(
    fresh_redis: RedisServer, open_window: OpenWindow
) -> None:
    async with Supervised(fresh_redis, 2, arguments=["--local"], head_check_interval=1.0) as site:
        ada = await open_window(site)
        await ada.enter("Ada", ROOM)
        await ada.say("one", "two")
        await ada.wait_texts("one", "two")
        fresh_redis.run("FLUSHALL")
        await ada.say("three")
        await ada.wait_texts("one", "two", "three")
        notices = await ada.notices()
        assert notices[-1] == (
            "The server\u2019s history was reset. "
            "The last 2 messages above exist in this window only."
        )
        await ada.shot("history-reset")


async def test_a_message_waits_while_redis_is_away_and_is_stored_once(
    fresh_redis: RedisServer, open_window: OpenWindow
) -> None:
    async with Supervised(fresh_redis, 2, arguments=["--local"]) as site:
        ada = await open_window(site)
        await ada.enter("Ada", ROOM)
        await ada.say("one")
        await ada.wait_texts("one")
        fresh_redis.stop()
        await ada.say("two", "three")
        await until(lambda: ada.texts("queued"), 40, what="a message that waits")
        fresh_redis.start()
        await ada.wait_texts("one", "two", "three")


async def test_older_messages_come_when_one_scrolls_up(
    redis_server: RedisServer, redis_prefix: str, open_window: OpenWindow
) -> None:
    async with Supervised(
        redis_server,
        2,
        arguments=["--local"],
        redis_prefix=redis_prefix,
        history_size=100,
        **NO_LIMITS,
    ) as site:
        texts = [f"message {number}" for number in range(1, 121)]
        await publish(site, ROOM, texts)
        phone = await open_window(site, viewport={"width": 360, "height": 640}, has_touch=True)
        await phone.enter("Ada", ROOM)
        await phone.wait_texts(*texts[-50:])
        await phone.page.locator(".message").first.scroll_into_view_if_needed()
        await phone.wait_texts(*texts[-100:])
        assert "Messages 1\u201320 are no longer available." in await phone.notices()
        await phone.shot("phone-history")


async def _agree(one: Window, other: Window, count: int) -> bool:
    texts = await one.texts()
    return len(texts) == count and texts == await other.texts()

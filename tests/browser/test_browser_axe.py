"""What axe has to say about each view, in both themes, on a screen and on a phone."""

from typing import Any

import pytest

from tests.browser.axe import flaws
from tests.browser.conftest import OpenWindow, shares_a_loop
from tests.support.cluster import Supervised
from tests.support.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300), shares_a_loop]

PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 640}, "has_touch": True}
#: Dialogs, by what opens them.
DIALOGS = ("#room-about", "#preferences-open", "#help-open")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious_in_a_conversation(
    site: Supervised, open_window: OpenWindow, room: str, scheme: str
) -> None:
    still: dict[str, Any] = {"color_scheme": scheme, "reduced_motion": "reduce"}
    ada = await open_window(site, **still)
    grace = await open_window(site, **still, **PHONE)
    await ada.page.goto(ada.site)
    assert await flaws(ada) == []
    await ada.enter("Ada Lovelace", room)
    await grace.enter("Grace Hopper", room)
    await ada.say("Hello!", "See https://example.com/ for more.")
    await grace.page.locator("#draft").fill("`code`, @Ada Lovelace, and a block:\n```\nblock\n```")
    await grace.page.get_by_role("button", name="Send", exact=True).click()
    await ada.page.locator(".mention").wait_for()
    await grace.page.locator('.message.own[data-state="delivered"] pre').wait_for()
    await ada.page.context.set_offline(True)
    await ada.say("Written in a tunnel.")
    await ada.wait_phase("offline", "waiting")
    await until(lambda: ada.texts("queued"), what="a message that waits")
    assert await flaws(ada) == []
    await ada.page.context.set_offline(False)
    await ada.wait_phase("online")
    for panel in ("Your rooms", "People in this room"):
        await grace.page.get_by_role("button", name=panel).click()
        assert await flaws(grace) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious_beside_it_and_over_it(
    site: Supervised, open_window: OpenWindow, room: str, scheme: str
) -> None:
    still: dict[str, Any] = {"color_scheme": scheme, "reduced_motion": "reduce"}
    ada = await open_window(site, **still)
    grace = await open_window(site, **still, **PHONE)
    await ada.enter("Ada Lovelace", room)
    await grace.enter("Grace Hopper", room)
    await ada.wait_people("Ada Lovelace", "Grace Hopper")
    await ada.say("A word for @Grace Hopper")
    await ada.page.locator(".message .body").hover()
    await ada.page.locator("#stream .act-thread").click()
    await ada.page.locator("#thread-draft").fill("A reply.")
    await ada.page.locator("#thread-draft").press("Enter")
    await ada.page.locator(".in-thread button").wait_for()
    await ada.page.keyboard.press("Control+k")
    await ada.page.keyboard.type("for")
    await ada.page.locator("#stream .found").wait_for()
    assert await flaws(ada) == []
    await ada.page.keyboard.press("Escape")
    await ada.page.locator("#draft").press_sequentially("@gra")
    await ada.page.get_by_role("option", name="Grace Hopper").wait_for()
    assert await flaws(ada) == []

    await grace.page.locator(".in-thread button").click()
    await grace.page.locator("#thread .message", has_text="A reply.").wait_for()
    assert await flaws(grace) == []
    await grace.page.keyboard.press("Alt+m")
    await grace.page.locator("#mention-list button").wait_for()
    assert await flaws(grace) == []
    await grace.page.keyboard.press("Alt+m")
    await grace.page.locator("#rooms-toggle").click()
    for opener in reversed(DIALOGS):
        await grace.page.locator(opener).click()
        assert await flaws(grace) == []
        await grace.page.locator("#dialog-close").click()

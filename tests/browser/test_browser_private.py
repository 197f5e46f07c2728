"""Private and direct rooms, what a room is like and how people are, in two windows."""

from typing import Any

import pytest

from tests.browser.conftest import OpenWindow
from tests.browser.test_browser_rooms import PHONE, SERIOUS, TOO_WIDE
from tests.browser.window import Window
from tests.clients.node import SDK, install, node
from tests.support.cluster import Supervised
from tests.support.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(120)]


async def titled(window: Window, title: str) -> None:
    """Wait until a room of this title is looked at."""
    name = window.page.locator("#room-name")

    async def is_so() -> bool:
        return await name.text_content() == title

    await until(is_so, 15.0, what=f"the title {title}")


def dialog(window: Window) -> Any:
    return window.page.locator("#dialog")


async def flaws(window: Window) -> list[str]:
    """Return what axe finds serious, and what is wider than the window."""
    axe = (SDK / "node_modules" / "axe-core" / "axe.min.js").read_text()
    await window.page.evaluate(axe)
    found: list[str] = await window.page.evaluate(SERIOUS)
    too_wide = await window.page.evaluate(TOO_WIDE)
    return [*found, *(["too wide"] if too_wide else [])]


async def test_a_private_room_from_its_making_to_leaving_it_for_good(
    site: Supervised, open_window: OpenWindow
) -> None:
    node()
    install()
    ada = await open_window(site, viewport={"width": 1240, "height": 760})
    grace = await open_window(site, color_scheme="dark")
    await ada.enter("Ada", "tea")
    await grace.enter("Grace", "tea")
    await ada.wait_people("Ada", "Grace")

    await ada.page.get_by_role("button", name="New private room").click()
    await ada.page.get_by_label("Title").fill("Garden party")
    await ada.page.get_by_label("Topic").fill("Who brings what")
    await ada.page.get_by_role("checkbox", name="Grace").check()
    await ada.shot("private-make")
    assert await flaws(ada) == []
    await ada.page.get_by_role("button", name="Make the room").click()
    await titled(ada, "Garden party")
    await ada.say("Cake is mine")

    await grace.page.locator("#room-list").get_by_role("button", name="Invitation").click()
    await grace.shot("private-invitation")
    assert await flaws(grace) == []
    await grace.page.get_by_role("button", name="Accept").click()
    await titled(grace, "Garden party")
    await grace.wait_texts("Cake is mine")

    await ada.page.locator("#room-about").click()
    await dialog(ada).get_by_label("Role of Grace").select_option("moderator")
    await grace.page.locator("#room-about").click()
    await dialog(grace).get_by_label("Invite a user").wait_for()
    await ada.shot("private-roster")
    assert await flaws(ada) == []
    await dialog(grace).get_by_label("Invite a user").fill("Alan")
    await dialog(grace).get_by_role("button", name="Invite", exact=True).click()
    await dialog(grace).get_by_text("invited").wait_for()
    await grace.shot("private-roster-dark")
    leave = dialog(grace).get_by_role("button", name="Leave for good")
    await leave.click()
    await dialog(grace).get_by_role("button", name="Really leave?").click()
    await titled(grace, "tea")
    assert await grace.page.locator("#room-list").get_by_text("Garden party").count() == 0
    await dialog(ada).get_by_text("Grace").wait_for(state="hidden")


async def test_a_direct_conversation_appears_where_it_was_not_begun(
    site: Supervised, open_window: OpenWindow
) -> None:
    node()
    install()
    ada, grace = await open_window(site), await open_window(site, **PHONE)
    await ada.enter("Ada", "tea")
    await grace.enter("Grace", "tea")
    await ada.wait_people("Ada", "Grace")
    await ada.page.get_by_role("button", name="New conversation").click()
    await ada.page.get_by_role("checkbox", name="Grace").check()
    await ada.shot("direct-new")
    await ada.page.get_by_role("button", name="Start the conversation").click()
    await titled(ada, "Grace")
    await ada.say("Just you")
    await grace.page.get_by_role("button", name="Your rooms").click()
    direct = grace.page.locator("#room-list").get_by_role("button", name="Ada 1 new message")
    await direct.wait_for()
    await grace.shot("direct-phone")
    assert await flaws(grace) == []
    await direct.click()
    await grace.wait_texts("Just you")
    await grace.page.reload()
    await grace.page.get_by_role("button", name="Your rooms").click()
    await grace.page.locator("#room-list").get_by_role("button", name="Ada").wait_for()

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


async def be_busy(window: Window, words: str) -> None:
    """Say how one is."""
    await window.page.get_by_role("button", name="Your rooms").click()
    await window.page.locator("#me").click()
    await window.shot("states-phone")
    assert await flaws(window) == []
    await window.page.get_by_role("radio", name="Busy").check()
    await window.page.get_by_label("A few words").fill(words)
    await window.page.get_by_role("button", name="Save").click()
    await window.page.locator("#me").get_by_text(words).wait_for()
    await window.page.get_by_role("button", name="Your rooms").click()


async def make_room(window: Window, title: str, guest: str) -> None:
    """Make a private room and invite somebody who is known."""
    await window.page.get_by_role("button", name="New private room").click()
    await window.page.get_by_label("Title").fill(title)
    await window.page.get_by_label("Topic").fill("Who brings what")
    await window.page.get_by_role("checkbox", name=guest).check()
    await window.shot("private-make")
    assert await flaws(window) == []
    await window.page.get_by_role("button", name="Make the room").click()
    await titled(window, title)


async def accept(window: Window) -> None:
    """Accept the one invitation there is."""
    await window.page.locator("#room-list").get_by_role("button", name="Invitation").click()
    await window.shot("private-invitation")
    assert await flaws(window) == []
    await window.page.get_by_role("button", name="Accept").click()


async def make_quiet(window: Window, title: str) -> None:
    """Let only moderators write, under another title."""
    await window.page.locator("#room-about").click()
    await dialog(window).get_by_role("button", name="Title, topic and rules").click()
    await dialog(window).get_by_label("Title").fill(title)
    await dialog(window).get_by_label("Only moderators write").check()
    await dialog(window).get_by_label("Seconds between").fill("1,5")
    await window.shot("private-rules")
    assert await flaws(window) == []
    await dialog(window).get_by_role("button", name="Save").click()


async def leave_for_good(window: Window) -> None:
    """Leave the room whose dialog is open; it takes two presses."""
    await dialog(window).get_by_role("button", name="Leave for good").click()
    await dialog(window).get_by_role("button", name="Really leave?").click()


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
    await make_room(ada, "Garden party", "Grace")
    await ada.say("Cake is mine")
    await accept(grace)
    await titled(grace, "Garden party")
    await grace.wait_texts("Cake is mine")

    await make_quiet(ada, "Summer party")
    await titled(grace, "Summer party")
    await grace.page.locator("#room-words").get_by_text("Only moderators write").wait_for()
    await grace.say("May I?")
    await until(lambda: grace.texts("failed"), what="the refusal")

    await ada.page.locator("#room-about").click()
    await dialog(ada).get_by_label("Role of Grace").select_option("moderator")
    await grace.page.locator("#room-about").click()
    await dialog(grace).get_by_label("Invite a user").fill("Alan")
    await dialog(grace).get_by_role("button", name="Invite", exact=True).click()
    await dialog(grace).get_by_text("invited").wait_for()
    await grace.shot("private-roster-dark")
    await ada.shot("private-roster")
    assert await flaws(ada) == []
    await leave_for_good(grace)
    await titled(grace, "tea")
    assert await grace.page.locator("#room-list").get_by_text("Summer party").count() == 0
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
    await be_busy(grace, "In a call")
    await ada.page.locator("#people-list").get_by_text("In a call").wait_for()
    assert await ada.page.locator("#people-list .is-busy").count() == 1
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

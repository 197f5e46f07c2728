"""Private and direct rooms, what a room is like and how people are, in two windows."""

import uuid
from typing import Any

import pytest
from playwright.async_api import Locator

from tests.browser.axe import flaws as seen_by_axe
from tests.browser.conftest import OpenWindow, shares_a_loop
from tests.browser.test_browser_rooms import PHONE, TOO_WIDE
from tests.browser.window import Window, becomes, press_twice
from tests.support.cluster import Supervised
from tests.support.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300), shares_a_loop]

DESKTOP: dict[str, Any] = {"viewport": {"width": 1240, "height": 760}}


@pytest.fixture
def names() -> tuple[str, str]:
    """Two users whom no other test has: what they are in lasts longer than a test."""
    number = uuid.uuid4().hex[:4]
    return f"Ida-{number}", f"Joan-{number}"


def dialog(window: Window) -> Locator:
    return window.page.locator("#dialog")


def rooms(window: Window) -> Locator:
    return window.page.locator("#room-list")


async def titled(window: Window, title: str) -> None:
    """Wait until a room of this title is looked at."""
    await window.page.locator("#room-name").get_by_text(title, exact=True).wait_for()


async def flaws(window: Window) -> list[str]:
    """Return what axe finds serious, and whether something is wider than the window."""
    found = await seen_by_axe(window)
    too_wide = await window.page.evaluate(TOO_WIDE)
    return [*found, *(["too wide"] if too_wide else [])]


async def make_room(window: Window, title: str, guest: str) -> None:
    """Make a private room and invite somebody who is known."""
    await window.page.get_by_role("button", name="New private room").click()
    await window.page.get_by_label("Title").fill(title)
    await window.page.get_by_label("Topic").fill("Who brings what")
    await window.page.get_by_role("checkbox", name=guest).check()
    await window.shot("private-make")
    await window.page.get_by_role("button", name="Make the room").click()
    await titled(window, title)


async def accept(window: Window, title: str) -> None:
    """Accept an invitation."""
    await rooms(window).get_by_role("button", name=f"{title} Invitation").click()
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
    leave = dialog(window).get_by_role("button", name="Leave for good")
    await press_twice(leave.click, dialog(window).get_by_role("button", name="Really leave?"))


async def be_busy(window: Window, words: str) -> None:
    """Say how one is, on a phone."""
    await window.page.get_by_role("button", name="Your rooms").click()
    await window.page.locator("#me").click()
    await window.shot("states-phone")
    assert await flaws(window) == []
    await window.page.get_by_role("radio", name="Busy").check()
    await window.page.get_by_label("A few words").fill(words)
    await window.page.get_by_role("button", name="Save").click()
    await window.page.locator("#me").get_by_text(words).wait_for()
    await window.page.get_by_role("button", name="Your rooms").click()


async def report(window: Window, author: Window) -> None:
    """Report what somebody says on a phone."""
    await author.page.locator("#draft").fill("Buy now")
    await author.page.get_by_role("button", name="Send", exact=True).click()
    await window.page.locator(".message", has_text="Buy now").hover()
    await window.page.get_by_role("button", name="Report", exact=True).click()
    await window.shot("report")
    assert await flaws(window) == []
    await dialog(window).get_by_role("button", name="Report", exact=True).click()
    await window.page.locator("#told").get_by_text("Reported.").wait_for()


async def test_a_private_room_from_its_making_to_leaving_it_for_good(
    site: Supervised, open_window: OpenWindow, room: str, names: tuple[str, str]
) -> None:
    ida = await open_window(site, **DESKTOP)
    joan = await open_window(site, color_scheme="dark")
    await ida.enter(names[0], room)
    await joan.enter(names[1], room)
    await ida.wait_people(*names)
    await make_room(ida, "Garden party", names[1])
    await ida.say("Cake is mine")
    await accept(joan, "Garden party")
    await titled(joan, "Garden party")
    await joan.wait_texts("Cake is mine")

    await make_quiet(ida, "Summer party")
    await titled(joan, "Summer party")
    await joan.page.locator("#room-words").get_by_text("Only moderators write").wait_for()
    await joan.say("May I?")
    await until(lambda: joan.texts("failed"), what="the refusal")

    await ida.page.locator("#room-about").click()
    choice = dialog(ida).get_by_label(f"Role of {names[1]}")
    await choice.focus()
    await choice.select_option("moderator")
    role = "document.activeElement.ariaLabel + ' ' + document.activeElement.value"
    await joan.page.locator("#room-about").click()
    await dialog(joan).get_by_label("Invite a user").wait_for()
    assert await ida.page.evaluate(role) == f"Role of {names[1]} moderator", "the place is kept"
    await dialog(joan).get_by_label("Invite a user").fill("somebody")
    await dialog(joan).get_by_role("button", name="Invite", exact=True).click()
    await dialog(joan).get_by_text("invited").wait_for()
    await joan.shot("private-roster-dark")
    await ida.shot("private-roster")
    assert await flaws(ida) == []
    await leave_for_good(joan)
    await titled(joan, room)
    left = rooms(joan).get_by_text("Summer party")
    await becomes(left.count, 0)
    await dialog(ida).get_by_text(names[1]).wait_for(state="hidden")


async def test_a_direct_conversation_appears_where_it_was_not_begun(
    site: Supervised, open_window: OpenWindow, room: str, names: tuple[str, str]
) -> None:
    ida, joan = await open_window(site, **DESKTOP), await open_window(site, **PHONE)
    await ida.enter(names[0], room)
    await joan.enter(names[1], room)
    await be_busy(joan, "In a call")
    people = ida.page.locator("#people-list")
    await people.get_by_text("In a call").wait_for()
    await becomes(people.locator(".is-busy").count, 1)

    await ida.page.get_by_role("button", name="New conversation").click()
    await ida.page.get_by_role("checkbox", name=names[1]).check()
    await ida.page.get_by_role("button", name="Start the conversation").click()
    await titled(ida, names[1])
    await ida.say("Just you")
    await joan.page.get_by_role("button", name="Your rooms").click()
    direct = rooms(joan).get_by_role("button", name=f"{names[0]} 1 new message")
    await direct.wait_for()
    await joan.shot("direct-phone")
    assert await flaws(joan) == []
    await direct.click()
    await joan.wait_texts("Just you")
    await report(ida, joan)
    await joan.page.reload()
    await joan.page.get_by_role("button", name="Your rooms").click()
    await rooms(joan).get_by_role("button", name=names[0]).wait_for()
    await joan.page.context.close()
    await ida.page.locator("#absent").get_by_text("last seen").wait_for()
    await ida.shot("direct-absent")

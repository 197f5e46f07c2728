"""Several rooms in one window, with keys and fingers, for eyes and screen readers."""

from typing import Any

import pytest

from tests.browser.conftest import OpenWindow, shares_a_loop
from tests.browser.window import Window, becomes
from tests.support.cluster import Supervised

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300), shares_a_loop]

PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 640}, "has_touch": True}
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


#: All in one look: the list may be drawn again between two.
BADGES = """() => Object.fromEntries(
  [...document.querySelectorAll("#room-list [data-room]")].map((item) => [
    item.dataset.room,
    [...item.querySelectorAll(".badge")].map((badge) => badge.textContent).join(""),
  ]))"""


async def unread(window: Window) -> dict[str, str]:
    """Return the badges by room."""
    badges: dict[str, str] = await window.page.evaluate(BADGES)
    return badges


async def also_join(window: Window, room: str) -> None:
    await window.page.get_by_label("Another room").fill(room)
    await window.page.get_by_label("Another room").press("Enter")
    await window.wait_phase("online")


async def leave(window: Window) -> None:
    """Leave the room that is looked at."""
    await window.page.locator("#room-about").click()
    await window.page.get_by_role("button", name="Leave the room").click()


async def tap_send(window: Window, text: str) -> None:
    """Write on a phone, where Enter makes a line."""
    await window.page.locator("#draft").fill(text)
    await window.page.get_by_role("button", name="Send", exact=True).click()


async def test_what_is_said_in_another_room_is_counted_until_one_looks(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    other = f"{room}-coffee"
    ada, grace = await open_window(site), await open_window(site)
    await ada.enter("Ada", room)
    await also_join(ada, other)
    await ada.page.locator("#draft").fill("half a thought")
    await grace.enter("Grace", room)
    await grace.say("one", "two")
    await becomes(lambda: unread(ada), {room: "2 new messages", other: ""})
    await ada.shot("rooms-unread")

    await ada.page.keyboard.press("Alt+ArrowUp")
    await ada.wait_texts("one", "two")
    await becomes(lambda: unread(ada), {room: "", other: ""})
    await becomes(ada.page.locator("#draft").input_value, "")
    await ada.page.keyboard.press("Alt+ArrowUp")
    await becomes(ada.page.locator("#draft").input_value, "half a thought")

    await ada.page.reload()
    await becomes(lambda: unread(ada), {room: "", other: ""})
    await leave(ada)
    await becomes(lambda: unread(ada), {room: ""})
    await leave(ada)
    await ada.page.get_by_label("Your name").wait_for()


async def test_a_room_on_a_phone_is_chosen_from_a_drawer(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    other = f"{room}-coffee"
    ada = await open_window(site, **PHONE)
    await ada.enter("Ada", room)
    toggle = ada.page.get_by_role("button", name="Your rooms")
    await toggle.click()
    await also_join(ada, other)
    name = ada.page.locator("#room-name")
    await becomes(name.text_content, other)
    await ada.page.locator("#rooms").wait_for(state="hidden")
    long = "Hello from a small screen, with a word that is as long as_" + "x" * 80
    await tap_send(ada, long)
    await ada.wait_texts(long)
    await becomes(lambda: ada.page.evaluate(TOO_WIDE), 0)
    actions = ada.page.locator("#stream .actions")
    body = ada.page.locator(".message .body")
    await body.tap()
    await actions.wait_for()
    await body.tap()
    await actions.wait_for(state="hidden")
    await ada.shot("phone-chat")
    await toggle.click()
    await ada.shot("phone-rooms")
    await ada.page.locator("#room-list").get_by_role("button", name=room, exact=True).click()
    await becomes(name.text_content, room)

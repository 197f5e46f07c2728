"""What is new, and for whom: unread badges, the line of new messages, mentions, notifications."""

from typing import Any

import pytest

from tests.browser.conftest import OpenWindow, shares_a_loop
from tests.browser.speech import publish
from tests.browser.window import Window, becomes
from tests.support.cluster import Supervised
from tests.support.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300), shares_a_loop]

#: The page is in the background, as far as it can tell.
HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
#: A headless browser shows no notifications: they are kept, to be read and clicked.
KEEP_NOTIFICATIONS = """
  window.told = [];
  window.Notification = class extends EventTarget {
    static permission = "default";
    static asked = 0;
    static async requestPermission() {
      this.asked += 1;
      this.permission = "granted";
      return "granted";
    }
    constructor(title, options) {
      super();
      Object.assign(this, options, { title });
      window.told.push(this);
    }
    close() {}
  };
"""
TOLD = "window.told.map(({ title, body }) => `${title}: ${body}`)"


async def badge(window: Window, room: str) -> str:
    """Return what stands beside a room's name."""
    button = window.page.locator(f'#room-list [data-room="{room}"]')
    return " ".join(await button.locator(".badge").all_text_contents())


async def go(window: Window, room: str) -> None:
    await window.page.get_by_label("Another room").fill(room)
    await window.page.get_by_label("Another room").press("Enter")
    await window.wait_phase("online")


async def wait_badge(window: Window, room: str, wanted: str) -> None:
    async def reads() -> bool:
        return await badge(window, room) == wanted

    await until(reads, 40.0, what=f"the badge {wanted!r}")


async def test_what_is_read_on_one_device_is_read_on_the_other(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    laptop, phone = await open_window(site), await open_window(site)
    elsewhere = f"{room}-elsewhere"
    for device in (laptop, phone):
        await device.enter("Ada", room)
        await go(device, elsewhere)
    await publish(site, room, [f"number {number}" for number in range(30)])
    for device in (laptop, phone):
        await wait_badge(device, room, "30 new messages")
    await becomes(laptop.page.title, f"(30) #{elsewhere}")

    await laptop.page.keyboard.press("Alt+ArrowUp")
    line = laptop.page.locator("#stream .new-line")
    await line.wait_for()
    await line.wait_for()
    below = laptop.page.locator("#stream .new-line + .message .body")
    await becomes(below.text_content, "number 0")
    await wait_badge(laptop, room, "30 new messages")  # not all of it was in sight
    pill = laptop.page.get_by_role("button", name="30 new messages", exact=True)
    await laptop.shot("new-line")
    await pill.click()
    for device in (laptop, phone):
        await wait_badge(device, room, "")
    await phone.page.keyboard.press("Alt+ArrowUp")
    await phone.page.locator(".message", has_text="number 29").wait_for()
    assert await phone.page.locator("#stream .new-line").count() == 0
    await phone.page.locator(".message", has_text="number 29").scroll_into_view_if_needed()

    await laptop.page.reload()
    await laptop.wait_phase("online")
    await wait_badge(laptop, room, "")
    await phone.page.evaluate(HIDE, True)
    await laptop.page.evaluate(HIDE, True)
    await publish(site, room, ["while nobody looks"])
    await wait_badge(phone, room, "1 new message")
    await phone.page.evaluate(HIDE, False)
    await wait_badge(phone, room, "")
    await wait_badge(laptop, room, "")


async def test_a_mention_is_completed_marked_counted_apart_and_listed(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    ada, grace = await open_window(site), await open_window(site, color_scheme="dark")
    await ada.enter("Ada Lovelace", room)
    await grace.enter("Grace", room)
    await grace.wait_people("Ada Lovelace", "Grace")
    await go(ada, f"{room}-elsewhere")
    draft = grace.page.locator("#draft")
    await draft.press_sequentially("Look, @lov")
    option = grace.page.get_by_role("option", name="Ada Lovelace")
    await option.wait_for()
    await becomes(lambda: draft.get_attribute("role"), "combobox")
    assert await draft.get_attribute("aria-activedescendant") == await option.get_attribute("id")
    await grace.page.keyboard.press("Escape")
    await becomes(option.count, 0)
    await becomes(lambda: draft.get_attribute("role"), None)
    await draft.press("Backspace")
    assert await option.count() == 0  # closed is closed
    await draft.fill("")
    await draft.press_sequentially("Look, @")
    await grace.page.keyboard.press("ArrowDown")
    await grace.page.keyboard.press("Tab")
    await becomes(draft.input_value, "Look, @Ada Lovelace ")
    await draft.press_sequentially("there")
    await draft.press("Enter")

    await wait_badge(ada, room, "@1 mention 1 new message")
    mentions = ada.page.locator("#mentions-badge")
    await becomes(mentions.text_content, "1 unread mention")
    await ada.page.get_by_role("button", name="Mentions 1").click()
    listed = ada.page.locator("#mention-list button")
    said = await listed.text_content() or ""
    assert said == f"GGrace in #{room}, just now, unreadLook, @Ada Lovelace there"
    await ada.shot("mentions")
    await listed.click()
    await becomes(ada.page.locator("#room-name").text_content, room)
    for_me = "document.activeElement.classList.contains('for-me')"
    await until(lambda: ada.page.evaluate(for_me), 40.0, what="the message that is for Ada")
    assert await ada.page.locator("#stream .mention.me").text_content() == "@Ada Lovelace"
    await wait_badge(ada, room, "")
    await becomes(mentions.text_content, "")


async def test_one_is_told_of_mentions_in_the_background_after_having_asked_for_it(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    ada, grace = await open_window(site), await open_window(site)
    await ada.page.add_init_script(KEEP_NOTIFICATIONS)
    await ada.enter("Ada", room)
    await grace.enter("Grace", room)
    await grace.wait_people("Ada", "Grace")
    assert await ada.page.evaluate("Notification.asked") == 0
    about = ada.page.locator("#room-about")
    await about.click()
    await ada.page.get_by_role("button", name="Allow notifications").click()
    await ada.page.get_by_text("This browser shows notifications").wait_for()
    await ada.page.keyboard.press("Escape")
    await becomes(lambda: ada.page.evaluate("document.activeElement.id"), "room-about")

    async def said_in_the_background(*texts: str) -> list[str]:
        before: list[Any] = await ada.texts()
        await ada.page.evaluate(HIDE, True)
        await grace.say(*texts)
        await ada.wait_texts(*before, *texts)
        told: list[str] = await ada.page.evaluate(TOLD)
        await ada.page.evaluate(HIDE, False)
        await ada.page.evaluate("window.told = []")
        return told

    mention = f"Grace in #{room}: @Ada hello"
    assert await said_in_the_background("hello", "@Ada hello") == [mention]
    await about.click()
    await ada.page.get_by_role("radio", name="All messages").check()
    await ada.page.keyboard.press("Escape")
    assert await said_in_the_background("all") == [f"Grace in #{room}: all"]
    await about.click()
    await ada.page.get_by_role("radio", name="Nothing").check()
    await ada.page.keyboard.press("Escape")
    assert await said_in_the_background("@Ada nothing") == []
    await ada.page.reload()
    await ada.wait_phase("online")
    await about.click()
    assert await ada.page.get_by_role("radio", name="Nothing").is_checked()

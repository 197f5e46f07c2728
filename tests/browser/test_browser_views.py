"""Threads, search, themes and keys: what stands beside and above the conversation."""

import pytest
from playwright.async_api import Locator

from tests.browser.conftest import OpenWindow, shares_a_loop
from tests.browser.speech import publish
from tests.browser.window import Window, becomes
from tests.support.cluster import Supervised

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300), shares_a_loop]

FOCUSED = "node => node === document.activeElement"
GROUND = "getComputedStyle(document.body).backgroundColor"
DARK, LIGHT = "rgb(22, 24, 28)", "rgb(246, 245, 242)"
IN_ROOMS = "document.activeElement.closest('#rooms') !== null"
#: Those whose corners are not all in sight.
HALF_COVERED = """
(ids) => ids.filter((id) => {
  const node = document.getElementById(id);
  const { left, right, top, bottom } = node.getBoundingClientRect();
  const corners = [[left, top], [right, top], [left, bottom], [right, bottom]];
  const into = (from, to) => from + Math.sign(to - from) * 9;
  const inside = ([x, y]) => [into(x, (left + right) / 2), into(y, (top + bottom) / 2)];
  return !corners.map(inside).every(([x, y]) => node.contains(document.elementFromPoint(x, y)));
})
"""
HIGHLIGHTED = "[...(CSS.highlights.get('found') ?? [])].map(String)"


def message(window: Window, text: str) -> Locator:
    return window.page.locator("#stream .message", has_text=text)


async def reply(window: Window, *texts: str) -> None:
    """Write in the thread that is open."""
    draft = window.page.get_by_role("textbox", name="Reply in the thread")
    for text in texts:
        await draft.fill(text)
        await draft.press("Enter")


async def replies(window: Window) -> list[str]:
    """Return what is in the thread that is open, the root first."""
    return await window.page.locator('#thread [data-state="delivered"] .body').all_text_contents()


async def open_thread(window: Window, text: str) -> None:
    await message(window, text).locator(".body").hover()
    await window.page.locator("#stream .act-thread").click()


async def has_focus(window: Window, selector: str) -> bool:
    return bool(await window.page.locator(selector).evaluate(FOCUSED))


async def test_a_thread_grows_beside_the_conversation_in_both_windows(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    ada = await open_window(site, viewport={"width": 1200, "height": 700})
    grace = await open_window(site, viewport={"width": 360, "height": 640})
    await ada.enter("Ada", room)
    await grace.enter("Grace", room)
    await ada.say("Where do we meet?", "And when?")
    await grace.wait_texts("Where do we meet?", "And when?")

    await open_thread(ada, "Where")
    await ada.page.locator("#thread-none").wait_for()
    await becomes(lambda: has_focus(ada, "#thread-draft"), True)
    await reply(ada, "At the station?")
    under = message(grace, "Where").locator(".in-thread button")
    await under.click()
    await grace.page.locator("#thread-none").wait_for(state="hidden")
    await reply(grace, "Yes, platform 2.")
    both = ["Where do we meet?", "At the station?", "Yes, platform 2."]
    await becomes(lambda: replies(ada), both)
    await becomes(lambda: replies(grace), both)
    assert await ada.texts() == ["Where do we meet?", "And when?"]
    button = message(ada, "Where").locator(".in-thread button")
    shown = "AG2 replies Last reply just now"
    await becomes(button.text_content, shown)
    notes = ada.page.locator("#stream .note")
    said = ["2 replies in \u201cWhere do we meet?\u201d"]
    await becomes(notes.all_text_contents, said)
    await ada.shot("thread")
    await grace.shot("phone-thread")

    await grace.page.keyboard.press("Escape")
    await grace.page.locator("#thread").wait_for(state="hidden")
    await grace.page.locator("#draft").wait_for()
    await reply(ada, "one more")
    await becomes(lambda: replies(ada), [*both, "one more"])
    await ada.page.keyboard.press("ArrowUp")  # edits it
    await ada.page.keyboard.press("End")
    await ada.page.keyboard.type(" thing")
    await ada.page.keyboard.press("Enter")
    await becomes(lambda: replies(ada), [*both, "one more thing (edited)"])
    await notes.get_by_role("button").click()
    await becomes(lambda: has_focus(ada, "#thread-draft"), True)
    await ada.page.keyboard.press("Escape")
    await ada.page.locator("#people").wait_for()


async def test_a_thread_that_began_long_ago_is_read_from_history(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    ada = await open_window(site)
    await ada.enter("Ada", room)
    await ada.say("the root")
    await ada.wait_texts("the root")
    await open_thread(ada, "the root")
    await reply(ada, "an old reply")
    await becomes(lambda: replies(ada), ["the root", "an old reply"])
    await ada.page.keyboard.press("Escape")
    await publish(site, room, [f"filler {number}" for number in range(55)], "Filler")
    await message(ada, "filler 54").wait_for()
    grace = await open_window(site)
    await grace.enter("Grace", room)
    await message(grace, "filler 54").wait_for()
    await message(ada, "the root").locator(".in-thread button").click()
    await reply(ada, "a new reply")
    note = grace.page.locator("#stream .note button")
    await becomes(note.text_content, "Ada replied in an earlier thread")
    await note.click()
    await becomes(lambda: replies(grace), ["the root", "an old reply", "a new reply"])


async def test_words_are_found_in_what_is_loaded_and_in_threads(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    ada = await open_window(site)
    await ada.enter("Ada", room)
    await ada.say("A kettle is on.", "nothing here", "The KETTLE boils.")
    await ada.wait_texts("A kettle is on.", "nothing here", "The KETTLE boils.")
    await open_thread(ada, "nothing")
    await reply(ada, "no kettle either")
    await becomes(lambda: replies(ada), ["nothing here", "no kettle either"])
    await ada.page.keyboard.press("Escape")

    await ada.page.keyboard.press("Control+k")
    await ada.page.keyboard.type("kettle")
    count = ada.page.locator("#search-count")
    await becomes(count.text_content, "3 of 3")
    assert await ada.page.locator("#thread .found").text_content() != ""
    await becomes(lambda: has_focus(ada, "#search-text"), True)
    await ada.page.keyboard.press("Enter")
    await becomes(count.text_content, "2 of 3")
    await becomes(ada.page.locator("#stream .found .body").text_content, "The KETTLE boils.")
    marked = f"{HIGHLIGHTED}.sort()"
    words = ["KETTLE", "kettle", "kettle"]
    await becomes(lambda: ada.page.evaluate(marked), words)
    scope = await ada.page.locator("#search-scope").text_content() or ""
    assert scope == "In the 4 messages that are loaded. They are all there are."
    await ada.shot("search")
    await ada.page.keyboard.press("Escape")
    await becomes(lambda: ada.page.evaluate(HIGHLIGHTED), [])
    await ada.page.locator("#search").wait_for(state="hidden")


async def test_nothing_half_covers_the_search_or_a_draft_at_any_width(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    ada = await open_window(site, viewport={"width": 1280, "height": 700})
    await ada.enter("Ada", room)
    await ada.say("Where do we meet?")
    await ada.wait_texts("Where do we meet?")
    await open_thread(ada, "Where")
    await reply(ada, "At the station, where else?")
    await ada.page.keyboard.press("Control+k")
    await ada.page.keyboard.type("where")
    for width in (1280, 1080, 900, 820, 721, 720, 360):
        await ada.page.set_viewport_size({"width": width, "height": 700})
        half = await ada.page.evaluate(HALF_COVERED, ["search-text", "search-close", "draft"])
        assert half == (["draft"] if width <= 720 else []), f"at {width} px"
        assert await ada.page.evaluate(HALF_COVERED, ["search", "thread-draft"]) == []
    await ada.page.set_viewport_size({"width": 900, "height": 700})
    await ada.page.locator("#rooms-toggle").click()
    await ada.page.locator("#rooms").wait_for()
    assert not await ada.page.locator("#thread").is_visible()
    assert await has_focus(ada, "#rooms [aria-current]")


async def test_a_theme_chosen_by_hand_outlives_the_page_and_never_flashes(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    ada = await open_window(site, color_scheme="light")
    await ada.enter("Ada", room)
    await becomes(lambda: ada.page.evaluate(GROUND), LIGHT)
    await ada.page.get_by_role("button", name="Preferences").click()
    await ada.page.get_by_role("radio", name="Dark").check()
    await becomes(lambda: ada.page.evaluate(GROUND), DARK)
    await ada.page.keyboard.press("Escape")
    await becomes(lambda: has_focus(ada, "#preferences-open"), True)
    await ada.page.route("**/static/app.js", lambda route: route.abort())
    await ada.page.reload(wait_until="commit")
    await ada.page.wait_for_load_state("domcontentloaded")
    assert await ada.page.evaluate(GROUND) == DARK
    await ada.page.unroute("**/static/app.js")
    await ada.page.reload()
    await ada.page.get_by_role("button", name="Preferences").click()
    await ada.page.get_by_role("radio", name="As the system").check()
    await becomes(lambda: ada.page.evaluate(GROUND), LIGHT)


async def test_keys_are_listed_and_lead_everywhere(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    ada = await open_window(site)
    await ada.enter("Ada", room)
    await ada.say("a question mark is a letter?")
    await ada.wait_texts("a question mark is a letter?")
    await ada.page.keyboard.press("F6")
    await becomes(lambda: ada.page.evaluate(IN_ROOMS), True)
    await ada.page.keyboard.press("?")
    dialog = ada.page.get_by_role("dialog", name="Keyboard shortcuts")
    assert "Search in the room" in (await dialog.text_content() or "")
    await ada.page.keyboard.press("Control+k")
    await ada.page.locator("#search").wait_for(state="hidden")
    await ada.page.keyboard.press("Escape")
    await becomes(lambda: ada.page.evaluate(IN_ROOMS), True)
    await ada.page.keyboard.press("F6")
    await becomes(lambda: has_focus(ada, "#stream"), True)

"""Edits, deletions, reactions and replies, as two people in two windows make and see them."""

import pytest
from playwright.async_api import Locator

from tests.browser.axe import flaws
from tests.browser.conftest import OpenWindow, shares_a_loop
from tests.browser.window import Window, becomes, press_twice
from tests.support.cluster import Supervised
from tests.support.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300), shares_a_loop]


async def two(site: Supervised, open_window: OpenWindow, room: str) -> tuple[Window, Window]:
    """Two people in a room, and a message of each."""
    ada, grace = await open_window(site), await open_window(site)
    await ada.enter("Ada", room)
    await grace.enter("Grace", room)
    await ada.say("Shall we meet at nien?")
    await grace.wait_texts("Shall we meet at nien?")
    await grace.say("Yes")
    await ada.wait_texts("Shall we meet at nien?", "Yes")
    return ada, grace


def message(window: Window, text: str) -> Locator:
    return window.page.locator(".message", has_text=text)


async def act(window: Window, text: str, name: str) -> None:
    """Point at a message and press a button of its toolbar."""
    await message(window, text).locator(".body").hover()
    bar = window.page.locator("#stream .actions")
    await bar.get_by_role("button", name=name, exact=True).click()


async def test_an_edit_is_seen_by_all_and_says_that_it_is_one(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    ada, grace = await two(site, open_window, room)
    draft = ada.page.locator("#draft")
    await draft.press("ArrowUp")
    await becomes(draft.input_value, "Shall we meet at nien?")
    await draft.fill("Shall we meet at nine?")
    await draft.press("Enter")
    await grace.wait_texts("Shall we meet at nine? (edited)", "Yes")
    await ada.wait_texts("Shall we meet at nine? (edited)", "Yes")
    await becomes(draft.input_value, "")

    await draft.fill("what I was about to say")
    await act(ada, "Shall we", "Edit")
    await draft.press("Escape")
    await becomes(draft.input_value, "what I was about to say")


async def test_a_deleted_message_leaves_a_line_and_no_word(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    ada, grace = await two(site, open_window, room)
    await message(ada, "Yes").locator(".body").hover()
    await ada.page.locator("#stream .act-delete").wait_for(state="hidden")

    async def ask() -> None:
        await act(ada, "Shall we", "Delete")
        assert await ada.texts() == ["Shall we meet at nien?", "Yes"]

    await press_twice(ask, ada.page.get_by_role("button", name="Really delete?"))
    await grace.wait_texts("This message was deleted.", "Yes")
    await message(grace, "This message").locator(".body").hover()
    await grace.page.locator("#stream .actions").wait_for(state="hidden")
    await grace.page.reload()
    await grace.wait_texts("This message was deleted.", "Yes")
    await grace.shot("deleted")


async def test_reactions_are_counted_and_taken_back_with_the_same_button(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    ada, grace = await two(site, open_window, room)
    await act(ada, "Yes", "React with \U0001f44d")
    chip = message(grace, "Yes").locator(".reactions button")
    await chip.click()
    await until(lambda: _reads(chip, "\U0001f44d 2"), what="both")
    await becomes(lambda: chip.get_attribute("aria-label"), "\U0001f44d 2, Ada, you")
    await becomes(lambda: chip.get_attribute("aria-pressed"), "true")
    await ada.shot("reactions")
    await chip.click()
    await until(lambda: _reads(chip, "\U0001f44d 1"), what="only Ada's")
    mine = message(ada, "Yes").locator(".reactions button")
    await until(lambda: _reads(mine, "\U0001f44d 1"), what="the same in the other window")
    await mine.click()
    await until(lambda: _none(chip), what="no reaction")


async def test_any_emoji_is_found_by_its_name_and_comes_first_the_next_time(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    ada, grace = await two(site, open_window, room)
    keys = ada.page.keyboard
    await act(ada, "Yes", "More reactions")
    search = ada.page.get_by_role("combobox", name="Search reactions")
    await search.press_sequentially("rock")
    assert await chosen(ada) == "rocket"
    await ada.shot("reaction-picker")
    assert await flaws(ada) == []
    await keys.press("Escape")
    await search.wait_for(state="hidden")
    await ada.page.locator(".message:focus", has_text="Yes").wait_for()

    await act(ada, "Yes", "More reactions")
    await search.press_sequentially("stop si")
    await keys.press("Enter")
    chips = message(grace, "Yes").locator(".reactions button")
    await until(lambda: _reads(chips, "\U0001f6d1 1"), what="the reaction of the other window")
    await ada.page.locator(".message:focus", has_text="Yes").wait_for()

    await act(ada, "Yes", "More reactions")
    assert await chosen(ada) == "stop sign"
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft", "ArrowUp"):
        await keys.press(key)
    assert await chosen(ada) == "grinning"
    await search.fill("\U0001f9a9")  # which has no name here
    await keys.press("Enter")
    await until(lambda: _reads(chips.last, "\U0001f9a9 1"), what="one that was pasted")
    await act(ada, "Yes", "More reactions")
    await search.fill("nothing of the kind")
    await ada.page.get_by_text("Nothing found").wait_for()
    await keys.press("Enter")
    assert await search.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_on_a_phone_reactions_come_up_from_below(
    site: Supervised, open_window: OpenWindow, room: str, scheme: str
) -> None:
    phone = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "color_scheme": scheme}
    ada = await open_window(site, **phone, reduced_motion="reduce")
    await ada.enter("Ada", room)
    await ada.page.locator("#draft").fill("Shall we?")
    await ada.page.get_by_role("button", name="Send", exact=True).click()
    await ada.wait_texts("Shall we?")
    await message(ada, "Shall we?").locator(".body").tap()
    await ada.page.get_by_role("button", name="More reactions").tap()
    picker = ada.page.get_by_role("dialog", name="Choose a reaction")
    box = await picker.bounding_box()
    assert box is not None
    assert (box["x"], box["width"], box["y"] + box["height"]) == (0, 360, 640)
    assert not await ada.page.locator("#picker-search:focus").count(), "no keyboard over it"
    assert await flaws(ada) == []
    await ada.shot(f"reaction-picker-phone-{scheme}")
    await picker.get_by_role("option", name="party popper").first.tap()
    await picker.wait_for(state="hidden")
    chip = message(ada, "Shall we?").locator(".reactions button")
    await until(lambda: _reads(chip, "\U0001f389 1"), what="the reaction")


async def chosen(window: Window) -> str:
    """Return the name of the reaction that Enter would take."""
    return await window.page.locator('#picker [aria-selected="true"]').get_attribute("title") or ""


async def test_a_reply_shows_what_it_answers_and_leads_there(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    ada, grace = await two(site, open_window, room)
    await act(grace, "Shall we", "Reply")
    await grace.say("At nine, yes.")
    quote = message(ada, "At nine").locator(".quote")
    await quote.wait_for()
    await becomes(quote.text_content, "Ada Shall we meet at nien?")
    await quote.click()
    await becomes(lambda: _focused_has(ada, "Shall we"), True)
    await ada.shot("reply")


async def test_a_change_made_offline_shows_at_once_and_arrives_later(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    ada, grace = await two(site, open_window, room)
    await ada.page.context.set_offline(True)
    await ada.wait_phase("offline", "waiting")
    await act(ada, "Yes", "React with \U0001f389")
    mine = message(ada, "Yes").locator(".reactions button")
    await until(lambda: _reads(mine, "\U0001f389 1"), what="one's own reaction")
    assert await message(grace, "Yes").locator(".reactions button").count() == 0
    await ada.page.context.set_offline(False)
    theirs = message(grace, "Yes").locator(".reactions button")
    await until(lambda: _reads(theirs, "\U0001f389 1"), 40, what="the reaction there")


async def test_all_of_it_works_with_keys_alone(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    ada, grace = await two(site, open_window, room)
    keyboard = ada.page.keyboard
    await ada.page.locator("#stream").focus()
    await keyboard.press("ArrowUp")
    await keyboard.press("ArrowUp")
    await becomes(lambda: _focused_has(ada, "Shall we"), True)
    await keyboard.press("Tab")
    await keyboard.press("Enter")  # the first reaction
    chip = message(grace, "Shall we").locator(".reactions button")
    await until(lambda: _reads(chip, "\U0001f44d 1"), what="a reaction")
    await ada.page.locator("#stream").focus()
    await keyboard.press("Escape")
    await becomes(lambda: ada.page.evaluate("document.activeElement.id"), "draft")


async def _focused_has(window: Window, text: str) -> bool:
    return text in await window.page.evaluate("document.activeElement.textContent")


async def _reads(locator: Locator, text: str) -> bool:
    return await locator.all_text_contents() == [text]


async def _none(locator: Locator) -> bool:
    return await locator.count() == 0

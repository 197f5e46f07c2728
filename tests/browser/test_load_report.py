"""The report of a load test in a real browser: on a screen, on a phone, on paper."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser

from loadtest.report import write_report
from loadtest.scenario import Storm
from tests.browser.conftest import shares_a_loop
from tests.loadtest.sample_results import sample

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180), shares_a_loop]

WIDEST_DIFFERENCE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
TEXT_OUTSIDE = """() => [...document.querySelectorAll("svg.plot text")].filter(text => {
  const card = text.closest("figure").getBoundingClientRect(), box = text.getBoundingClientRect();
  return box.left < card.left || box.right > card.right || box.bottom > card.bottom;
}).map(text => text.textContent)"""


@pytest.fixture
def report(tmp_path: Path) -> str:
    path = tmp_path / "report.html"
    write_report(sample(hold_s=60, workers=9, storm=Storm(at_s=20), canaries=4), path)
    return path.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 760, 1280])
async def test_the_report_fits_asks_for_nothing_and_breaks_no_rule_of_its_own(
    browser: Browser, report: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    context = await browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    page = await context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text))
    page.on("request", lambda request: faults.append(request.url))
    await page.goto(report)
    assert faults == [report]
    assert await page.evaluate(WIDEST_DIFFERENCE) == 0
    assert await page.evaluate(TEXT_OUTSIDE) == []
    for summary in await page.locator("summary").all():
        await summary.click()
    assert await page.evaluate(WIDEST_DIFFERENCE) == 0
    await context.close()


async def test_paper_has_light_colours_and_no_closed_drawers(browser: Browser, report: str) -> None:
    context = await browser.new_context(color_scheme="dark")
    page = await context.new_page()
    await page.emulate_media(media="print", color_scheme="dark")
    await page.goto(report)
    ink = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ink == "rgb(255, 255, 255)"
    await page.locator("summary").first.wait_for(state="hidden")
    await context.close()

"""Ten thousand messages, scrolled through from the last to the first and back."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.browser.conftest import OpenWindow, shares_a_loop
from tests.browser.speech import publish
from tests.support.cluster import NO_LIMITS, Supervised
from tests.support.redis_server import RedisServer

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300), shares_a_loop]

ROOM = "archive"
MESSAGES = 10_000
TEXTS = [f"{number} {'and more ' * (number % 7 // 6 * 40)}" for number in range(MESSAGES)]
#: What a page of 1,000 by 700 px, 1,400 px above and below it, may need: rows are over 30 px tall.
MOST_ROWS = 160
#: Scrolls by `step` px a frame until the end of the list, and looks how it went.
SCROLL = """async ({ step, until }) => {
  const scroller = document.getElementById("stream");
  const list = document.getElementById("messages");
  const older = document.getElementById("older");
  const edge = scroller.getBoundingClientRect();
  const topOf = (node) => node.getBoundingClientRect().top;
  const seen = { frames: [], rows: 0, elements: 0, jump: 0, pairs: new Set() };
  let anchor = null, expected = 0, last = performance.now();
  for (;;) {
    const now = await new Promise(requestAnimationFrame);
    seen.frames.push(now - last);
    last = now;
    seen.rows = Math.max(seen.rows, list.childElementCount);
    if (anchor?.isConnected) seen.jump = Math.max(seen.jump, Math.abs(topOf(anchor) - expected));
    const numbers = [...list.querySelectorAll(".body")].map((body) => parseInt(body.textContent));
    numbers.slice(1).forEach((number, at) => seen.pairs.add(`${numbers[at]} ${number}`));
    const before = scroller.scrollTop;
    const atEnd = before + scroller.clientHeight >= scroller.scrollHeight - 1;
    if (until === "top" ? before === 0 && older.hidden : atEnd) break;
    const middle = edge.top + edge.height / 2;
    // Not the first one, whose heading goes when another of the same person comes before it.
    const messages = [...list.querySelectorAll(".message")].slice(1);
    anchor = messages.find((node) => topOf(node) > middle) ?? null;
    scroller.scrollTop += step;
    if (anchor !== null) expected = topOf(anchor);
  }
  seen.pairs = [...seen.pairs].map((pair) => pair.split(" "));
  seen.elements = document.querySelectorAll("*").length;
  return seen;
}"""


@pytest_asyncio.fixture(loop_scope="package")
async def archive(redis_server: RedisServer, redis_prefix: str) -> AsyncIterator[Supervised]:
    """A cluster with a room of ten thousand numbered messages, one in seven of them long."""
    settings: dict[str, Any] = {**NO_LIMITS, "history_size": MESSAGES, "redis_prefix": redis_prefix}
    async with Supervised(redis_server, 1, arguments=["--local"], **settings) as site:
        await publish(site, ROOM, TEXTS)
        yield site


async def test_ten_thousand_messages_are_scrolled_without_a_jump_in_a_bounded_document(
    archive: Supervised, open_window: OpenWindow
) -> None:
    window = await open_window(archive)
    await window.enter("Ada", ROOM)
    await window.page.locator(".message").last.wait_for()
    seen: dict[str, Any] = {}
    for name, step, end in (("up, loading", -1_500, "top"), ("down again", 2_000, "end")):
        seen = await window.page.evaluate(SCROLL, {"step": step, "until": end})
        frames = sorted(seen["frames"][5:])
        half, most = frames[len(frames) // 2], frames[len(frames) * 99 // 100]
        print(
            f"\n{name}: {len(frames)} frames of {step} px, half within {half:.1f} ms, "
            f"99 % within {most:.1f} ms, longest {frames[-1]:.1f} ms; "
            f"at most {seen['rows']} rows, {seen['elements']} elements; jump {seen['jump']:.2f} px"
        )
        assert seen["rows"] <= MOST_ROWS
        assert seen["jump"] < 1.5
    numbers = dict(seen["pairs"])
    order = ["0"]
    while order[-1] in numbers:
        order.append(numbers[order[-1]])
    assert order == [str(number) for number in range(MESSAGES)]

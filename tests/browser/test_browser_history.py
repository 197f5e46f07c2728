"""Ten thousand messages, scrolled through from the last to the first and back."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.browser.conftest import OpenWindow, shares_a_loop
from tests.support.client import ChatClient
from tests.support.cluster import NO_LIMITS, Supervised
from tests.support.redis_server import RedisServer
from tests.support.tokens import token

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(120), shares_a_loop]

ROOM = "archive"
MESSAGES = 10_000
#: What a page of 1,000 by 700 px, 1,400 px above and below it, may need: rows are over 30 px tall.
MOST_ROWS = 160
#: Scrolls by `step` px a frame until the end of the list, and looks how it went.
SCROLL = """async ({ step, until }) => {
  const scroller = document.getElementById("stream");
  const list = document.getElementById("messages");
  const older = document.getElementById("older");
  const edge = scroller.getBoundingClientRect();
  const topOf = (node) => node.getBoundingClientRect().top;
  const seen = { frames: [], rows: 0, elements: 0, jump: 0, first: [] };
  let anchor = null, expected = 0, last = performance.now();
  for (;;) {
    const now = await new Promise(requestAnimationFrame);
    seen.frames.push(now - last);
    last = now;
    seen.rows = Math.max(seen.rows, list.childElementCount);
    if (anchor?.isConnected) seen.jump = Math.max(seen.jump, Math.abs(topOf(anchor) - expected));
    const numbers = [...list.querySelectorAll(".body")].map((body) => body.textContent);
    if (numbers.length > 0) seen.first.push(numbers[0], numbers.at(-1));
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
  seen.elements = document.querySelectorAll("*").length;
  return seen;
}"""


@pytest_asyncio.fixture(loop_scope="package")
async def archive(redis_server: RedisServer, redis_prefix: str) -> AsyncIterator[Supervised]:
    """A cluster with a room of ten thousand messages of some people, one in seven of them long."""
    settings: dict[str, Any] = {**NO_LIMITS, "history_size": MESSAGES, "redis_prefix": redis_prefix}
    async with Supervised(redis_server, 1, arguments=["--local"], **settings) as site:
        people = [await ChatClient.connect(site.url, token(f"user-{n}")) for n in range(4)]
        for client in people:
            assert (await client.join(ROOM))["type"] == "room_joined"
        await asyncio.gather(*(_publish(client, n) for n, client in enumerate(people)))
        for client in people:
            await client.close()
        yield site


async def _publish(client: ChatClient, part: int) -> None:
    """Say a quarter of it, many at once: not in the order of the numbers, but in one."""
    for start in range(part * MESSAGES // 4, (part + 1) * MESSAGES // 4, 100):
        texts = (
            f"{number} {'and more ' * (number % 7 // 6 * 40)}"
            for number in range(start, start + 100)
        )
        answers = await asyncio.gather(*(client.say(ROOM, text) for text in texts))
        assert {answer["type"] for answer in answers} == {"ack"}


async def test_ten_thousand_messages_are_scrolled_without_a_jump_in_a_bounded_document(
    archive: Supervised, open_window: OpenWindow
) -> None:
    window = await open_window(archive)
    await window.enter("Ada", ROOM)
    await window.page.locator(".message").last.wait_for()
    shown = {}
    for name, step, end in (
        ("loading", -1_200, "top"),
        ("down", 1_200, "end"),
        ("up", -1_200, "top"),
    ):
        seen = await window.page.evaluate(SCROLL, {"step": step, "until": end})
        frames = sorted(seen["frames"][5:])
        shown[name] = (
            f"{len(frames)} frames, median {frames[len(frames) // 2]:.1f} ms, "
            f"99 % under {frames[len(frames) * 99 // 100]:.1f} ms, longest {frames[-1]:.1f} ms; "
            f"{seen['rows']} rows, {seen['elements']} elements, jump {seen['jump']:.2f} px"
        )
        print(f"\n{name}: {shown[name]}")
        assert seen["rows"] <= MOST_ROWS, shown
        assert seen["jump"] < 1.5, shown

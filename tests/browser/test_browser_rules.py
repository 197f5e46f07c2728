"""The rules of the web client, each module alone: no server, no network, no clock.

Those of the SDK that it is built on are in clients/js/test.
"""

from typing import Any

import pytest
from playwright.async_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

IMPORTS = """
  const [{ buildRows }, text, { Timeline }] = await Promise.all(
    ["rows", "text", "sdk/timeline"].map((name) => import(`/static/${name}.js`)));
  const message = (seq, more = {}) => ({
    kind: "message", seq, messageId: `m${seq}`, userId: "u", name: "U", timestamp: seq,
    content: `${seq}`, ...more });
  const rowsOf = (entries, more = {}) => buildRows({
    entries, items: [], selfId: "me", complete: false, headSeq: 9, ready: true,
    nameOf: (userId) => userId.toUpperCase(), ...more });
"""


async def run(page: Page, body: str, argument: Any = None) -> Any:
    """Run the body of an async function in the page; `given` is its argument."""
    return await page.evaluate(f"async (given) => {{ {IMPORTS} {body} }}", argument)


async def test_what_is_missing_is_said_where_it_is(modules: Page) -> None:
    notices = await run(
        modules,
        """
        const timeline = new Timeline();
        timeline.joined({ epoch: "e1", seq: 0 });
        const say = (seq, epoch) => timeline.event({
          ...message(seq), type: "chat_message", messageId: `${epoch}-${seq}`, epoch });
        for (const seq of [1, 2, 3]) say(seq, "e1");
        timeline.gap({ reason: "trimmed", epoch: "e1", fromSeq: 4, toSeq: 40 });
        say(41, "e1");
        timeline.gap({ reason: "reset", epoch: "e2", fromSeq: 40, toSeq: 40 });
        say(41, "e2");
        return rowsOf(timeline.entries, { complete: true, headSeq: 41 })
          .filter((row) => row.kind !== "day").map((row) => row.text ?? row.content);
        """,
    )
    assert notices == [
        "This is the beginning of the room.",
        "1",
        "2",
        "3",
        "Messages 4\u201340 are no longer available.",
        "41",
        "The server\u2019s history was reset. The last message above exists in this window only.",
        "41",
    ]


async def test_messages_of_one_person_within_minutes_are_a_group(modules: Page) -> None:
    groups = await run(
        modules,
        """
        const minute = 60_000;
        const said = [["u", 0], ["u", 1], ["v", 2], ["v", 9]];
        const entries = said.map(([userId, minutes], i) =>
          message(i + 1, { userId, timestamp: minutes * minute }));
        return rowsOf(entries).filter((row) => row.kind === "message")
          .map((row) => [row.first, row.last]);
        """,
    )
    assert groups == [[True, False], [False, True], [True, True], [True, True]]


async def test_only_web_addresses_become_links(modules: Page) -> None:
    parts = await run(
        modules,
        """
        return text.linked(given).map((part) => part.href ?? part);
        """,
        "see https://example.com/a?b=1. or javascript:alert(1) or http://[bad",
    )
    assert parts == [
        "see ",
        "https://example.com/a?b=1",
        ". or javascript:alert(1) or http://[bad",
    ]

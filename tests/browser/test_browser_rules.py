"""The rules of the web client, each module alone: no server, no network, no clock."""

from typing import Any

import pytest
from playwright.async_api import Page

from chat.protocol.errors import CloseCode

pytestmark = [pytest.mark.browser, pytest.mark.slow]

IMPORTS = """
  const [{ Room }, { Outbox }, { People }, { buildRows }, policy, text] = await Promise.all(
    ["room", "outbox", "people", "rows", "policy", "text"].map((n) => import(`/static/${n}.js`)));
  const message = (seq, epoch = "e1") => ({
    seq, epoch, messageId: `m-${epoch}-${seq}`, userId: "u", timestamp: seq, content: `${seq}` });
  const page = (from, to, more, epoch) => ({
    messages: Array.from({ length: to - from + 1 }, (_, i) => message(from + i, epoch)), more });
  const seqs = (room) => room.entries.map((entry) =>
    entry.kind === "gap" ? `${entry.reason} ${entry.fromSeq}-${entry.toSeq}` : entry.seq);
  const notices = ({ entries, position }) => buildRows({
    entries, items: [], selfId: "me", complete: true, headSeq: position.seq, ready: true,
  }).filter((row) => row.kind === "notice").map((row) => row.text);
"""


async def run(page: Page, body: str, argument: Any = None) -> Any:
    """Run the body of an async function in the page; `given` is its argument."""
    return await page.evaluate(f"async (given) => {{ {IMPORTS} {body} }}", argument)


async def test_the_range_of_a_close_code_decides_how_to_come_back(modules: Page) -> None:
    plans = await run(
        modules,
        """return given.map((code) =>
             policy.afterClose({ code, drainMs: null, attempt: 0 }, 0.5));""",
        [int(code) for code in CloseCode],
    )
    by_code = dict(zip(CloseCode, plans, strict=True))
    for code, plan in by_code.items():
        assert plan["reconnect"] == (not 4000 <= code <= 4099), code
        assert (plan["delayMs"] == 0) == (4000 <= code <= 4099 or 4200 <= code <= 4299), code


async def test_a_drain_is_followed_by_the_wait_the_server_asked_for(modules: Page) -> None:
    drained = "policy.afterClose({ code: given, drainMs: 1234, attempt: 3 }, 0.9)"
    for code in (1012, 1006):
        assert await run(modules, f"return {drained};", code) == {
            "reconnect": True,
            "delayMs": 1234,
        }


async def test_at_once_twice_in_a_row_becomes_back_off(modules: Page) -> None:
    plan = await run(
        modules, "return policy.afterClose({ code: 4200, drainMs: null, attempt: 1 }, 0.5);"
    )
    assert plan["delayMs"] >= 500


async def test_back_off_has_full_jitter_between_half_a_second_and_twenty(modules: Page) -> None:
    spans = await run(
        modules,
        """return [0, 1, 2, 5, 50, 5000].map((attempt) =>
             [policy.backoffMs(attempt, 0), policy.backoffMs(attempt, 0.999999)]);""",
    )
    assert spans == [
        [500, 1000],
        [500, 2000],
        [500, 4000],
        [500, 20000],
        [500, 20000],
        [500, 20000],
    ]


async def test_every_message_shows_once_and_in_order_whatever_breaks(modules: Page) -> None:
    """A server with a log, a link that breaks at any event and repeats at will, 200 times."""
    wrong = await run(
        modules,
        """
        let state = 7;
        const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
        const wrong = [];
        for (let round = 0; round < 200; round += 1) {
          const room = new Room("r");
          let head = Math.floor(random() * 80);
          for (let life = 0; life < 6; life += 1) {
            const since = room.position;
            let events = [];
            const missed = since === null ? 0 : head - since.seq;
            for (let i = missed - 1; i >= 0; i -= 1) events.push(message(head - i));
            room.joined({ epoch: "e1", seq: head, recovered: since ? true : undefined });
            for (let i = Math.floor(random() * 9); i > 0; i -= 1) events.push(message(head += 1));
            events = events.flatMap((event) => random() < 0.2 ? [event, event] : [event]);
            if (random() < 0.7) events = events.slice(0, Math.floor(random() * events.length));
            for (const event of events) {
              if (room.fills.length > 0 && random() < 0.3) {
                const { upTo, limit } = room.fills[0];
                room.filled(page(Math.max(1, upTo - limit + 1), upTo, upTo > limit));
              }
              if (room.message(event) === "hole") wrong.push("hole");
            }
            room.disconnected();
          }
          room.joined({ epoch: "e1", seq: head, recovered: true });
          for (let seq = room.position.seq + 1; seq <= head; seq += 1) room.message(message(seq));
          while (room.fills.length > 0) {
            const { upTo, limit } = room.fills[0];
            room.filled(page(Math.max(1, upTo - limit + 1), upTo, upTo > limit));
          }
          while (room.olderBefore !== null) {
            const last = room.olderBefore - 1;
            room.older(page(Math.max(1, last - 49), last, last > 50));
          }
          const expected = Array.from({ length: head }, (_, i) => i + 1);
          if (String(seqs(room)) !== String(expected) || !room.ready) wrong.push(seqs(room));
        }
        return wrong;
        """,
    )
    assert wrong == []


async def test_a_gap_is_an_entry_at_its_place(modules: Page) -> None:
    seen = await run(
        modules,
        """
        const room = new Room("r");
        room.joined({ epoch: "e1", seq: 3 });
        room.filled(page(1, 3, false));
        room.disconnected();
        room.joined({ epoch: "e1", seq: 42, recovered: false });
        const early = room.caughtUp;
        room.gap({ reason: "trimmed", epoch: "e1", fromSeq: 4, toSeq: 40 });
        room.message(message(41));
        room.message(message(42));
        return { early, late: room.caughtUp, order: seqs(room), notices: notices(room) };
        """,
    )
    assert seen == {
        "early": False,
        "late": True,
        "order": [1, 2, 3, "trimmed 4-40", 41, 42],
        "notices": [
            "This is the beginning of the room.",
            "Messages 4\u201340 are no longer available.",
        ],
    }


async def test_an_epoch_that_changes_without_a_hole_shows_nothing(modules: Page) -> None:
    order = await run(
        modules,
        """
        const room = new Room("r");
        room.joined({ epoch: "e1", seq: 0 });
        room.message(message(1, "e1"));
        room.message(message(2, "e2"));
        return [seqs(room), room.position];
        """,
    )
    assert order == [[1, 2], {"epoch": "e2", "seq": 2}]


async def test_a_reset_keeps_what_was_seen_above_a_line(modules: Page) -> None:
    seen = await run(
        modules,
        """
        const room = new Room("r");
        room.joined({ epoch: "e1", seq: 0 });
        for (const seq of [1, 2, 3]) room.message(message(seq));
        const rewound = room.gap({ reason: "reset", epoch: "e2", fromSeq: 1, toSeq: 1 });
        room.message(message(2, "e2"));
        return { rewound, order: seqs(room), text: notices(room).at(-1), position: room.position };
        """,
    )
    assert seen == {
        "rewound": True,
        "order": [1, 2, 3, "reset 1-1", 2],
        "text": "The server\u2019s history was reset. "
        "The last 2 messages above exist in this window only.",
        "position": {"epoch": "e2", "seq": 2},
    }


async def test_a_hole_in_the_live_stream_asks_for_a_new_join(modules: Page) -> None:
    seen = await run(
        modules,
        """
        const room = new Room("r");
        room.joined({ epoch: "e1", seq: 0 });
        return [1, 3, 2, 3].map((seq) => room.message(message(seq)));
        """,
    )
    assert seen == ["added", "hole", "added", "added"]


async def test_unsent_messages_keep_their_order_through_refusals(modules: Page) -> None:
    seen = await run(
        modules,
        """
        const outbox = new Outbox();
        outbox.add("one", 0);
        outbox.add("two", 0);
        const first = outbox.next(0);
        outbox.sending(first, 0);
        const whileSending = outbox.next(0);
        outbox.refused(first, { code: "rate_limited", message: "slow", retryAfterMs: 500 }, 0);
        const early = outbox.next(100);
        const again = outbox.next(1000);
        outbox.sending(again, 1000);
        outbox.refused(again, { code: "forbidden", message: "no" }, 1000);
        const second = outbox.next(1000);
        return [first.content, whileSending, early, again.content, first.state, second.content];
        """,
    )
    assert seen == ["one", None, None, "one", "failed", "two"]


async def test_an_old_message_is_not_sent_again_over_a_part_nobody_saw(modules: Page) -> None:
    states = await run(
        modules,
        """
        const outbox = new Outbox();
        for (const content of ["sent long ago", "sent now", "never sent"]) outbox.add(content, 0);
        outbox.items[0].firstSentAt = 0;
        outbox.items[1].firstSentAt = 399_000;
        outbox.doubtOld(400_000);
        return outbox.items.map(({ state }) => state);
        """,
    )
    assert states == ["failed", "queued", "queued"]


async def test_who_comes_while_the_list_is_read_is_on_it(modules: Page) -> None:
    names = await run(
        modules,
        """
        const people = new People();
        people.listBegins();
        people.joined({ userId: "new", memberCount: 3 });
        people.left({ userId: "gone", memberCount: 2 });
        people.replace([{ userId: "gone" }, { userId: "zoe" }, { userId: "ada" }]);
        people.typing({ userId: "ada", isTyping: true, expiresInMs: 50 }, 0);
        const typists = [people.typists("zoe", 49), people.typists("zoe", 50)];
        return [people.list("zoe").map(({ name }) => name), ...typists];
        """,
    )
    assert names == [["zoe", "ada", "new"], ["ada"], []]


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

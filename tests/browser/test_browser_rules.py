"""The rules of the web client, each module alone: no server, no network, no clock.

Those of the SDK that it is built on are in clients/js/test.
"""

from typing import Any

import pytest
from playwright.async_api import Page

from chat.protocol.reactions import check_reaction
from tests.browser.conftest import shares_a_loop

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180), shares_a_loop]

IMPORTS = """
  const [{ buildRows, threadRows }, { Timeline }, markup, suggestions, find, mentions, { Extents }]
    = await Promise.all(
      ["rows", "sdk/timeline", "markup", "suggestions", "find", "mentions", "extents"]
        .map((name) => import(`/static/${name}.js`)));
  const message = (seq, more = {}) => ({
    kind: "message", seq, messageId: `m${seq}`, userId: "u", name: "U", timestamp: seq,
    content: `${seq}`, ...more });
  const rowsOf = (entries, more = {}) => buildRows({
    entries, items: [], selfId: "me", complete: false, startSeq: 1, ready: true,
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
        return rowsOf(timeline.entries, { complete: true, startSeq: timeline.startSeq })
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
        "return markup.tokens(given).map(({ kind, text }) => [kind, text]);",
        "see https://example.com/a?b=1. or javascript:alert(1) or http://[bad",
    )
    assert parts == [
        ["text", "see "],
        ["link", "https://example.com/a?b=1"],
        ["text", ". or javascript:alert(1) or http://[bad"],
    ]


async def test_code_is_left_alone_and_people_are_found_by_name(modules: Page) -> None:
    parts = await run(
        modules,
        """
        const meant = [{ userId: "u1", labels: ["Ann Lee", "u1"] },
                       { userId: "u2", labels: ["Ann", "u2"] }];
        return markup.tokens(given, meant).map(({ kind, text, userId }) => [kind, text, userId]);
        """,
        "@Ann Lee: `@Ann` is not @ann, nor is me@Ann.example\n```js\nhttps://x.example @u1\n```",
    )
    assert parts == [
        ["mention", "@Ann Lee", "u1"],
        ["text", ": ", None],
        ["code", "@Ann", None],
        ["text", " is not ", None],
        ["mention", "@ann", "u2"],
        ["text", ", nor is me@Ann.example\n", None],
        ["block", "https://x.example @u1", None],
    ]


async def test_a_few_emoji_alone_are_shown_larger(modules: Page) -> None:
    texts = [
        "\U0001f44d",
        "\u2764\ufe0f \U0001f389",
        "\U0001f468\u200d\U0001f4bb",
        "1",
        "#",
        "ok \U0001f44d",
    ]
    big = await run(modules, "return given.map(markup.isEmojiOnly);", texts)
    assert big == [True, True, True, False, False, False]


async def test_who_is_mentioned_is_known_by_name_or_id_and_only_once(modules: Page) -> None:
    found = await run(
        modules,
        """
        const people = [{ userId: "u1", name: "Ann Lee" }, { userId: "u2", name: "Ben" }];
        return markup.mentionedIn("@Ben and @ben, @u1, not @Benny", people);
        """,
    )
    assert found == ["u2", "u1"]


async def test_completion_begins_at_an_at_sign_that_begins_a_word(modules: Page) -> None:
    found = await run(
        modules,
        """
        const people = ["Grace Hopper", "Ada Lovelace", "Hopkins"].map((name) =>
          ({ userId: name, name }));
        const drafts = ["@", "hi @ho", "hi @Ada L", "mail@ho", "@nobody", "@ada is", "@hopkins"];
        return drafts.map((text) => {
          const asked = suggestions.queryAt(text, text.length);
          if (asked === null) return null;
          return suggestions.suggested(people, asked.query).map(({ name }) => name);
        });
        """,
    )
    assert found == [
        ["Grace Hopper", "Ada Lovelace", "Hopkins"],
        ["Hopkins", "Grace Hopper"],
        ["Ada Lovelace"],
        None,
        [],
        [],
        [],
    ]


async def test_replies_in_threads_are_lines_in_the_conversation(modules: Page) -> None:
    shown, thread = await run(
        modules,
        """
        const entries = [
          message(1, { content: "root" }), message(2, { threadId: "m1" }),
          message(3, { content: "between", userId: "v" }),
          message(4, { threadId: "m1", userId: "me" }), message(5, { threadId: "m1" }),
          message(6, { threadId: "m1", deleted: true }), message(7, { threadId: "gone" }),
        ];
        const named = ({ kind, content, count, names, excerpt, thread }) => kind === "note"
          ? [count, names.join(), excerpt] : [content, thread?.count ?? 0];
        const scene = { entries, items: [], selfId: "me", nameOf: (id) => id };
        return [rowsOf(entries).slice(1).map(named),
          threadRows(scene, "m1").slice(1).map(({ seq }) => seq)];
        """,
    )
    assert shown == [
        ["root", 3],
        ["between", 0],
        [2, "You,U", "root"],
        [1, "U", None],
    ]
    assert thread == [1, 2, 4, 5, 6]


async def test_a_line_stands_before_the_first_new_message(modules: Page) -> None:
    kinds = await run(
        modules,
        """
        const rows = rowsOf([1, 2, 3, 4].map((seq) => message(seq)), { newFrom: 3 });
        return rows.map((row) => row.kind === "message" ? [row.content, row.first] : row.kind);
        """,
    )
    assert kinds == ["day", ["1", True], ["2", False], "line", ["3", True], ["4", False]]


async def test_mentions_are_listed_from_new_to_old_and_counted_while_unread(modules: Page) -> None:
    listed, unread = await run(
        modules,
        """
        const to = (seq, ids, more) => message(seq, { mentions: ids, ...more });
        const entries = [to(1, ["me"]), to(2, ["v"]), to(3, ["me"], { userId: "me" }),
          to(4, ["me"], { deleted: true }), to(5, ["v", "me"])];
        const rooms = [{ roomId: "tea", entries, readSeq: 1, nameOf: (id) => id }];
        return [mentions.mentionsIn(rooms, "me").map(({ entry, unread }) => [entry.seq, unread]),
          mentions.unreadMentions(entries, 1, "me")];
        """,
    )
    assert listed == [[5, True], [1, False]]
    assert unread == 1


async def test_every_reaction_that_is_offered_is_one_that_the_server_takes(modules: Page) -> None:
    offered = await run(
        modules,
        """
        const { EMOJI } = await import("/static/emoji.js");
        const { QUICK, isReaction } = await import("/static/reactions.js");
        const all = EMOJI.flatMap(({ emoji }) => emoji);
        return {
          all: all.map(({ reaction }) => reaction), names: all.map(({ name }) => name),
          quick: QUICK, ours: all.every(({ reaction }) => isReaction(reaction)),
        };
        """,
    )
    assert offered["ours"]
    for reaction in offered["all"]:
        check_reaction(reaction)
    assert len(set(offered["all"])) == len(offered["all"]) > 250
    assert len(set(offered["names"])) == len(offered["names"])
    assert set(offered["quick"]) < set(offered["all"])


async def test_reactions_are_looked_for_by_words_and_the_last_ones_come_first(
    modules: Page,
) -> None:
    found = await run(
        modules,
        """
        const { offered, used, isReaction, QUICK } = await import("/static/reactions.js");
        const namesIn = ({ emoji }) => emoji.map(({ name }) => name);
        const names = (query) => offered(query, []).flatMap(namesIn);
        return {
          heart: names("heart")[0], two: names("blue HEA"), none: names("qqq"),
          pasted: names(given.flamingo), first: offered("", ["🚀"])[0].emoji[0].name,
          stored: [used(["x", 7, null, "🚀", "🚀"])[0], used("no list"), used(QUICK).length],
          ours: ["👍🏽", "🇩🇪", "👨‍👩‍👧", "1️⃣", "a", "1", "👍👍", "👍 ", ""].map(isReaction),
        };
        """,
        {"flamingo": "\U0001f9a9"},
    )
    assert found["heart"] == "heart eyes"
    assert found["two"] == ["blue heart"]
    assert found["none"] == []
    assert found["pasted"] == ["\U0001f9a9"]
    assert found["first"] == "rocket"
    assert found["stored"] == ["\U0001f680", ["👍", "❤️", "😂", "🎉", "😮", "👀"], 6]
    assert found["ours"] == [True] * 4 + [False] * 5


async def test_search_finds_words_in_any_case_and_says_where(modules: Page) -> None:
    found, places, odd = await run(
        modules,
        """
        const entries = ["Tea is hot", "coffee", "TEA tea"].map((content, at) =>
          message(at + 1, { content }));
        return [find.matching(entries, " tea ").map(({ seq }) => seq),
          find.placesIn("TEA tea", "tea"), find.placesIn("\u0130 tea", "tea")];
        """,
    )
    assert found == [1, 3]
    assert places == [[0, 3], [4, 7]]
    assert odd == []


async def test_rows_are_where_the_measured_and_the_guessed_ones_before_them_end(
    modules: Page,
) -> None:
    seen = await run(
        modules,
        """
        const extents = new Extents(() => 10);
        const rows = ["a", "b", "c", "d"].map((key) => ({ key }));
        extents.layOut(rows);
        extents.measure("b", 30);
        extents.layOut(rows);
        const at = [-5, 0, 9, 10, 39, 40, 999].map((px) => extents.at(px));
        extents.layOut([{ key: "z" }, ...rows]);
        return [at, extents.top(3), extents.total];
        """,
    )
    assert seen == [[0, 0, 0, 1, 1, 2, 3], 50, 70]


async def test_rights_are_those_of_the_token_and_of_the_role(modules: Page) -> None:
    found = await modules.evaluate(
        """async () => {
          const { allows, mayRemove, moderates } = await import("/static/rights.js");
          const claim = { "team-*-mod": ["moderate"], "*": ["join"], "a.c": ["moderate"] };
          const rooms = ["team-x-mod", "team-x-mode", "a.c", "abc"];
          const room = (role) => ({ roomId: "private:a", role });
          return {
            moderate: rooms.filter((roomId) => allows(claim, roomId, "moderate")),
            roles: ["member", "moderator", "owner", null]
              .map((role) => moderates(claim, room(role))),
            remove: [["owner", "owner"], ["moderator", "member"], ["moderator", "moderator"]]
              .map(([mine, theirs]) => mayRemove(mine, theirs)),
          };
        }"""
    )
    assert found == {
        "moderate": ["team-x-mod", "a.c"],
        "roles": [False, True, True, False],
        "remove": [True, True, False],
    }


async def test_only_what_is_different_is_changed(modules: Page) -> None:
    found = await modules.evaluate(
        """async () => {
          const { changed, ruleWords } = await import("/static/rules.js");
          const about = { title: "Tea", slowModeMs: 1_500, readOnly: true };
          const same = { title: "Tea", readOnly: true, large: null };
          const wish = { ...same, topic: "Green", slowModeMs: null };
          return [changed(about, wish), ruleWords(about)];
        }"""
    )
    assert found == [
        {"topic": "Green", "slowModeMs": None},
        ["Only moderators write", "1.5 s between two messages of a person"],
    ]

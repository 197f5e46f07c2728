"""Rules of rooms in a real Redis: what is refused, what is over, and at which cost."""

import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.broker import scripts
from chat.protocol.about import NOTHING, About, encode_about, rules_of
from chat.protocol.records import Page, Record, decode_page, decode_record, encode_body
from tests.support.redis_server import RedisServer

SIZE = 5
DAY_MS = 86_400_000
MINUTE_MS = 60_000
#: DROPPED_MAX of `_retention.lua`.
DROPPED_MAX = 256
EXEMPT = -1


class Room:
    """One room's keys, and the scripts run on them as a worker runs them."""

    def __init__(self, redis: RedisServer, prefix: str) -> None:
        self.client: Any = redis.connect()  # whose answers are bytes here
        self.client.connection_pool.connection_kwargs["decode_responses"] = False
        self.prefix = prefix
        self.stream, self.history = f"{prefix}:stream", f"{prefix}:history"
        self._history_id = redis.replication()["master_replid"][:16]

    def close(self) -> None:
        self.client.close()

    def run(self, *command: Any) -> Any:
        return self.client.execute_command(*command)

    def say(self, text: str = "x", slow_ms: int = 0, client_id: str = "", user: str = "ann") -> Any:
        body = encode_body("m", user, None, client_id or None, text)
        slow = f"{self.prefix}:slow:{user}"
        return self._store(scripts.PLAIN.room_publish, body, (slow,), (slow_ms,), client_id, user)

    def set(self, before: About, after: About, client_id: str = "") -> Any:
        arguments = (_stored(before), _stored(after), rules_of(after))
        return self._store(scripts.PLAIN.room_change, b'"room":{}}', (), arguments, client_id)

    def fold(self, record: Record, *, is_edit: bool = True, flag: int = 0) -> Any:
        digest = hashlib.sha1(record.encode(), usedforsecurity=False).hexdigest()
        arguments = (b"e", record.seq, digest, b'"content":"y"}', int(is_edit), 0, 0, flag)
        return self._store(scripts.PLAIN.room_fold, b'"content":"y"}', (), arguments)

    def _store(
        self,
        script: scripts.Script,
        body: bytes,
        named: tuple[str, ...],
        last: tuple[Any, ...],
        client_id: str = "",
        user: str = "ann",
    ) -> Any:
        sent, sanctions = f"{self.prefix}:sent:{client_id}", f"{self.prefix}:sanctions"
        keys = (self.stream, self.history, sent, *named, sanctions)
        common = ("live", self._history_id, "epoch", "m", body, SIZE, DAY_MS, 2 * DAY_MS)
        idempotency_ms = MINUTE_MS if client_id else 0
        return self.run(
            "EVAL", script.source, len(keys), *keys, *common, idempotency_ms, *last, user
        )

    def page(self, first: int = 1, count: int = 1000) -> Page:
        keys = (self.stream, self.history, f"{self.prefix}:members")
        arguments = (self._history_id, "other", 2 * DAY_MS, first, count, SIZE)
        return decode_page(self.run("EVAL", scripts.PLAIN.room_read.source, 3, *keys, *arguments))

    def seqs(self, first: int = 1, count: int = 1000) -> list[int]:
        return [record.seq for record in self.page(first, count).records]

    def kept(self) -> list[Record]:
        return [decode_record(data) for data in self.run("LRANGE", self.history, 0, -1)]

    def grow_old(self, by_ms: int, up_to: int = 10**9) -> None:
        """Have records been stored earlier than they were."""
        for index, record in enumerate(self.kept()):
            if record.seq <= up_to:
                head, seq, timestamp, rest = record.encode().split(b":", 3)
                older = b":".join((head, seq, b"%d" % (int(timestamp) - by_ms), rest))
                self.run("LSET", self.history, index, older)


def _stored(about: About) -> bytes:
    return b"" if about == NOTHING else encode_about(about)


@pytest.fixture
def room(redis_server: RedisServer, redis_prefix: str) -> Any:
    made = Room(redis_server, redis_prefix)
    yield made
    made.close()


def filled(room: Room, about: About, messages: int = 4) -> Room:
    assert room.set(NOTHING, about)[0] == b"ok"
    for number in range(messages):
        assert room.say(str(number), EXEMPT)[0] == b"ok"
    return room


# ------------------------------------------------------------------------- setting


def test_what_is_set_comes_with_every_page_and_its_event_is_in_the_order(room: Room) -> None:
    assert room.page().about == NOTHING
    room.say()
    about = About(title="Lobby", historySize=9, readOnly=True)
    kind, epoch, seq, *_ = room.set(NOTHING, about)
    assert (kind, epoch, seq) == (b"ok", b"other", b"2")
    page = room.page()
    assert (page.about, page.head_seq) == (about, 2)
    assert page.records[-1].encode().startswith(b"cother:2:")


def test_who_has_seen_something_else_is_told_what_is_set(room: Room) -> None:
    room.set(NOTHING, About(title="A"))
    assert room.set(NOTHING, About(title="B")) == [b"raced", encode_about(About(title="A"))]
    assert room.page().about == About(title="A")
    assert room.page().head_seq == 1


def test_a_retry_is_answered_with_the_place_of_the_first(room: Room) -> None:
    first = room.set(NOTHING, About(title="A"), client_id="c")
    again = room.set(NOTHING, About(title="A"), client_id="c")
    assert (again[0], again[1:4]) == (b"dup", first[1:4])


def test_a_room_of_which_something_is_set_keeps_it_for_good_and_others_end(room: Room) -> None:
    room.say()
    assert 0 < room.run("PTTL", room.stream) <= 3 * DAY_MS
    room.set(NOTHING, About(title="A"))
    assert room.run("PTTL", room.stream) == -1
    room.page()
    room.run("HSET", room.stream, "x", 0)
    room.say()
    assert room.run("PTTL", room.stream) == -1
    assert 0 < room.run("PTTL", room.history) <= 2 * DAY_MS
    room.set(About(title="A"), NOTHING)
    assert 0 < room.run("PTTL", room.stream) <= 3 * DAY_MS
    assert room.page().about == NOTHING


def test_what_is_set_and_the_place_survive_a_history_that_was_forgotten(room: Room) -> None:
    filled(room, About(title="A"))
    room.run("DEL", room.history)  # as when its expiry has come
    page = room.page()
    assert (page.about, page.epoch, page.head_seq, page.records) == (
        About(title="A"),
        "epoch",
        5,
        (),
    )
    assert room.say()[2] == b"6"


def test_a_fork_keeps_what_is_set(room: Room) -> None:
    filled(room, About(title="A", readOnly=True))
    room.run("HSET", room.stream, "h", "0" * 16)
    assert room.say()[0] == b"read_only"
    page = room.page()
    assert (page.epoch, page.about) == ("epoch", About(title="A", readOnly=True))
    assert page.lineage == (("epoch", 5),)


# --------------------------------------------------------------- read-only and slow mode


def test_in_a_read_only_room_only_who_may_moderate_writes_and_edits(room: Room) -> None:
    room.say()
    (message,) = room.kept()
    room.set(NOTHING, About(readOnly=True))
    assert room.say() == [b"read_only"]
    assert room.fold(message) == [b"read_only"]
    assert room.say(slow_ms=EXEMPT)[0] == b"ok"
    assert room.fold(message, is_edit=False)[0] == b"ok"  # a reaction, or taking it away
    message = room.kept()[0]
    assert room.fold(message, flag=EXEMPT)[0] == b"ok"
    room.set(About(readOnly=True), NOTHING)
    assert room.say()[0] == b"ok"


@pytest.mark.parametrize(
    ("own_ms", "configured_ms", "is_held_up"),
    [(None, 0, False), (None, 60_000, True), (60_000, 0, True), (0, 60_000, False)],
)
def test_the_room_s_own_slow_mode_comes_before_the_configured_one(
    room: Room, own_ms: int | None, configured_ms: int, is_held_up: bool
) -> None:
    if own_ms is not None:
        room.set(NOTHING, About(slowModeMs=own_ms))
    assert room.say(slow_ms=configured_ms)[0] == b"ok"
    second = room.say(slow_ms=configured_ms)
    assert (second[0] == b"slow") is is_held_up
    if is_held_up:
        assert 30_000 < second[1] <= 60_000
    assert room.say(slow_ms=configured_ms, user="ben")[0] == b"ok"
    assert room.say(slow_ms=EXEMPT)[0] == b"ok"


# ------------------------------------------------------------------------- retention


def test_a_room_keeps_as_many_as_its_own_size_says(room: Room) -> None:
    filled(room, About(historySize=7), messages=20)
    assert room.seqs() == [*range(15, 22)]
    assert len(room.kept()) == 7


def test_what_no_longer_fits_is_hidden_at_once_and_dropped_a_bounded_number_at_a_time(
    room: Room,
) -> None:
    big = About(historySize=2000)
    filled(room, big, messages=999)
    old = room.kept()[950]
    room.set(big, About(historySize=2))
    assert len(room.kept()) == 1001 - DROPPED_MAX
    assert room.fold(old) == [b"raced", b""]
    assert room.seqs() == [1000, 1001]
    assert room.seqs(first=100, count=3) == [1000, 1001]
    for _ in range(3):
        room.say()
    assert len(room.kept()) == 2


def test_a_smaller_size_in_the_settings_holds_at_once_too(room: Room) -> None:
    filled(room, About(historySize=100), messages=20)
    room.set(About(historySize=100), NOTHING)
    assert room.seqs() == [*range(18, 23)]
    assert len(room.kept()) == SIZE


def test_what_is_too_old_is_told_to_nobody_even_in_a_quiet_room(room: Room) -> None:
    filled(room, About(historyMs=60_000, historySize=100), messages=9)
    old = room.kept()[3]
    room.grow_old(61_000, up_to=7)
    (old,) = [record for record in room.kept() if record.seq == old.seq]
    assert room.fold(old) == [b"raced", b""]
    assert room.seqs() == [8, 9, 10]
    assert room.seqs(first=2, count=2) == [8, 9]
    assert room.seqs(first=10) == [10]
    assert [record.seq for record in room.kept()] == [8, 9, 10]  # the first look dropped the others
    room.grow_old(61_000)
    assert (room.seqs(), room.page(count=0).head_seq) == ([], 10)
    assert room.kept() == []
    room.say()
    assert room.seqs() == [11]


def test_a_whole_old_history_is_hidden_at_once_and_dropped_bit_by_bit(room: Room) -> None:
    filled(room, About(historyMs=60_000, historySize=2000), messages=999)
    room.grow_old(61_000, up_to=600)
    assert room.seqs(count=5) == [601, 602, 603, 604, 605]
    assert len(room.kept()) == 1000 - DROPPED_MAX
    room.page(count=0)  # a look at the head is enough
    assert len(room.kept()) == 1000 - 2 * DROPPED_MAX
    room.grow_old(61_000)
    assert room.seqs() == []  # while some of them are still there
    assert len(room.kept()) == 1000 - 3 * DROPPED_MAX
    assert room.seqs(first=1000) == []


def test_milder_rules_bring_nothing_back_that_was_over(room: Room) -> None:
    strict = About(historySize=2, title="A")
    filled(room, About(historySize=2000), messages=999)
    old = room.kept()[-3]
    room.set(About(historySize=2000), strict)
    room.set(strict, About(historySize=2000))
    assert len(room.kept()) > DROPPED_MAX
    assert room.seqs() == [1000, 1001, 1002]
    assert room.fold(old) == [b"raced", b""]
    for _ in range(5):
        room.page(count=0)
    assert len(room.kept()) == 3
    assert room.run("HGET", room.stream, "f") is None
    room.say()
    assert room.seqs() == [1000, 1001, 1002, 1003]


AGES_MIN = st.none() | st.integers(1, 30)
STEPS = st.one_of(
    st.tuples(st.just("say"), st.integers(1, 12)),
    st.tuples(st.just("wait"), st.integers(1, 12)),
    st.tuples(st.just("set"), st.tuples(st.none() | st.integers(1, 20), AGES_MIN)),
    st.tuples(st.just("read"), st.tuples(st.integers(0, 60), st.integers(0, 60))),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=15))
def test_whatever_happens_a_page_has_what_no_rule_has_ever_ended(
    redis_server: RedisServer, steps: list[tuple[str, Any]]
) -> None:
    """Minutes pass in whole ones, and rules have half a one more: nothing is near the border."""
    room = Room(redis_server, "steps")
    room.run("DEL", room.stream, room.history)
    born: dict[int, int] = {}  # seq of what counts, and the minute it was stored in
    about, minute, head = NOTHING, 0, 0

    def end() -> None:
        size, age_ms = about.historySize or SIZE, about.historyMs or DAY_MS
        for seq in list(born):
            if seq <= head - size or (minute - born[seq]) * MINUTE_MS > age_ms:
                del born[seq]

    for kind, value in steps:
        if kind == "say":
            for _ in range(value):
                head += 1
                born[head] = minute
                room.say()
        elif kind == "wait":
            minute += value
            room.grow_old(value * MINUTE_MS)
        elif kind == "set":
            size, age_min = value
            age_ms = None if age_min is None else age_min * MINUTE_MS + MINUTE_MS // 2
            after = About(historySize=size, historyMs=age_ms)
            end()
            if after != about:
                assert room.set(about, after)[0] == b"ok"
                about, head = after, head + 1
                born[head] = minute
        else:
            first, count = value
            end()
            wanted = [seq for seq in born if seq >= first]
            begin = max(first, min(born, default=head + 1))
            assert room.seqs(first, count) == [seq for seq in wanted if seq < begin + count]
        end()
    assert room.seqs() == list(born)
    room.close()


def test_the_history_of_a_quiet_room_goes_with_its_own_age(room: Room) -> None:
    filled(room, About(historyMs=60_000))
    assert 30_000 < room.run("PTTL", room.history) <= 64_000
    room.set(About(historyMs=60_000), About(historyMs=5 * DAY_MS))
    assert room.run("PTTL", room.history) > 5 * DAY_MS - MINUTE_MS


@settings(max_examples=40, deadline=None)
@given(
    ages=st.lists(st.integers(0, 200), min_size=1, max_size=40),
    keep=st.integers(5, 150),
    size=st.integers(1, 40),
    first=st.integers(1, 42),
    count=st.integers(1, 42),
)
def test_a_page_is_what_is_asked_for_without_what_is_over(
    redis_server: RedisServer, ages: list[int], keep: int, size: int, first: int, count: int
) -> None:
    """Ages are full minutes and a half: none is near the border, as the clock runs on."""
    room = Room(redis_server, "paged")
    ages_ms = sorted((age * MINUTE_MS + MINUTE_MS // 2 for age in ages), reverse=True)
    keep_ms = keep * MINUTE_MS
    room.run("DEL", room.stream, room.history)
    room.set(NOTHING, About(historySize=100, historyMs=keep_ms))
    room.run("DEL", room.history)
    now_ms = int(room.run("TIME")[0]) * 1000
    for seq, age_ms in enumerate(ages_ms, start=1):
        room.run("RPUSH", room.history, f"mepoch:{seq}:{now_ms - age_ms}:}}")
    rules = rules_of(About(historySize=size, historyMs=keep_ms))
    room.run("HSET", room.stream, "s", len(ages), "r", rules)
    last = len(ages)
    counting = [
        seq for seq, age_ms in enumerate(ages_ms, start=1) if age_ms < keep_ms and seq > last - size
    ]
    begin = max(first, min(counting, default=last + 1))
    assert room.seqs(first, count) == [seq for seq in range(begin, begin + count) if seq <= last]
    assert room.seqs() == counting
    room.close()


# ------------------------------------------------------------------------------- cost


#: What the test itself asks.
NOT_OF_THE_SCRIPT = ("info", "eval", "config", "client", "hello", "ping")


@pytest.mark.parametrize("about", [NOTHING, About(title="Lobby", slowModeMs=0, historySize=SIZE)])
def test_a_message_asks_redis_for_nothing_more_than_without_rules(
    fresh_redis: RedisServer, about: About
) -> None:
    room = Room(fresh_redis, f"plain-{about == NOTHING}")
    if about != NOTHING:
        room.set(NOTHING, about)
    for _ in range(SIZE + 1):
        room.say()
    room.run("CONFIG", "RESETSTAT")
    room.say(client_id="c")
    stats = room.run("INFO", "commandstats")
    calls = {
        name.removeprefix("cmdstat_"): found["calls"]
        for name, found in stats.items()
        if not name.removeprefix("cmdstat_").startswith(NOT_OF_THE_SCRIPT)
    }
    names = ("get", "hmget", "time", "hincrby", "rpush", "ltrim", "set", "publish")
    assert calls == dict.fromkeys(names, 1)
    room.close()


# ------------------------------------------------------------------------------ members


def test_a_large_room_is_told_numbers_whatever_its_size(room: Room) -> None:
    room.set(NOTHING, About(large=True))
    with room.client.pubsub() as heard:
        heard.subscribe("live")
        assert heard.get_message(timeout=20)["type"] == "subscribe"
        members, held = f"{room.prefix}:members", f"{room.prefix}:held"
        for user, present in (("ann", 1), ("ben", 1), ("ben", 0)):
            room.run(
                *("EVAL", scripts.PLAIN.member_set.source, 3, members, held, room.stream),
                *("live", user, present, "{}", 200),
            )
        state = ("EVAL", scripts.PLAIN.member_state.source, 2, members, room.stream, "live")
        assert room.run(*state, "ann", '{"state":"busy"}', 200) == 1  # noted, and not told
        room.run(
            *("EVAL", scripts.PLAIN.member_sweep.source, 3, members, held, room.stream),
            *("live", 100, 200),
        )
        told = [heard.get_message(timeout=20)["data"] for _ in range(4)]
    assert told == [b"n1", b"n2", b"n1", b"n0"]

"""The order of a room: whatever Redis and the network do, nothing is skipped in silence."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chat.protocol.records import Page, Record
from chat.rooms import stream as stream_module
from chat.rooms.stream import Lost, Stream
from tests.rooms.log_model import Believer, Log


def records(epoch: str, first: int, last: int) -> tuple[Record, ...]:
    return tuple(Record(epoch, seq, 0, b"") for seq in range(first, last + 1))


def page(
    epoch: str,
    head: int,
    first: int = 1,
    last: int = 0,
    lineage: tuple[tuple[str, int], ...] = (),
) -> Page:
    return Page(epoch, head, lineage, records(epoch, first, last), 0)


class RedisAndTheNetwork(RuleBasedStateMachine):
    """One worker's stream between a log that misbehaves and a member who notices.

    Live records may be lost, repeated and reordered; a page of history may be on its way for long;
    the log is trimmed, forgotten, flushed, and goes back to any earlier state of itself.
    """

    @initialize(cap=st.integers(1, 12), behind_by=st.integers(0, 5))
    def begin(self, cap: int, behind_by: int) -> None:
        self.log = Log(cap)
        for _ in range(behind_by):
            self.log.publish()
        self.backups = [self.log.copy()]
        self.stream = Stream(self.log.epoch, self.log.head)
        self.member = Believer(self.log.epoch, self.log.head)
        self.on_air: list[Record] = []
        self.offered: set[Record] = set()
        self.on_its_way: Page | None = None

    # ------------------------------------------------------------------ the log

    @rule(count=st.integers(1, 6))
    def publish(self, count: int) -> None:
        self.on_air += [self.log.publish() for _ in range(count)]

    @rule()
    def back_up(self) -> None:
        self.backups.append(self.log.copy())

    @rule(which=st.integers(0, 100))
    def restart_on_a_backup(self, which: int) -> None:
        older = self.backups[which % len(self.backups)]
        self.log.restore(older)

    @rule()
    def restart_on_everything(self) -> None:
        self.log.restore(self.log.copy())

    @rule()
    def flush(self) -> None:
        self.log.flush()

    @rule()
    def forget_the_messages(self) -> None:
        self.log.history = []

    # -------------------------------------------------------------- the network

    @precondition(lambda self: self.on_air)
    @rule(which=st.integers(0, 100), again=st.booleans())
    def deliver(self, which: int, again: bool) -> None:
        record = self.on_air[which % len(self.on_air)]
        if not again:
            self.on_air.remove(record)
        self.offer(record)

    @precondition(lambda self: self.on_air)
    @rule()
    def deliver_all(self) -> None:
        on_air, self.on_air = self.on_air, []
        for record in on_air:
            self.offer(record)

    @precondition(lambda self: self.on_air)
    @rule(which=st.integers(0, 100))
    def lose(self, which: int) -> None:
        del self.on_air[which % len(self.on_air)]

    @precondition(lambda self: self.stream.behind and self.on_its_way is None)
    @rule(size=st.integers(1, 4))
    def read_a_page(self, size: int) -> None:
        self.on_its_way = self.log.page(self.stream.next_seq, size)

    @precondition(lambda self: self.on_its_way is not None)
    @rule()
    def page_arrives(self) -> None:
        assert self.on_its_way is not None
        arrived, self.on_its_way = self.on_its_way, None
        self.member.take(self.stream.reconcile(arrived), self.log)
        self.member.epoch = self.stream.epoch

    @rule()
    def compare_heads(self) -> None:
        self.stream.head_is(self.log.epoch, self.log.head)

    # ----------------------------------------------------------------- promises

    @invariant()
    def stream_and_member_agree(self) -> None:
        if hasattr(self, "stream"):
            assert (self.stream.epoch, self.stream.seq) == (self.member.epoch, self.member.seq)

    def teardown(self) -> None:
        if not hasattr(self, "stream"):
            return
        self.settle()
        newest = self.log.truth.get(self.log.head)
        if newest in self.offered and newest.epoch == self.log.epoch:
            self.at_the_head()  # without waiting for a head check
        self.stream.head_is(self.log.epoch, self.log.head)
        self.settle()
        self.at_the_head()
        self.member.must_know(self.log)

    def at_the_head(self) -> None:
        assert (self.stream.epoch, self.stream.seq) == (self.log.epoch, self.log.head)

    def settle(self) -> None:
        """Let the hub do its work: read as long as the stream is behind."""
        if self.on_its_way is not None:
            self.page_arrives()
        for _ in range(1000):
            if not self.stream.behind:
                return
            self.read_a_page(4)
            self.page_arrives()
        raise AssertionError("the stream reads for ever")

    def offer(self, record: Record) -> None:
        self.offered.add(record)
        self.member.take(self.stream.offer(record), self.log)


@pytest.fixture(autouse=True)
def a_small_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few records are held that random runs exceed it."""
    monkeypatch.setattr(stream_module, "HELD_MAX", 3)


def test_nothing_is_skipped_in_silence_whatever_happens() -> None:
    run_state_machine_as_test(
        RedisAndTheNetwork,
        settings=settings(
            max_examples=200,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_live_record_that_continues_is_passed_on_at_once() -> None:
    stream = Stream("a", 4)
    (record,) = records("a", 5, 5)
    assert stream.offer(record) == [record]
    assert (stream.seq, stream.behind) == (5, False)


def test_a_record_is_passed_on_once() -> None:
    stream = Stream("a", 4)
    (record,) = records("a", 5, 5)
    stream.offer(record)
    assert stream.offer(record) == []
    assert not stream.behind


def test_a_jump_is_held_back_until_history_has_filled_it() -> None:
    stream = Stream("a", 4)
    (late,) = records("a", 7, 7)
    assert stream.offer(late) == []
    assert stream.behind
    filled = stream.reconcile(page("a", 7, 5, 6))
    assert [item.seq for item in filled if isinstance(item, Record)] == [5, 6, 7]
    assert not stream.behind


def test_what_history_no_longer_has_is_told_as_trimmed() -> None:
    stream = Stream("a", 4)
    stream.head_is("a", 9)
    items = stream.reconcile(page("a", 9, 8, 9))
    assert items == [Lost("trimmed", "a", 5, 7), *records("a", 8, 9)]


def test_a_forgotten_history_is_told_as_trimmed_up_to_the_head() -> None:
    stream = Stream("a", 4)
    stream.head_is("a", 9)
    assert stream.reconcile(page("a", 9)) == [Lost("trimmed", "a", 5, 9)]
    assert (stream.seq, stream.behind) == (9, False)


def test_a_new_epoch_that_keeps_everything_seen_needs_no_gap() -> None:
    stream = Stream("a", 4)
    stream.head_is("b", 5)
    items = stream.reconcile(page("b", 5, 5, 5, lineage=(("a", 4),)))
    assert items == [*records("b", 5, 5)]
    assert (stream.epoch, stream.behind) == ("b", False)


def test_a_new_epoch_that_lost_the_tail_says_from_where_on() -> None:
    stream = Stream("a", 9)
    stream.head_is("b", 8)
    items = stream.reconcile(page("b", 8, 10, 9, lineage=(("a", 6),)))
    assert items == [Lost("reset", "b", 6, 6, "a")]
    assert (stream.next_seq, stream.behind) == (7, True)


def test_the_oldest_common_point_of_several_forks_counts() -> None:
    stream = Stream("a", 9)
    stream.head_is("c", 8)
    items = stream.reconcile(page("c", 8, lineage=(("b", 5), ("a", 7))))
    assert items == [Lost("reset", "c", 5, 5, "a")]


def test_an_unknown_epoch_starts_over_from_nothing() -> None:
    stream = Stream("a", 9)
    stream.head_is("b", 2)
    assert stream.reconcile(page("b", 2)) == [Lost("reset", "b", 0, 0, "a")]
    assert stream.reconcile(page("b", 2, 1, 2)) == [*records("b", 1, 2)]


def test_a_record_of_a_new_epoch_that_overtakes_the_page_is_not_forgotten() -> None:
    """The page was read before that record was stored: it has to be read again."""
    stream = Stream("a", 4)
    stream.head_is("b", 4)
    read_before = page("b", 4, lineage=(("a", 4),))
    stream.offer(*records("b", 5, 5))
    stream.reconcile(read_before)
    assert stream.behind


def test_a_flood_while_a_page_is_on_its_way_is_not_forgotten() -> None:
    """More arrives than is held; the page does not have it yet."""
    stream = Stream("a", 4)
    stream.head_is("a", 5)
    read_before = page("a", 5, 5, 5)
    for record in records("a", 6, 20):
        stream.offer(record)
    stream.reconcile(read_before)
    assert stream.seq == 8
    assert stream.behind

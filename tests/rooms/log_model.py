"""A room's log as Redis keeps it, and a member who believes only what a stream passes on."""

from dataclasses import dataclass, field, replace

from chat.protocol.records import Page, Record
from chat.rooms.stream import Item, Lost


@dataclass
class Log:
    """Epoch, head, lineage and capped history of one room, with the truth beside them."""

    cap: int
    epoch: str = "e0"
    head: int = 0
    lineage: tuple[tuple[str, int], ...] = ()
    history: list[Record] = field(default_factory=list)
    truth: dict[int, Record] = field(default_factory=dict)
    births: int = 0

    def publish(self) -> Record:
        self.head += 1
        record = Record(self.epoch, self.head, 0, b"%d" % self.births)
        self.truth[self.head] = record
        self.history = [*self.history, record][-self.cap :]
        return record

    def copy(self) -> "Log":
        return replace(self, history=list(self.history), truth=dict(self.truth))

    def restore(self, older: "Log") -> None:
        """Redis comes back with older data, or with all of it: whoever writes next forks."""
        self.births += 1
        self.lineage = ((older.epoch, older.head), *older.lineage)
        self.epoch = f"e{self.births}"
        self.head = older.head
        self.history = list(older.history)
        self.truth = dict(older.truth)

    def flush(self) -> None:
        """FLUSHALL: a stream is born that has nothing in common with the one before."""
        self.births += 1
        self.epoch = f"e{self.births}"
        self.head = 0
        self.lineage = ()
        self.history = []
        self.truth = {}

    def page(self, first_seq: int, count: int) -> Page:
        """What `room_read.lua` answers."""
        found = [record for record in self.history if record.seq >= first_seq][:count]
        return Page(self.epoch, self.head, self.lineage, tuple(found), 0)

    def has(self, seq: int) -> bool:
        return any(record.seq == seq for record in self.history)


class Believer:
    """A member: fails on any item that does not continue what it was told before."""

    def __init__(self, epoch: str, seq: int) -> None:
        self.epoch = epoch
        self.seq = seq
        self.start = seq
        self.seen: dict[int, Record | None] = {}  # None: told that it is lost

    def take(self, items: list[Item], log: Log) -> None:
        for item in items:
            if isinstance(item, Record):
                assert item.seq == self.seq + 1, f"{item} does not follow {self.seq}"
                self.seen[item.seq] = item
                self.seq = item.seq
            elif item.reason == "trimmed":
                self._take_trimmed(item, log)
            else:
                self._take_reset(item)

    def _take_trimmed(self, lost: Lost, log: Log) -> None:
        assert lost.from_seq == self.seq + 1
        assert lost.to_seq >= lost.from_seq
        for seq in range(lost.from_seq, lost.to_seq + 1):
            assert lost.epoch != log.epoch or not log.has(seq), f"{seq} can be had"
            self.seen[seq] = None
        self.seq = lost.to_seq

    def _take_reset(self, lost: Lost) -> None:
        assert lost.previous_epoch == self.epoch
        assert lost.epoch != self.epoch
        assert lost.from_seq == lost.to_seq <= self.seq
        self.seen = {seq: seen for seq, seen in self.seen.items() if seq <= lost.from_seq}
        self.start = min(self.start, lost.from_seq)
        self.seq = lost.from_seq

    def must_know(self, log: Log) -> None:
        """Everything since the start was passed on as it is, or told as lost."""
        assert self.seq == log.head
        for seq in range(self.start + 1, log.head + 1):
            seen = self.seen[seq]
            assert seen is None or seen == log.truth[seq], f"{seq} is {log.truth[seq]}, not {seen}"

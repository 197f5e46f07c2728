"""The order of one room as this worker has seen it: pure, no sockets and no clock.

Pub/sub is a hint and history is the truth. A live record is passed on only if it continues the
sequence; anything else is held back until a page of history says what lies between. What history
no longer has is told as a gap, never skipped in silence.

    live record ──┬─ seq = next ───────────▶ passed on, then held records that follow
                  ├─ seq ≤ last ───────────▶ seen before, dropped
                  └─ seq > next, new epoch ▶ held; the stream is behind: read history from next_seq
    page ─────────── reconcile ────────────▶ gap?, records, held records that follow
"""

from dataclasses import dataclass

from chat.protocol.events import GapReason
from chat.protocol.records import Page, Record

#: Live records held while a page is on its way; past it they come with a later page.
HELD_MAX = 512


@dataclass(frozen=True, slots=True)
class Lost:
    """Messages that cannot be had any more.

    `reason` "trimmed": `from_seq`..`to_seq` fell off the history. "reset": the store went back in
    time; what came after `from_seq` in `previous_epoch` no longer holds.
    """

    reason: GapReason
    epoch: str
    from_seq: int
    to_seq: int
    previous_epoch: str | None = None


Item = Record | Lost


class Stream:
    """Position in a room: everything up to `seq` of `epoch` has been passed on or told as lost."""

    __slots__ = ("_held", "_turned_away", "behind", "epoch", "seq")

    def __init__(self, epoch: str, seq: int) -> None:
        self.epoch = epoch
        self.seq = seq
        self.behind = False  # history has to be read before anything can be passed on
        self._held: dict[int, Record] = {}
        self._turned_away = False  # a live record that a page under way may not have yet

    @property
    def next_seq(self) -> int:
        """The seq to read history from."""
        return self.seq + 1

    def offer(self, record: Record) -> list[Item]:
        """Take a live record; return what can be passed on now.

        Order: strictly by seq within an epoch.
        """
        if record.epoch != self.epoch:
            self.behind = self._turned_away = True
            return []
        if record.seq <= self.seq:
            return []
        if record.seq == self.seq + 1 and not self.behind:
            self.seq = record.seq
            return [record]
        self.behind = True
        if len(self._held) < HELD_MAX:
            self._held[record.seq] = record
        else:
            self._turned_away = True
        return []

    def reconcile(self, page: Page) -> list[Item]:
        """Take a page read from `next_seq`; return what can be passed on now.

        Still `behind` afterwards means: read again, from the new `next_seq`.
        """
        items: list[Item] = []
        if page.epoch != self.epoch:
            rewound = self._adopt(page, items)
            if rewound:
                self.behind = True
                return items
        for record in page.records:
            if record.seq <= self.seq:
                continue
            self._skip_to(record.seq, items)
            self.seq = record.seq
            items.append(record)
        if not page.records and page.head_seq > self.seq:
            self._skip_to(page.head_seq + 1, items)
        self._release(items)
        self.behind = page.head_seq > self.seq or bool(self._held) or self._turned_away
        self._turned_away = False
        return items

    def head_is(self, epoch: str, seq: int) -> None:
        """Compare with the head that Redis reports."""
        if epoch != self.epoch or seq > self.seq:
            self.behind = True

    def _adopt(self, page: Page, items: list[Item]) -> bool:
        """Move to the page's epoch; return whether the position moved, so the page is useless."""
        self._held.clear()
        common = page.common_seq(self.epoch)
        previous, self.epoch = self.epoch, page.epoch
        if common is not None and self.seq <= common:
            return False  # the fork lies ahead: nothing this worker passed on has changed
        kept = common or 0
        items.append(Lost("reset", page.epoch, kept, kept, previous))
        self.seq = kept
        return True

    def _skip_to(self, seq: int, items: list[Item]) -> None:
        if seq > self.seq + 1:
            items.append(Lost("trimmed", self.epoch, self.seq + 1, seq - 1))
            self.seq = seq - 1

    def _release(self, items: list[Item]) -> None:
        while (record := self._held.pop(self.seq + 1, None)) is not None:
            self.seq = record.seq
            items.append(record)
        self._held = {seq: held for seq, held in self._held.items() if seq > self.seq}

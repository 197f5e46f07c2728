"""What the members of a room may see: contiguous `seq`, or a `gap` that says what is missing.

Pure. A position is what a client says as `since` when it comes back. What a jump left out is
remembered for a while: if it comes later after all, it was out of order and not lost.
"""

from typing import NamedTuple, Protocol

#: Messages missed by one client that are remembered; the rest stays lost.
HOLES_MAX = 1000
NO_POSITION = -1  # as `seq`: the next join starts anew


class Position(Protocol):
    """Up to where a client has seen its room."""

    number: int
    epoch: str
    seq: int


class Verdict(NamedTuple):
    """What one message or gap adds to the counts."""

    lost: int = 0
    duplicated: int = 0
    out_of_order: int = 0


IN_ORDER = Verdict()


class Tracker:
    """Moves positions. The usual step, `seq + 1` of the same epoch, callers may do themselves."""

    def __init__(self) -> None:
        self._holes: dict[int, set[int]] = {}

    def joined(self, position: Position, epoch: str, seq: int) -> None:
        """Start at what a join without `since` was answered with."""
        self._holes.pop(position.number, None)
        position.epoch = epoch
        position.seq = seq

    def message(self, position: Position, epoch: str, seq: int) -> Verdict:
        """Take a message.

        A new epoch goes on with the next `seq` where nothing was lost; otherwise a gap comes first.
        """
        last = position.seq
        if seq <= last:
            return self._seen_before(position, epoch, seq)
        position.epoch = epoch
        position.seq = seq
        if seq == last + 1:
            return IN_ORDER
        self._miss(position.number, last + 1, seq - 1)
        return Verdict(lost=seq - last - 1)

    def gap(self, position: Position, reason: str, epoch: str, from_seq: int, to_seq: int) -> int:
        """Take a gap; return how many messages before it are missing without a word."""
        lost = 0
        if reason == "reset":
            self._holes.pop(position.number, None)
        elif from_seq > position.seq + 1:
            lost = from_seq - position.seq - 1
            self._miss(position.number, position.seq + 1, from_seq - 1)
        position.epoch = epoch
        position.seq = to_seq
        return lost

    def _seen_before(self, position: Position, epoch: str, seq: int) -> Verdict:
        holes = self._holes.get(position.number)
        if holes and seq in holes and epoch == position.epoch:
            holes.discard(seq)
            return Verdict(lost=-1, out_of_order=1)
        if epoch != position.epoch:
            return Verdict(out_of_order=1)
        return Verdict(duplicated=1)

    def _miss(self, number: int, first: int, last: int) -> None:
        holes = self._holes.setdefault(number, set())
        holes.update(range(first, min(last, first + HOLES_MAX - len(holes) - 1) + 1))
        if not holes:
            del self._holes[number]


class Head:
    """How far a room got as its senders know: the last `seq` that was acknowledged."""

    __slots__ = ("acked", "epoch")

    def __init__(self) -> None:
        self.epoch = ""
        self.acked = 0

    def acknowledged(self, epoch: str, seq: int) -> None:
        """Take an ack. Another epoch's replaces: what the old one had may be announced as gone."""
        if epoch != self.epoch:
            self.epoch = epoch
            self.acked = seq
        elif seq > self.acked:
            self.acked = seq

    def gone(self, epoch: str, to_seq: int) -> None:
        """Take a reset: acknowledgements of another epoch beyond `to_seq` hold no longer."""
        if epoch != self.epoch:
            self.epoch = epoch
            self.acked = min(self.acked, to_seq)

"""R5: what one client sees of one room is a contiguous walk, and every jump is announced."""

from collections.abc import Iterator

from tests.checker.history import Gap, Joined, Position, Recv
from tests.checker.view import RoomView, Violation

RULE = "R5 contiguous"


def contiguous(room: RoomView) -> Iterator[Violation]:
    """Check every client's walk through a room, across its reconnects and the workers it used."""
    for client, track in room.tracks.items():
        yield from _Walk(room.room, client).check(track)


class _Walk:
    """One client's position in one room, moved by each thing it sees.

    The position belongs to the client and not to the connection: a later `Joined` with `since`
    leaves it where it was, and what was missed has to follow.
    """

    def __init__(self, room: str, client: str) -> None:
        self.room = room
        self.client = client
        self.position: Position | None = None
        self.owed_gap: Joined | None = None

    def check(self, track: list[Joined | Recv | Gap]) -> Iterator[Violation]:
        """Yield each step that does not follow from the one before."""
        for op in track:
            if isinstance(op, Joined):
                sentence = self._joined(op)
            elif isinstance(op, Gap):
                sentence = self._gap(op)
            else:
                sentence = self._received(op)
            if sentence:
                ops = (self.owed_gap, op) if self.owed_gap else (op,)
                yield Violation(RULE, self.room, f"{self.client}: {sentence}", ops)
                self.owed_gap = None

    def _joined(self, op: Joined) -> str:
        if op.since_epoch is None or op.since_seq is None:
            self.position = Position(op.epoch, op.seq)
            return ""
        if op.recovered is None:
            return "asked to resume and was not told whether that worked"
        self.owed_gap = None if op.recovered else op
        since = Position(op.since_epoch, op.since_seq)
        if self.position != since:
            return f"resumed from {since} but stands at {self.position}"
        if op.recovered and op.epoch == op.since_epoch and op.seq < op.since_seq:
            return f"was told 'recovered' by a stream that ends at {op.seq}, before {op.since_seq}"
        return ""

    def _gap(self, op: Gap) -> str:
        self.owed_gap = None
        before, self.position = self.position, Position(op.epoch, op.to_seq)
        if before is None:
            return "got a gap in a room it had not joined"
        if op.reason == "reset":
            if op.from_seq > before.seq:
                return f"reset after {op.from_seq} hides what lies between {before} and there"
            return ""
        if op.from_seq != before.seq + 1:
            return f"gap {op.from_seq}..{op.to_seq} does not begin after {before}"
        if op.to_seq < op.from_seq:
            return f"gap {op.from_seq}..{op.to_seq} ends before it begins"
        return ""

    def _received(self, op: Recv) -> str:
        before, self.position = self.position, Position(op.epoch, op.seq)
        if before is None:
            return f"received {self.position} in a room it had not joined"
        if self.owed_gap:
            return f"was told 'not recovered', then received {self.position} before any gap"
        if op.seq == before.seq + 1:
            return ""
        if op.epoch != before.epoch:
            return f"went from {before} to {self.position} of another epoch without a reset"
        if op.seq <= before.seq:
            return f"went back from {before} to seq {op.seq}"
        return f"jumped from {before} to seq {op.seq} without a gap"

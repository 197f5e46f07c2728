"""A history seen by room: what was sent, where each message stands, which epoch came first.

Everything here is derived once from a `History`, so that each rule can stay a few lines.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.checker.history import (
    Entry,
    Fail,
    Gap,
    History,
    Info,
    Invoke,
    Joined,
    Mark,
    Marked,
    Marker,
    Ok,
    Op,
    Position,
    Progress,
    Read,
    Recv,
    State,
    user_of,
)


@dataclass(frozen=True)
class Violation:
    """A broken promise, with the operations that show it."""

    rule: str
    room: str
    sentence: str
    ops: tuple[Op, ...] = ()

    def __str__(self) -> str:
        shown = "".join(f"\n    {op}" for op in self.ops[:6])
        return f"{self.rule} in {self.room}: {self.sentence}{shown}"


@dataclass
class Send:
    """One message, or change of one, that a client tried to send, over all attempts."""

    sender: str
    room: str
    cmid: str
    invokes: list[Invoke] = field(default_factory=list)
    oks: list[Ok] = field(default_factory=list)
    fails: list[Fail] = field(default_factory=list)
    infos: list[Info] = field(default_factory=list)

    @property
    def acknowledged(self) -> bool:
        """Whether an ack arrived for something that was sent."""
        return bool(self.oks and self.invokes)

    @property
    def is_change(self) -> bool:
        """Whether this is about a message and no message itself."""
        return any(invoke.is_change for invoke in self.invokes)

    @property
    def refused(self) -> bool:
        """Whether every attempt was refused for certain, so that it must not exist."""
        return not self.oks and not self.infos and len(self.fails) == len(self.invokes)


@dataclass(frozen=True)
class Sighting:
    """A message, or a change, seen at a place: in an ack, live, or in a history page."""

    position: Position
    message_id: str
    cmid: str
    sender: str
    digest: str
    op: Ok | Recv | Read


class EpochOrder:
    """Which epoch of a room came before which, as its clients saw them follow each other."""

    def __init__(self) -> None:
        self._after: dict[str, set[str]] = defaultdict(set)

    def note(self, epoch: str, following: str) -> None:
        """Take in that one epoch followed another."""
        if following != epoch:
            self._after[epoch].add(following)

    def precedes(self, one: str, other: str) -> bool:
        """Whether `other` was seen to follow `one`, directly or not."""
        seen: set[str] = set()
        stack = [one]
        while stack:
            for following in self._after[stack.pop()] - seen:
                if following == other:
                    return True
                seen.add(following)
                stack.append(following)
        return False


class RoomView:
    """One room of a history."""

    def __init__(self, room: str) -> None:
        self.room = room
        self.sends: dict[str, Send] = {}
        self.sightings: list[Sighting] = []
        self.tracks: dict[str, list[Joined | Recv | Gap]] = defaultdict(list)
        self.reads: list[Read] = []
        self.states: list[State] = []
        self.marking: list[Mark | Marked | Marker | Progress] = []
        self.epochs = EpochOrder()

    @property
    def gaps(self) -> Iterator[Gap]:
        """All gaps that any client was told."""
        return (op for track in self.tracks.values() for op in track if isinstance(op, Gap))

    def before(self, one: Position, other: Position) -> bool:
        """Whether one place is known to come before another; unrelated epochs have no order."""
        if one.epoch == other.epoch:
            return one.seq < other.seq
        return self.epochs.precedes(one.epoch, other.epoch)

    def covered(self, position: Position, gaps: Iterable[Gap], seen_at: float) -> bool:
        """Whether one of these gaps admits that the message at a position is not delivered.

        Args:
            position: where the message was said to be.
            gaps: what clients were told.
            seen_at: when the message is known to have existed, or to have been on its way.
        """
        return any(self._covers(gap, position, seen_at) for gap in gaps)

    def _covers(self, gap: Gap, position: Position, seen_at: float) -> bool:
        """See the wire protocol: a reset takes all after `fromSeq`, a trim takes a range.

        A stream may go through several epochs before a client hears of any, so all earlier ones
        count. One that no client has been in is known from an ack alone, and dated by that.
        """
        epochs = self.epochs
        earlier = position.epoch != gap.epoch and (
            epochs.precedes(position.epoch, gap.epoch)
            or (seen_at <= gap.at and not epochs.precedes(gap.epoch, position.epoch))
        )
        if gap.reason == "trimmed":
            in_stream = earlier or position.epoch == gap.epoch
            return in_stream and gap.from_seq <= position.seq <= gap.to_seq
        if earlier:
            return position.seq > gap.from_seq
        return position.epoch == gap.epoch and gap.from_seq < position.seq <= gap.to_seq


def rooms_of(history: History) -> list[RoomView]:
    """Split a history by room."""
    rooms: dict[str, RoomView] = {}
    last_epoch: dict[tuple[str, str], str] = {}
    for op in history.ops:
        name = getattr(op, "room", None)
        if name is None:
            continue
        room = rooms.setdefault(name, RoomView(name))
        if isinstance(op, Invoke | Ok | Fail | Info):
            _take_send(room, op)
        elif isinstance(op, Joined | Recv | Gap):
            room.tracks[op.client].append(op)
            _note_epochs(room, op, last_epoch)
        if isinstance(op, Recv):
            room.sightings.append(_sighting(op, op))
        elif isinstance(op, Read):
            room.reads.append(op)
            for entry in op.entries:
                room.sightings.append(_sighting(entry, op))
        elif isinstance(op, State):
            room.states.append(op)
        elif isinstance(op, Mark | Marked | Marker | Progress):
            room.marking.append(op)
    return list(rooms.values())


def _take_send(room: RoomView, op: Invoke | Ok | Fail | Info) -> None:
    send = room.sends.setdefault(op.cmid, Send(user_of(op.client), op.room, op.cmid))
    match op:
        case Invoke():
            send.invokes.append(op)
        case Ok():
            send.oks.append(op)
            payload = send.invokes[0].digest if send.invokes else ""
            place = Position(op.epoch, op.seq)
            seen = Sighting(place, op.message_id, op.cmid, send.sender, payload, op)
            room.sightings.append(seen)
        case Fail():
            send.fails.append(op)
        case Info():
            send.infos.append(op)


def _note_epochs(
    room: RoomView, op: Joined | Recv | Gap, last_epoch: dict[tuple[str, str], str]
) -> None:
    former = None
    if isinstance(op, Gap):
        former = op.previous_epoch
    elif isinstance(op, Joined):
        former = op.since_epoch
    if former:
        room.epochs.note(former, op.epoch)
        return  # the missed messages that follow may still bear it, or one in between
    earlier = last_epoch.get(op.actor, op.epoch)
    room.epochs.note(earlier, op.epoch)
    last_epoch[op.actor] = op.epoch


def _sighting(message: Recv | Entry, op: Recv | Read) -> Sighting:
    return Sighting(
        Position(message.epoch, message.seq),
        message.message_id,
        message.cmid,
        message.sender,
        message.digest,
        op,
    )

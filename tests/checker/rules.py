"""The promises, as pure functions from a room's history to evidence against them.

Sequence numbers are given out by the server, so every rule is a sort or a scan: no search.
R5 has a module of its own, `positions`; R9 has `presence`, R12 `markers`. R10, that all goes on
once the faults are over, is for `verdict` to see.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import combinations, pairwise

from tests.checker.history import Gap, History, Joined, Ok, Position, Read, Recv
from tests.checker.markers import read_markers
from tests.checker.positions import contiguous
from tests.checker.presence import presence_converges
from tests.checker.view import RoomView, Send, Sighting, Violation, rooms_of

NO_CAP = 2**53


def check(
    history: History,
    *,
    history_cap: int = NO_CAP,
    presence_bound_s: float = 30.0,
    is_durable: bool = True,
) -> list[Violation]:
    """Return every violation of every rule.

    Args:
        history: what the clients recorded.
        history_cap: how many messages per room the server keeps.
        presence_bound_s: how long after the last change members may be shown wrongly.
        is_durable: whether Redis has after each fault what it has once stored.
    """
    found: list[Violation] = []
    for room in rooms_of(history):
        for rule in ROOM_RULES:
            found += rule(room)
        found += stable(room, history_cap)
        found += read_markers(room, is_durable=is_durable)
    found += presence_converges(history, presence_bound_s)
    return found


def agreement(room: RoomView) -> Iterator[Violation]:
    """R1: one place holds one message, whoever looks: a forked log shows here."""
    first: dict[Position, Sighting] = {}
    for seen in room.sightings:
        known = first.setdefault(seen.position, seen)
        if not known.digest:
            first[seen.position] = seen
        same = (known.cmid, known.digest, known.message_id)
        shown = (seen.cmid, seen.digest, seen.message_id)
        if not (known.digest and seen.digest):  # what it said is gone
            same, shown = (known.cmid, "", known.message_id), (seen.cmid, "", seen.message_id)
        if same != shown:
            sentence = f"{seen.position} is {same} and also {seen.cmid, seen.digest}"
            yield Violation("R1 agreement", room.room, sentence, _live(known, seen))


def no_loss(room: RoomView) -> Iterator[Violation]:
    """R2: an acknowledged message reaches every member, or the member is told, truthfully."""
    readable = {entry.message_id for read in room.reads for entry in read.entries}
    for client, track in room.tracks.items():
        joined = next((op for op in track if isinstance(op, Joined)), None)
        if joined is None:
            continue
        received = {op.cmid for op in track if isinstance(op, Recv)}
        gaps = [op for op in track if isinstance(op, Gap)]
        for send in room.sends.values():
            if not send.acknowledged or send.cmid in received:
                continue
            if not _entitled(room, joined, send):
                continue
            ack = send.oks[0]
            what = f"{send.cmid}, acknowledged at {ack.epoch}:{ack.seq}"
            covering = [gap for gap in gaps if _gone(room, send, [gap])]
            if not covering and not _lost_while_away(room, track, send, readable):
                sentence = f"{client} never received {what}"
                yield Violation("R2 no loss", room.room, sentence, (joined, send.invokes[0], ack))
            elif covering and ack.message_id in readable and covering[0].reason == "trimmed":
                sentence = f"{client} was told that {what}, is gone, but history has it"
                yield Violation("R2 no loss", room.room, sentence, (covering[0], ack))


def _lost_while_away(
    room: RoomView, track: list[Joined | Recv | Gap], send: Send, readable: set[str]
) -> bool:
    """Whether Redis lost a message before a client came back from where it had not seen it yet.

    Who had seen it is told; for who had not, the room is as if it had never been.
    """
    if not send.is_change and send.oks[0].message_id in readable:
        return False
    resets = [gap for gap in room.gaps if gap.reason == "reset" and _gone(room, send, [gap])]
    return any(
        op.since_epoch == gap.previous_epoch
        and op.since_seq is not None
        and op.since_seq <= gap.from_seq
        and (op.epoch == gap.epoch or room.epochs.precedes(gap.epoch, op.epoch))
        for op in track
        if isinstance(op, Joined)
        for gap in resets
    )


def _entitled(room: RoomView, joined: Joined, send: Send) -> bool:
    """Whether a message came after a client's first join."""
    ack = send.oks[0]
    if ack.epoch == joined.epoch:
        return ack.seq > joined.seq
    return room.epochs.precedes(joined.epoch, ack.epoch) or send.invokes[0].at > joined.at


def no_phantom(room: RoomView) -> Iterator[Violation]:
    """R3: what is seen was sent before, by that user, with that payload, and was not refused."""
    for seen in room.sightings:
        sentence = _phantom(room.sends.get(seen.cmid), seen)
        if sentence:
            yield Violation(
                "R3 no phantom",
                room.room,
                f"{seen.cmid} at {seen.position} {sentence}",
                _live(seen),
            )


def _phantom(send: Send | None, seen: Sighting) -> str:
    if send is None or not send.invokes:
        return "was never sent"
    if send.sender != seen.sender:
        return f"is of {send.sender} but shown as of {seen.sender}"
    if seen.digest and send.invokes[0].digest != seen.digest:
        return "has another payload than was sent"
    if send.invokes[0].at > seen.op.at:
        return "was seen before it was sent"
    if send.refused:
        return "was refused, and is there all the same"
    return ""


def no_duplicate(room: RoomView) -> Iterator[Violation]:
    """R4: a message has one place, retried or not, and each client sees it once.

    Only a reset that took the first place away lets a retry be stored again, in another epoch.
    """
    gaps = list(room.gaps)
    places: dict[str, dict[int, Sighting]] = defaultdict(dict)
    for seen in room.sightings:
        places[seen.cmid].setdefault(seen.position.seq, seen)
    for cmid, by_seq in places.items():
        for one, other in combinations(by_seq.values(), 2):
            gone = any(room.covered(s.position, gaps, s.op.at) for s in (one, other))
            if one.position.epoch == other.position.epoch or not gone:
                sentence = f"{cmid} is stored at {one.position} and at {other.position}"
                yield Violation("R4 no duplicate", room.room, sentence, _live(one, other))
    for client, track in room.tracks.items():
        first: dict[str, Recv] = {}
        for op in track:
            if not isinstance(op, Recv):
                continue
            known = first.get(op.cmid)
            first[op.cmid] = op
            if known and not room.covered(Position(known.epoch, known.seq), gaps, known.at):
                sentence = f"{client} saw {op.cmid} twice"
                yield Violation("R4 no duplicate", room.room, sentence, (known, op))


def sender_order(room: RoomView) -> Iterator[Violation]:
    """R6: what one sender sent over one connection, without retries, stands in that order."""
    last: dict[tuple[str, int], Send] = {}
    for send in room.sends.values():
        if len(send.invokes) != 1 or not send.oks:
            continue
        key = (send.invokes[0].client, send.invokes[0].session)
        earlier = last.get(key)
        last[key] = send
        if earlier and room.before(_place(send.oks[0]), _place(earlier.oks[0])):
            sentence = f"{send.sender} sent {earlier.cmid} before {send.cmid}, stored otherwise"
            ops = (earlier.invokes[0], send.invokes[0], earlier.oks[0], send.oks[0])
            yield Violation("R6 sender order", room.room, sentence, ops)


def real_time_order(room: RoomView) -> Iterator[Violation]:
    """R7: a message acknowledged before another was first sent stands before it."""
    acknowledged = [send for send in room.sends.values() if send.acknowledged]
    by_ack = sorted(acknowledged, key=lambda send: send.oks[0].at)
    done = 0
    highest: dict[str, Ok] = {}  # by epoch
    for send in sorted(acknowledged, key=lambda send: send.invokes[0].at):
        while done < len(by_ack) and by_ack[done].oks[0].at < send.invokes[0].at:
            ack = by_ack[done].oks[0]
            if ack.epoch not in highest or highest[ack.epoch].seq < ack.seq:
                highest[ack.epoch] = ack
            done += 1
        for ack in highest.values():
            if room.before(_place(send.oks[0]), _place(ack)):
                sentence = f"{ack.cmid} was acknowledged before {send.cmid} was sent, stands after"
                ops = (ack, send.invokes[0], send.oks[0])
                yield Violation("R7 real-time order", room.room, sentence, ops)


def stable(room: RoomView, history_cap: int) -> Iterator[Violation]:
    """R8: history at the end has every acknowledged message within the cap, once, in order.

    Changes have places between the messages, and are no messages.
    """
    gaps = list(room.gaps)
    changes = {
        seen.position.seq
        for seen in room.sightings
        if seen.cmid in room.sends and room.sends[seen.cmid].is_change
    }
    for read in room.reads:
        for one, other in pairwise(read.entries):
            if other.seq <= one.seq or not changes.issuperset(range(one.seq + 1, other.seq)):
                sentence = f"history goes from {one.epoch}:{one.seq} to {other.epoch}:{other.seq}"
                yield Violation("R8 stable", room.room, sentence)
        held = {entry.cmid for entry in read.entries}
        for send in room.sends.values():
            if not send.acknowledged or send.is_change or send.cmid in held:
                continue
            ack = send.oks[0]
            if ack.seq <= read.head - history_cap or ack.at > read.at:
                continue
            if not _gone(room, send, gaps):
                sentence = f"{send.cmid} was acknowledged at {ack.epoch}:{ack.seq}, not in history"
                yield Violation("R8 stable", room.room, sentence, (send.invokes[0], ack))


def folded(room: RoomView) -> Iterator[Violation]:
    """R11: what a client made of a message, event by event, is what history says that it is."""
    for read in room.reads:
        for entry in read.entries:
            for state in room.states:
                if state.messages.get(entry.message_id, entry.state) != entry.state:
                    sentence = (
                        f"{state.client} takes {entry.cmid} at {entry.epoch}:{entry.seq} for "
                        f"something else than the history that {read.client} read"
                    )
                    yield Violation("R11 folded", room.room, sentence)


def _gone(room: RoomView, send: Send, gaps: list[Gap]) -> bool:
    ack = send.oks[0]
    return room.covered(_place(ack), gaps, send.invokes[0].at)


def _place(ack: Ok) -> Position:
    return Position(ack.epoch, ack.seq)


def _live(*sightings: Sighting) -> tuple[Ok | Recv, ...]:
    """Return the operations to show; a whole history page would hide more than it shows."""
    return tuple(seen.op for seen in sightings if not isinstance(seen.op, Read))


ROOM_RULES: tuple[Callable[[RoomView], Iterator[Violation]], ...] = (
    agreement,
    no_loss,
    no_phantom,
    no_duplicate,
    contiguous,
    sender_order,
    real_time_order,
    folded,
)

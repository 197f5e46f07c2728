"""R12: read markers only move forward, nothing is read that nobody has read, and all agree.

What is promised, as docs/protocol.md and decision 0022 have it:

* nobody hears of a marker past all that the user's devices have said, nor of another user's;
* what one connection hears of a marker never goes back, and what a client asks for later is no less
  than it has heard: what is told is written;
* the unread count is the head less the marker, and the marker is not past the head;
* in the end all devices of a user are told the same marker. It is at least every mark that was
  acknowledged, and no device takes more for read than that.

An acknowledged mark may be lost with a worker that is killed before it writes; the client, which
compares when it joins, says it again, so nothing is lost in the end.

When Redis loses data, markers are lost with it, and nobody says again what was read before. So in a
room in which anybody was told of a reset, markers may go back, and in the end only what was marked
in the room's last epoch has to hold: never more than was said, the same for all devices. A Redis
without durable writes promises no more, as a failover may lose a mark and no message.
"""

from collections import defaultdict
from collections.abc import Iterator

from tests.checker.history import Mark, Marked, Marker, Op, Progress, user_of
from tests.checker.view import RoomView, Violation

RULE = "R12 read markers"


def read_markers(room: RoomView, *, is_durable: bool = True) -> Iterator[Violation]:
    """Check what was said, told and agreed upon in a room.

    Args:
        room: the room.
        is_durable: whether Redis has after each fault what it has once stored.
    """
    is_one_line = is_durable and not any(gap.reason == "reset" for gap in room.gaps)
    yield from _told(room, is_one_line=is_one_line)
    yield from _settled(room, is_one_line=is_one_line)


def _told(room: RoomView, *, is_one_line: bool) -> Iterator[Violation]:
    """Check what clients were told, in order."""
    furthest: dict[str, int] = defaultdict(int)  # by user
    written: dict[str, list[Marker]] = defaultdict(list)  # by client, in rooms that lost nothing
    for op in room.marking:
        sentence = ""
        ops: tuple[Op, ...] = (op,)
        if isinstance(op, Mark):
            user = user_of(op.client)
            furthest[user] = max(furthest[user], op.seq)
        elif isinstance(op, Marker):
            known = written[op.client] if is_one_line else []
            sentence = _moved(op, known[-1] if known else None, furthest[op.user])
            ops = (*known[-1:], op)
            known.append(op)
        elif isinstance(op, Progress):
            before = [told.read_seq for told in written[op.client] if told.at < op.asked_at]
            sentence = _answered(op, max(before, default=0), furthest[user_of(op.client)])
        if sentence:
            yield Violation(RULE, room.room, f"{op.client} {sentence}", ops)


def _moved(op: Marker, last: Marker | None, furthest: int) -> str:
    if op.user != user_of(op.client):
        return f"heard how far {op.user} has read"
    if op.read_seq > furthest:
        return f"heard that its user has read {op.read_seq}, who had got no further than {furthest}"
    if last is None or op.session is None or op.session != last.session:
        return ""
    if op.read_seq < last.read_seq:
        return f"heard that its marker went back from {last.read_seq} to {op.read_seq}"
    return ""


def _answered(op: Progress, least: int, furthest: int) -> str:
    read_seq = op.read_seq or 0
    if read_seq > furthest:
        return f"was told that its user has read {read_seq}, who had got no further than {furthest}"
    if read_seq < least:
        return f"had heard of its marker at {least}, and was told then that it is at {read_seq}"
    if op.unread is not None and op.unread != max(0, op.head - read_seq):
        return f"was told that {op.unread} are unread, from {read_seq} to {op.head}"
    if op.is_last and read_seq > op.head:
        return f"was told of a marker at {read_seq}, past the head {op.head}"
    return ""


def _settled(room: RoomView, *, is_one_line: bool) -> Iterator[Violation]:
    """Compare the last answers with each other, and with what was acknowledged."""
    last = {op.client: op for op in room.marking if isinstance(op, Progress) and op.is_last}
    of_user: dict[str, Progress] = {}
    for client, op in last.items():
        user = user_of(client)
        other = of_user.setdefault(user, op)
        read_seq = op.read_seq or 0
        if (op.epoch, read_seq) != (other.epoch, other.read_seq or 0):
            sentence = f"{other.client} and {client} are told different markers"
            yield Violation(RULE, room.room, sentence, (other, op))
        if is_one_line and op.held is not None and op.held > read_seq:
            sentence = f"{client} takes {op.held} for read, which the server has at {read_seq}"
            yield Violation(RULE, room.room, sentence, (op,))
    for mark in room.marking:
        op_now = of_user.get(user_of(mark.client))
        if not isinstance(mark, Marked) or op_now is None:
            continue
        counts = is_one_line or mark.epoch == op_now.epoch
        if counts and mark.seq > (op_now.read_seq or 0):
            sentence = (
                f"{mark.client} has read up to {mark.seq}, which was acknowledged, and the marker "
                f"is at {op_now.read_seq} in the end"
            )
            yield Violation(RULE, room.room, sentence, (mark, op_now))

"""Ways to spoil a correct history, each with the rule that has to notice.

A mutation returns the spoilt operations, or None where the history has nothing it could spoil.
`pick` chooses among candidates, so that hypothesis can vary and shrink the choice.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from tests.checker.history import (
    Entry,
    Fail,
    Gap,
    History,
    Invoke,
    Marked,
    Marker,
    Members,
    Ok,
    Op,
    Presence,
    Progress,
    Read,
    Recv,
    user_of,
)

Pick = Callable[[Sequence[Any]], Any]
Spoilt = list[Op] | None


class Mutation(NamedTuple):
    """A name for the test id, the rule that must fire, and how to spoil a history."""

    name: str
    rule: str
    apply: Callable[[History, Pick], Spoilt]


def _indices(history: History, kind: type[Op]) -> list[int]:
    return [index for index, op in enumerate(history.ops) if isinstance(op, kind)]


def _without(ops: list[Op], gone: set[int]) -> list[Op]:
    return [op for index, op in enumerate(ops) if index not in gone]


def _followed(history: History, index: int) -> bool:
    """Whether the same client receives the next message of the same epoch right after."""
    op = history.ops[index]
    later = (
        other for other in history.ops[index + 1 :] if getattr(other, "client", "") == op.client
    )
    return any(
        isinstance(other, Recv) and (other.epoch, other.seq) == (op.epoch, op.seq + 1)
        for other in later
    )


def drop(history: History, pick: Pick) -> Spoilt:
    """One client misses one message in the middle."""
    candidates = [index for index in _indices(history, Recv) if _followed(history, index)]
    return _without(history.ops, {pick(candidates)}) if candidates else None


def drop_end(history: History, pick: Pick) -> Spoilt:
    """One client misses the last message: no hole shows, only the absence."""
    last = {history.ops[index].client: index for index in _indices(history, Recv)}
    return _without(history.ops, {pick(sorted(last.values()))})


def duplicate(history: History, pick: Pick) -> Spoilt:
    """One client gets one message twice in a row."""
    index = pick(_indices(history, Recv))
    return [*history.ops[: index + 1], *history.ops[index:]]


def swap(history: History, pick: Pick) -> Spoilt:
    """One client gets two messages in the places of each other."""
    candidates = [index for index in _indices(history, Recv) if _followed(history, index)]
    if not candidates:
        return None
    one = pick(candidates)
    other = next(
        index
        for index in _indices(history, Recv)
        if index > one
        and history.ops[index].client == history.ops[one].client
        and history.ops[index].seq == history.ops[one].seq + 1
    )
    ops = list(history.ops)
    first, second = ops[one], ops[other]
    ops[one] = replace(second, at=first.at, epoch=first.epoch, seq=first.seq)
    ops[other] = replace(first, at=second.at, epoch=second.epoch, seq=second.seq)
    return ops


def renumber(history: History, pick: Pick) -> Spoilt:
    """One client is shown one message at a higher place."""
    index = pick(_indices(history, Recv))
    ops = list(history.ops)
    ops[index] = replace(ops[index], seq=ops[index].seq + 1000)
    return ops


def phantom(history: History, pick: Pick) -> Spoilt:
    """One client gets a message nobody sent, in the place of a real one."""
    index = pick(_indices(history, Recv))
    ops = list(history.ops)
    ops[index] = replace(ops[index], cmid="nobody's")
    return ops


def refused_yet_there(history: History, pick: Pick) -> Spoilt:
    """A message that was refused for certain lies in history."""
    refused = list(history.of(Fail))
    if not refused:
        return None
    fail = pick(refused)
    payload = next(op.digest for op in history.of(Invoke) if op.cmid == fail.cmid)
    return _append_to_reads(
        history,
        lambda read: Entry(
            epoch=read.entries[-1].epoch,
            seq=read.head + 1,
            message_id="refused",
            cmid=fail.cmid,
            sender=fail.client,
            digest=payload,
        ),
    )


def stored_twice(history: History, pick: Pick) -> Spoilt:
    """A retry was stored as a second message."""
    chosen = pick(range(len(next(history.of(Read)).entries)))
    return _append_to_reads(
        history,
        lambda read: replace(read.entries[chosen], seq=read.head + 1, message_id="again"),
    )


def fork(history: History, pick: Pick) -> Spoilt:
    """An ack names a place that holds another message."""
    index = pick(_indices(history, Ok))
    ack = history.ops[index]
    others = [
        op for op in history.of(Recv) if op.cmid != ack.cmid and op.message_id != ack.message_id
    ]
    if not others:
        return None
    other = pick(others)
    ops = list(history.ops)
    ops[index] = replace(ack, epoch=other.epoch, seq=other.seq)
    return ops


def silent_gap(history: History, pick: Pick) -> Spoilt:
    """A client that had got on is not told of a reset."""
    candidates = []
    before: dict[str, Op] = {}
    gap_after_message: dict[str, int] = {}
    for index, op in enumerate(history.ops):
        if not isinstance(op, Recv | Gap):
            continue
        if isinstance(op, Recv) and op.client in gap_after_message:
            candidates.append(gap_after_message[op.client])
        gap_after_message.pop(op.client, None)
        if isinstance(op, Gap) and isinstance(before.get(op.client), Recv):
            gap_after_message[op.client] = index
        before[op.client] = op
    return _without(history.ops, {pick(candidates)}) if candidates else None


def reorder(history: History, pick: Pick) -> Spoilt:
    """Everyone agrees on an order in which a later message stands before an earlier one."""
    final = next(history.of(Read)).entries
    acked = {op.cmid: op for op in history.of(Ok)}
    sent = {op.cmid: op for op in reversed(history.ops) if isinstance(op, Invoke)}
    candidates = [
        (one, other)
        for one in final
        for other in final
        if one.seq < other.seq
        and one.cmid in acked
        and other.cmid in acked
        and acked[one.cmid].at < sent[other.cmid].at
    ]
    if not candidates:
        return None
    return _swap_everywhere(history, *pick(candidates))


def reorder_own(history: History, pick: Pick) -> Spoilt:
    """Two messages that one user sent one after the other stand the other way round."""
    final = {entry.cmid: entry for entry in next(history.of(Read)).entries}
    attempts = [op.cmid for op in history.of(Invoke)]
    acked = [op for op in history.of(Ok) if op.cmid in final and attempts.count(op.cmid) == 1]
    candidates = [
        (one, other)
        for number, one in enumerate(acked)
        for other in acked[number + 1 :]
        if one.client == other.client
    ]
    if not candidates:
        return None
    one, other = pick(candidates)
    return _swap_everywhere(history, final[one.cmid], final[other.cmid])


def forgotten(history: History, pick: Pick) -> Spoilt:
    """History at the end lacks an acknowledged message it should have."""
    acked = {op.cmid for op in history.of(Ok)}
    index = pick(_indices(history, Read))
    ops = list(history.ops)
    read = ops[index]
    gone = pick([entry.cmid for entry in read.entries if entry.cmid in acked])
    ops[index] = replace(read, entries=tuple(e for e in read.entries if e.cmid != gone))
    return ops


def unfold(history: History, pick: Pick) -> Spoilt:
    """History at the end shows a message otherwise than the events have made it."""
    index = pick(_indices(history, Read))
    ops = list(history.ops)
    read = ops[index]
    one = pick(range(len(read.entries)))
    entries = list(read.entries)
    entries[one] = replace(entries[one], state=f"{entries[one].state} and more")
    ops[index] = replace(read, entries=tuple(entries))
    return ops


def ghost(history: History, pick: Pick) -> Spoilt:
    """Someone who is gone is shown as a member long after."""
    index = pick(_indices(history, Presence))
    ops = list(history.ops)
    shown = ops[index]
    true = next(history.of(Members))
    ops[index] = replace(
        shown, at=true.at + 1000, members=(*shown.members, "ghost"), count=shown.count + 1
    )
    return ops


def forgotten_mark(history: History, pick: Pick) -> Spoilt:
    """In the end all devices of a user are told that less is read than was acknowledged."""
    users = sorted({user_of(op.client) for op in history.of(Marked)})
    if not users:
        return None
    user = pick(users)
    return [
        replace(op, read_seq=None, unread=op.head)
        if isinstance(op, Progress) and op.is_last and user_of(op.client) == user
        else op
        for op in history.ops
    ]


def marker_of_one_device(history: History, pick: Pick) -> Spoilt:
    """In the end one of two devices of a user is told that less is read than the other."""
    return _spoil(
        history,
        pick,
        lambda op: isinstance(op, Progress) and op.is_last and bool(op.read_seq),
        lambda op: replace(op, read_seq=op.read_seq - 1, unread=op.unread + 1, held=None),
    )


def marker_back(history: History, pick: Pick) -> Spoilt:
    """A device hears that its marker went back."""
    told = _indices(history, Marker)
    if not told:
        return None
    index = pick(told)
    op = history.ops[index]
    back = replace(op, read_seq=op.read_seq - 1)
    return [*history.ops[: index + 1], back, *history.ops[index + 1 :]]


def read_by_nobody(history: History, pick: Pick) -> Spoilt:
    """A device hears that its user has read what no device has shown."""
    return _spoil(
        history,
        pick,
        lambda op: isinstance(op, Marker),
        lambda op: replace(op, read_seq=op.read_seq + 1000),
    )


def marker_of_another(history: History, pick: Pick) -> Spoilt:
    """A user hears how far another one has read."""
    return _spoil(
        history, pick, lambda op: isinstance(op, Marker), lambda op: replace(op, user="dan")
    )


def miscounted(history: History, pick: Pick) -> Spoilt:
    """The unread count is not the head less the marker."""
    return _spoil(
        history,
        pick,
        lambda op: isinstance(op, Progress),
        lambda op: replace(op, unread=op.unread + 1),
    )


def held_beyond(history: History, pick: Pick) -> Spoilt:
    """A device takes more for read than the server has."""
    return _spoil(
        history,
        pick,
        lambda op: isinstance(op, Progress) and op.is_last,
        lambda op: replace(op, held=op.held + 1),
    )


def _spoil(
    history: History, pick: Pick, fits: Callable[[Any], bool], change: Callable[[Any], Any]
) -> Spoilt:
    """Change one of the operations that fit."""
    fitting = [index for index, op in enumerate(history.ops) if fits(op)]
    if not fitting:
        return None
    ops = list(history.ops)
    index = pick(fitting)
    ops[index] = change(ops[index])
    return ops


def _append_to_reads(history: History, make: Callable[[Read], Entry]) -> list[Op]:
    return [
        replace(op, head=op.head + 1, entries=(*op.entries, make(op)))
        if isinstance(op, Read)
        else op
        for op in history.ops
    ]


def _swap_everywhere(history: History, one: Entry, other: Entry) -> list[Op]:
    """Exchange two messages in acks, receipts and reads alike."""

    def exchanged(op: Any) -> Any:
        if isinstance(op, Read):
            return replace(op, entries=tuple(exchanged(entry) for entry in op.entries))
        if not isinstance(op, Ok | Recv | Entry):
            return op
        if isinstance(op, Ok):
            twin = {one.cmid: other, other.cmid: one}.get(op.cmid)
            return replace(op, epoch=twin.epoch, seq=twin.seq) if twin else op
        twin = {one.cmid: other, other.cmid: one}.get(op.cmid)
        if twin is None:
            return op
        return replace(
            op,
            cmid=twin.cmid,
            message_id=twin.message_id,
            sender=twin.sender,
            digest=twin.digest,
        )

    return [exchanged(op) for op in history.ops]


MUTATIONS = (
    Mutation("drop", "R5", drop),
    Mutation("drop the end", "R2", drop_end),
    Mutation("duplicate", "R4", duplicate),
    Mutation("swap", "R1", swap),
    Mutation("renumber", "R5", renumber),
    Mutation("phantom", "R3", phantom),
    Mutation("refused yet there", "R3", refused_yet_there),
    Mutation("stored twice", "R4", stored_twice),
    Mutation("fork", "R1", fork),
    Mutation("silent gap", "R5", silent_gap),
    Mutation("reorder", "R7", reorder),
    Mutation("reorder own", "R6", reorder_own),
    Mutation("forgotten", "R8", forgotten),
    Mutation("unfold", "R11", unfold),
    Mutation("ghost", "R9", ghost),
    Mutation("forgotten mark", "R12", forgotten_mark),
    Mutation("marker of one device", "R12", marker_of_one_device),
    Mutation("marker back", "R12", marker_back),
    Mutation("read by nobody", "R12", read_by_nobody),
    Mutation("marker of another", "R12", marker_of_another),
    Mutation("miscounted", "R12", miscounted),
    Mutation("held beyond", "R12", held_beyond),
)

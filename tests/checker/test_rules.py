"""The rules accept what a correct room does, and notice every way to spoil it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.checker.history import Gap, History, Invoke, Joined, Ok, Op, Progress, Read, Recv
from tests.checker.model import CLIENTS, ROOM, Model
from tests.checker.mutations import MUTATIONS, Mutation
from tests.checker.rules import check

Step = tuple[str, str]

_quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much]
)
_steps: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "send",
                "send",
                "send",
                "deliver",
                "deliver",
                "deliver",
                "lose_ack",
                "retry",
                "refuse",
                "change",
                "mark",
                "mark",
                "connect",
                "disconnect",
                "fork",
                "reset",
            ]
        ),
        st.sampled_from(CLIENTS),
    ),
    min_size=15,
    max_size=60,
)


def play(steps: list[Step]) -> History:
    """Return the history of a correct room that goes through these steps."""
    model = Model()
    actions: dict[str, Any] = {
        "send": model.send,
        "lose_ack": lambda client: model.send(client, ack=False),
        "retry": lambda _: model.retry(),
        "refuse": model.refuse,
        "change": model.change,
        "mark": model.mark,
        "deliver": model.deliver,
        "connect": model.connect,
        "disconnect": model.disconnect,
        "fork": lambda _: model.fork(),
        "reset": lambda _: model.reset(),
    }
    for action, client in steps:
        actions[action](client)
    return model.finish()


def gap(from_seq: int, to_seq: int) -> Gap:
    """Bob is told that messages fell off the history."""
    about: Any = {"at": 0.0, "client": "bob", "room": ROOM, "epoch": "e0"}
    return Gap(reason="trimmed", from_seq=from_seq, to_seq=to_seq, **about)


def broken(history: History, **options: Any) -> set[str]:
    """Return the names of the rules a history breaks."""
    return {violation.rule.split()[0] for violation in check(history, **options)}


@given(_steps)
@settings(max_examples=300, deadline=None)
@example([("send", "ann"), ("deliver", "bob"), ("reset", "ann"), ("send", "ann")])
def test_a_correct_history_breaks_no_rule(steps: list[Step]) -> None:
    assert check(play(steps)) == []


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
@given(steps=_steps, data=st.data())
@_quick
def test_a_spoilt_history_breaks_its_rule(
    mutation: Mutation, steps: list[Step], data: st.DataObject
) -> None:
    if mutation.name != "silent gap":
        steps = [step for step in steps if step[0] != "reset"]
    begin = [("send", "ann"), ("deliver", "bob"), ("mark", "bob")]
    history = play([*begin, *steps])
    spoilt = mutation.apply(
        history, lambda candidates: data.draw(st.sampled_from(list(candidates)))
    )
    assume(spoilt is not None)
    assert mutation.rule in broken(History(spoilt or ()))


def test_a_history_survives_being_written_and_read(tmp_path: Path) -> None:
    steps = [("send", "ann"), ("deliver", "ann"), ("mark", "ann"), ("lose_ack", "bob")]
    history = play([*steps, ("reset", "ann"), ("refuse", "cem")])
    history.dump(tmp_path / "history.jsonl")
    assert History.load(tmp_path / "history.jsonl").ops == history.ops


def test_messages_beyond_the_cap_may_be_gone_from_history() -> None:
    history = play([("send", "ann")] * 10)
    trimmed = History(
        replace(op, entries=op.entries[-4:]) if isinstance(op, Read) else op for op in history.ops
    )
    assert broken(trimmed) == {"R8"}
    assert broken(trimmed, history_cap=4) == set()


def test_a_trimmed_gap_excuses_exactly_what_it_names() -> None:
    """Bob was away for six messages, of which history has kept the last three."""
    history = play([("send", "ann")] * 6)
    kept = [
        replace(op, entries=op.entries[3:]) if isinstance(op, Read) else op
        for op in history.ops
        if not (isinstance(op, Recv) and op.client == "bob" and op.seq <= 3)
    ]
    first = next(n for n, op in enumerate(kept) if isinstance(op, Recv) and op.client == "bob")

    def with_gap(from_seq: int, to_seq: int) -> set[str]:
        return broken(History([*kept[:first], gap(from_seq, to_seq), *kept[first:]]))

    assert with_gap(1, 3) == set()
    assert with_gap(1, 2) == {"R2", "R5", "R8"}
    assert with_gap(2, 3) == {"R2", "R5", "R8"}


def test_a_trimmed_gap_over_readable_messages_is_a_lie() -> None:
    history = play([("send", "ann")] * 6)
    first = next(op for op in history.ops if isinstance(op, Recv) and op.client == "bob")
    lie = gap(first.seq, first.seq)
    assert broken(History(lie if op is first else op for op in history.ops)) == {"R2"}


def test_a_resume_that_hides_a_hole_is_noticed() -> None:
    """A server that says `recovered` and starts at the head, as a plain reconnect would."""
    model = Model()
    model.disconnect("bob")
    for _ in range(5):
        model.send("ann")
    history = model.finish()
    hidden = [
        op
        for op in history.ops
        if not (isinstance(op, Recv) and op.client == "bob" and op.seq <= 5)
    ]
    assert any(isinstance(op, Joined) and op.recovered for op in hidden)
    assert broken(History(hidden)) == {"R2", "R5"}


def of(client: str, at: float = 0.0) -> dict[str, Any]:
    """Who did something in the room, and when."""
    return {"at": at, "client": client, "room": ROOM}


def said(at: float, name: str, epoch: str, seq: int) -> list[Op]:
    """Ann sends a message of this name, and has it acknowledged."""
    return [
        Invoke(**of("ann", at), cmid=name, digest=name, session=1),
        Ok(**of("ann", at + 0.1), cmid=name, epoch=epoch, seq=seq, message_id=name),
    ]


def heard(at: float, client: str, name: str, epoch: str, seq: int) -> Recv:
    """A client receives it."""
    place: dict[str, Any] = {"epoch": epoch, "seq": seq, "message_id": name, "cmid": name}
    return Recv(**of(client, at), **place, sender="ann", digest=name)


def reset(client: str, epoch: str, from_seq: int) -> Gap:
    """A client that was in e0 is told that what came behind a place is gone."""
    gone: dict[str, Any] = {"from_seq": from_seq, "to_seq": from_seq, "previous_epoch": "e0"}
    return Gap(**of(client), reason="reset", epoch=epoch, **gone)


def test_what_is_told_behind_a_reset_may_be_of_an_epoch_in_between() -> None:
    history = [
        Joined(**of("bob"), epoch="e0", seq=0),
        *said(1.0, "of e1", "e1", 1),
        reset("bob", "e2", 0),
        heard(1.5, "bob", "of e1", "e1", 1),
        *said(2.0, "of e2", "e2", 2),
        heard(2.5, "bob", "of e2", "e2", 2),
    ]
    assert check(History(history)) == []


def test_a_lost_tail_is_told_to_who_saw_it_and_never_was_for_who_was_away() -> None:
    def with_return_from(seq: int) -> set[str]:
        history = [
            Joined(**of("bob"), epoch="e0", seq=0),
            Joined(**of("cat"), epoch="e0", seq=0),
            *said(1.0, "kept", "e0", 1),
            *said(2.0, "lost", "e0", 2),
            heard(2.5, "bob", "kept", "e0", 1),
            heard(2.5, "bob", "lost", "e0", 2),
            reset("bob", "e1", 1),
            Joined(**of("cat"), epoch="e1", seq=1, since_epoch="e0", since_seq=seq, recovered=True),
            heard(3.0, "cat", "kept", "e0", 1),
        ]
        return broken(History(history))

    assert with_return_from(0) == set()
    assert "R2" in with_return_from(2)


def test_an_ack_before_the_write_is_noticed_when_the_write_is_lost() -> None:
    history = play([("send", "ann")] * 3)
    end = next(n for n, op in enumerate(history.ops) if isinstance(op, Read))
    about: Any = {"at": history.ops[end].at - 0.5, "client": "ann", "room": ROOM, "cmid": "never"}
    invoke = Invoke(digest="d", session=1, **about)
    ack = Ok(epoch="e0", seq=99, message_id="x", **about)
    told = History([*history.ops[:end], invoke, ack, *history.ops[end:]])
    assert broken(told) == {"R2", "R8"}


def test_what_was_read_may_be_forgotten_by_a_redis_that_lost_its_data() -> None:
    """Ann has read all that there was; only what she reads in the new life has to hold."""
    model = Model()
    for _ in range(3):
        model.send("bob")
        model.deliver("ann")
    model.mark("ann")
    model.reset()
    model.send("bob")
    model.deliver("ann.phone")
    model.mark("ann.phone")
    history = model.finish()
    assert broken(history) == set()
    forgotten = [
        replace(op, read_seq=None, unread=op.head)
        if isinstance(op, Progress) and op.is_last and op.client.startswith("ann")
        else op
        for op in history.ops
    ]
    assert broken(History(forgotten)) == {"R12"}


def test_a_failover_without_durable_writes_may_lose_a_mark_and_no_message() -> None:
    model = Model()
    model.send("bob")
    model.deliver("ann")
    model.mark("ann")
    model.fork()
    model.markers.clear()
    history = model.finish()
    assert broken(history) == {"R12"}
    assert broken(history, is_durable=False) == set()

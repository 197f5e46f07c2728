"""One run from start to verdict: chat, do harm, heal, settle, read everything, apply the rules."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.checker.history import (
    Fail,
    Gap,
    History,
    Info,
    Invoke,
    Mark,
    Marked,
    Marker,
    Ok,
    Progress,
    Recv,
)
from tests.checker.markers import read_markers
from tests.checker.nemesis import Nemesis
from tests.checker.rules import NO_CAP, check
from tests.checker.view import Violation, rooms_of
from tests.checker.workload import AnyClient, Plan, Workload
from tests.support.tokens import token
from tests.support.waiting import DeadlineError, until

_LOOK_S = 5.0
_CALM_S = 1.0
_ARRIVAL_S = 40.0
#: A run says something once so much has happened; a busy machine needs longer for it.
_ENOUGH = {"acked": 60, "changed": 20, "received": 400}
_ENOUGH_S = 30.0


@dataclass
class Report:
    """What a run has shown."""

    plan: Plan
    history: History
    violations: list[Violation] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def require(self, **at_least: int) -> None:
        """Fail on a violation, or if the run was too quiet to prove anything.

        Args:
            at_least: least counts, by the names of `counts`: `acked=100, reconnects=1`.
        """
        print(self.summary())  # pytest shows it with -rP
        lacking = {name: self.counts[name] for name, n in at_least.items() if self.counts[name] < n}
        assert not self.violations, self.text()
        assert not lacking, f"the run proves too little, {lacking} of {at_least}: {self.text()}"

    def rules_broken(self) -> set[str]:
        """Names of the broken rules, like `R2`."""
        return {violation.rule.split()[0] for violation in self.violations}

    def text(self) -> str:
        """Return a report for a person; the history is written to a file that it names."""
        with tempfile.NamedTemporaryFile(prefix="history-", suffix=".jsonl", delete=False) as file:
            path = Path(file.name)
        self.history.dump(path)
        shown = "\n".join(str(violation) for violation in self.violations[:12])
        return f"{len(self.violations)} violations, history in {path}\n{self.summary()}\n{shown}"

    def summary(self) -> str:
        """Return the seed and what was counted, in a line."""
        counted = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        return f"seed {self.plan.seed}: {counted}"


async def run(
    nemesis: Nemesis,
    harm: Callable[[Nemesis], Awaitable[None]],
    plan: Plan | None = None,
    *,
    history_cap: int = NO_CAP,
    presence_bound_s: float = 30.0,
    settle_s: float = 40.0,
    is_durable: bool = True,
) -> Report:
    """Run a workload while harm is done, and judge it.

    Args:
        nemesis: what does the harm, with the cluster and the history.
        harm: which faults, in which order; it heals what it broke.
        plan: the workload.
        history_cap: messages per room that the server under test keeps.
        presence_bound_s: how long after the last change members may be shown wrongly.
        settle_s: how long anything may take once all faults are over.
        is_durable: whether Redis has after each fault what it has once stored.
    """
    plan = plan or Plan()
    history = nemesis.history
    report = Report(plan, history)
    workload = Workload(plan, nemesis.cluster.urls, token, history)
    async with workload:
        await workload.wait_joined(_ARRIVAL_S)
        workload.start()
        await asyncio.sleep(_CALM_S)
        await harm(nemesis)
        await asyncio.sleep(_CALM_S)
        await nemesis.cluster.wait_ready()
        with suppress(DeadlineError):  # those who ask what the run has shown find that out
            await until(lambda: _is_enough(history), _ENOUGH_S, interval_s=0.5)
        report.counts["senders unanswered"] = await workload.stop(settle_s)
        if report.counts["senders unanswered"]:
            report.violations.append(_dead("the cluster", "senders still wait for acks"))
        report.violations += await _settle(workload, settle_s)
        report.violations += await _read_all(workload, settle_s)
        report.violations += await _settle_markers(workload, settle_s, is_durable=is_durable)
        await _watch_presence(workload, presence_bound_s)
        report.violations += [_dead("the cluster", f"{n} was sent away") for n in workload.gone]
        report.counts["reconnects"] = workload.reconnects
    report.counts["faults"] = nemesis.fired
    report.counts += _counts(history)
    report.violations += check(
        history,
        history_cap=history_cap,
        presence_bound_s=presence_bound_s,
        is_durable=is_durable,
    )
    return report


async def _settle(workload: Workload, settle_s: float) -> list[Violation]:
    """Send one last message per room and wait until all its members have seen it."""
    found = []
    for room in workload.plan.room_names():
        members = workload.members(room)
        if not members:
            continue
        try:
            async with asyncio.timeout(settle_s):
                cmid = await members[0].send(room, label="sentinel")
        except TimeoutError:
            found.append(_dead(room, "the sentinel was not acknowledged"))
            continue
        try:
            await until(
                partial(_all_have_seen, members, room, cmid),
                settle_s,
                what=f"the sentinel of {room}",
            )
        except DeadlineError:
            late = [client.name for client in members if cmid not in client.seen[room]]
            found.append(_dead(room, f"the sentinel never reached {late}"))
    return found


def _all_have_seen(members: list[AnyClient], room: str, cmid: str) -> bool:
    return all(cmid in client.seen[room] for client in members)


async def _read_all(workload: Workload, settle_s: float) -> list[Violation]:
    """Have two members of every room read all of its history, and all say what they know of it."""
    found = []
    for room in workload.plan.room_names():
        for client in workload.members(room):
            client.tell_state(room)
        for client in workload.members(room)[-2:]:
            try:
                async with asyncio.timeout(settle_s):
                    await client.read_history(room)
            except TimeoutError:
                found.append(_dead(room, f"{client.name} could not read history"))
    return found


async def _settle_markers(
    workload: Workload, settle_s: float, *, is_durable: bool
) -> list[Violation]:
    """Have all ask how far they have read, until that keeps R12, or for too long.

    A worker writes marks now and then, so there is a moment in which devices are told otherwise.
    """
    history = workload.history
    kinds = (Gap, Mark, Marked, Marker, Progress)
    known = [op for op in history.ops if isinstance(op, kinds)]

    def is_right(answers: list[Progress]) -> bool:
        rooms = rooms_of(History([*known, *answers]))
        return not any(any(read_markers(room, is_durable=is_durable)) for room in rooms)

    end = time.monotonic() + (settle_s if is_right([]) else 0.0)
    while True:
        try:
            async with asyncio.timeout(settle_s):
                asked = [client.read_progress() for client in workload.clients]
                answers = [op for each in await asyncio.gather(*asked) for op in each]
        except TimeoutError:
            return [_dead("the cluster", "nobody is told how much is unread")]
        if is_right(answers) or time.monotonic() > end:
            break
        await asyncio.sleep(0.2)
    for answer in answers:
        history.add(answer)
    return []


async def _watch_presence(workload: Workload, bound_s: float) -> None:
    """Let one client go, then look at the members until all looks are right, or past the bound."""
    await workload.retire(workload.clients[-1])
    workload.declare_members()
    end = time.monotonic() + bound_s + 1.0
    right_in_a_row = 0
    while time.monotonic() < end and right_in_a_row < 3:
        looks = [await _presence_is_right(workload, room) for room in workload.plan.room_names()]
        right_in_a_row = right_in_a_row + 1 if all(looks) else 0
        await asyncio.sleep(0.25)


async def _presence_is_right(workload: Workload, room: str) -> bool:
    members = workload.members(room)
    true = tuple(sorted({client.user for client in members}))
    try:
        async with asyncio.timeout(_LOOK_S):
            shown = [await client.read_presence(room) for client in members]
    except TimeoutError:
        return False
    return all(look == true for look in shown)


def _is_enough(history: History) -> bool:
    counts = _counts(history)
    return all(counts[name] >= n for name, n in _ENOUGH.items())


def _dead(room: str, sentence: str) -> Violation:
    return Violation("R10 liveness", room, f"after all faults were over, {sentence}")


def _counts(history: History) -> Counter[str]:
    gaps = list(history.of(Gap))
    acks = list(history.of(Ok))
    changes = {invoke.cmid for invoke in history.of(Invoke) if invoke.is_change}
    return Counter(
        {
            "acked": len(acks),
            "changed": sum(ack.cmid in changes for ack in acks),
            "deduplicated": sum(ack.duplicate for ack in acks),
            "marked": sum(1 for _ in history.of(Marked)),
            "refused": sum(1 for _ in history.of(Fail)),
            "uncertain": sum(1 for _ in history.of(Info)),
            "received": sum(1 for _ in history.of(Recv)),
            "resets": sum(gap.reason == "reset" for gap in gaps),
            "trims": sum(gap.reason == "trimmed" for gap in gaps),
        }
    )

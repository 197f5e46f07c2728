"""One load test from the command line: runs it, shows it, judges it, writes what was found."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct
from rich.console import Console

from loadtest import environment, verdict
from loadtest.canaries import checks as canaries
from loadtest.control import Counts
from loadtest.coordinator.coordinator import SCHEDULE, Coordinator
from loadtest.coordinator.plan import Outcome, Plan
from loadtest.results import Results, write
from loadtest.sampling.sampler import Sampler
from loadtest.watch import View, Watch

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
RESULTS = "results.json"
REPORT = "report.html"
_PRIORITY = -10


class Sampling(Struct, frozen=True, kw_only=True):
    """What is looked at besides the clients."""

    ops: Sequence[str] = ()
    redis: str | None = None
    pids: Sequence[int] = ()
    interval_s: float = 2.0


async def run_test(
    plan: Plan, sampling: Sampling, console: Console, command: Sequence[str], *, plain: bool
) -> Results:
    """Run a test to its end; SIGINT and SIGTERM drain it, a second one cuts.

    Raises:
        CannotRunError, InterruptedEarlyError: there is nothing to judge.
        OperationsError, StoreError: what is to be sampled has a wrong address.
    """
    coordinator = Coordinator(plan, on_joined=_prefer_us)
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, coordinator.interrupt)
    sampler = Sampler(
        ops=sampling.ops,
        redis=sampling.redis,
        pids=sampling.pids,
        interval_s=sampling.interval_s,
        clock=lambda: _since_start_s(coordinator),
    )
    watch = Watch(console, lambda: _view(coordinator, sampler), plain=plain)
    watching = asyncio.create_task(watch.run(), name="watch")
    try:
        async with sampler:
            outcome = await coordinator.run()
    finally:
        watching.cancel()
        (shown,) = await asyncio.gather(watching, return_exceptions=True)
        if isinstance(shown, Exception):  # a mistake of ours must not take the test with it
            console.print(f"The view broke off: {shown!r}.", markup=False)
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
    return judge(plan, outcome, sampler, command)


def _prefer_us() -> None:
    """Have the one who watches served before the agents and workers that fill the machine.

    With a fair share of two cores among a hundred busy processes it fell so far behind in a storm
    that the agents gave it up. It takes a privilege; without it, all stays as it was.
    """
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)


def judge(plan: Plan, outcome: Outcome, sampler: Sampler, command: Sequence[str]) -> Results:
    """Return what was found with its verdict."""
    described = environment.describe(command)
    recovery_s = verdict.recovery_s(plan.scenario, outcome.latency)
    evidence = verdict.Evidence(
        scenario=plan.scenario,
        totals=outcome.totals,
        latency=outcome.latency,
        timeline=outcome.timeline,
        agents=outcome.agents,
        agents_cpu_share=outcome.agents_cpu_share,
        agents_missing=outcome.agents_missing,
        hold_s=outcome.hold_s,
        recovery_s=recovery_s,
        cores=described.cores,
        busy_cores=verdict.busy_cores(sampler.host, outcome.timeline),
    )
    checks = verdict.checks(evidence) + canaries.checks(plan.scenario, outcome.canaries)
    return Results(
        title=plan.scenario.title,
        started_at=outcome.started_at,
        duration_s=outcome.duration_s,
        ended_by=outcome.ended_by,
        hold_s=outcome.hold_s,
        environment=described,
        target=plan.target,
        scenario=plan.scenario,
        agents=outcome.agents,
        totals=outcome.totals,
        latency=outcome.latency,
        recovery_s=recovery_s,
        canaries=outcome.canaries,
        timeline=outcome.timeline,
        workers=[sample for sample in sampler.workers if sample.t_s >= 0],
        redis=[sample for sample in sampler.redis if sample.t_s >= 0],
        host=[sample for sample in sampler.host if sample.t_s >= 0],
        checks=checks,
        doubts=[
            *outcome.notes,
            *verdict.doubts(evidence),
            *canaries.doubts(outcome.canaries, outcome.duration_s),
            *sampler.troubles,
        ],
        passed=outcome.ended_by == SCHEDULE and all(check.passed for check in checks),
    )


def save(results: Results, directory: Path) -> list[Path]:
    """Write results.json, and report.html where the report can be made; return their paths.

    Raises:
        OSError: the directory cannot be written.
    """
    paths = [directory / RESULTS]
    write(results, paths[0])
    if find_spec("loadtest.report") is not None:
        paths.append(directory / REPORT)
        import_module("loadtest.report").write_report(results, paths[1])
    return paths


def _since_start_s(coordinator: Coordinator) -> float:
    """Return seconds since the start of the ramp, negative before it."""
    if not coordinator.start_ns:
        return -1.0
    return (time.monotonic_ns() - coordinator.start_ns) / 1e9


def _view(coordinator: Coordinator, sampler: Sampler) -> View:
    merger, stage = coordinator.merger, coordinator.stage
    return View(
        title=coordinator.plan.scenario.title,
        phase=stage.name,
        phase_s=max(0.0, (time.monotonic_ns() - stage.began_ns) / 1e9) if stage.began_ns else 0.0,
        lasts_s=stage.lasts_s,
        wanted=coordinator.plan.scenario.connections.count,
        agents=len(coordinator.links),
        agents_wanted=coordinator.plan.agents,
        totals=merger.totals() if merger else Counts(),
        second=merger.last_second() if merger else None,
        workers=sampler.newest(),
    )

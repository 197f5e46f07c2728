"""A whole test with agents that are scripts: what goes right, and what can go wrong."""

import asyncio
import sys
from pathlib import Path

import pytest
from msgspec import structs

from loadtest.control import Target
from loadtest.coordinator import coordinator as coordination
from loadtest.coordinator.coordinator import Coordinator
from loadtest.coordinator.plan import CannotRunError, InterruptedEarlyError, Outcome, Plan
from loadtest.scenario import Connections, Scenario, Traffic
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def plan(directory: Path, **changes: object) -> Plan:
    scenario = Scenario(
        title="scripted",
        connections=Connections(count=100, ramp_per_s=1000),
        traffic=Traffic(messages_per_s=10),
        warm_up_s=0.3,
        hold_s=1.0,
        drain_s=0.5,
    )
    usual = {
        "scenario": scenario,
        "target": Target(url="ws://127.0.0.1:1/ws"),
        "seed": 1,
        "secret": "the secret of this test",
        "local_agents": 2,
        "log_dir": directory,
        "join_timeout_s": 40.0,
    }
    return Plan(**usual | changes)  # type: ignore[arg-type]


def coordinate(mode: str, directory: Path, **changes: object) -> Coordinator:
    command = (sys.executable, "-m", "tests.loadtest.scripted_agent", mode)
    return Coordinator(plan(directory, **changes), command)


async def run(mode: str, directory: Path, **changes: object) -> Outcome:
    return await coordinate(mode, directory, **changes).run()


async def test_two_agents_play_the_whole_schedule(tmp_path: Path) -> None:
    outcome = await run("well", tmp_path)

    assert outcome.ended_by == "schedule"
    assert outcome.agents_missing == 0
    assert [agent.clients for agent in outcome.agents] == [50, 50]
    assert [agent.clock_error_ms for agent in outcome.agents] == [0, 0], "the same clock"
    assert outcome.totals.connected == 100
    assert outcome.totals.lost == 0
    assert 0.9 < outcome.hold_s < 30
    assert outcome.latency["delivery"].highest < 10, "the warm-up is not judged"
    assert {second.phase for second in outcome.timeline} >= {"hold"}


async def test_a_room_whose_end_a_member_lacks_has_lost_messages(tmp_path: Path) -> None:
    outcome = await run("lossy", tmp_path)

    assert outcome.totals.lost == 2


async def test_an_agent_that_refuses_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(CannotRunError, match="refuses: it is Sunday"):
        await run("refuse", tmp_path)


async def test_an_agent_that_cannot_start_is_quoted(tmp_path: Path) -> None:
    coordinator = Coordinator(plan(tmp_path), (sys.executable, "-c", "raise SystemExit('oh')"))

    with pytest.raises(CannotRunError, match=r"ended with 1\. It said:\noh"):
        await coordinator.run()


async def test_agents_that_never_come_are_not_waited_for_longer_than_said(
    tmp_path: Path,
) -> None:
    with pytest.raises(CannotRunError, match=r"[012] of 3 agents joined in 1 s"):
        await run("well", tmp_path, remote_agents=1, join_timeout_s=1.0)


async def test_more_clients_than_descriptors_are_refused(tmp_path: Path) -> None:
    scenario = Scenario(title="many", connections=Connections(count=1_000_000))

    with pytest.raises(CannotRunError, match="not for 1000000"):
        await run("well", tmp_path, scenario=scenario)


async def test_agents_that_vanish_end_the_test_and_are_noted(tmp_path: Path) -> None:
    outcome = await run("vanish", tmp_path)

    assert "closed the connection" in outcome.ended_by
    assert outcome.agents_missing >= 1, "the other one may end in order"
    assert outcome.notes
    assert outcome.totals.connected == 100, "what they had reported is kept"


async def test_an_agent_that_talks_nonsense_is_given_up(tmp_path: Path) -> None:
    outcome = await run("garbage", tmp_path)

    assert "said something unknown" in outcome.ended_by


async def test_a_silent_agent_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coordination, "SILENCE_S", 1.0)

    outcome = await run("silent", tmp_path)

    assert "said nothing for" in outcome.ended_by
    assert outcome.agents_missing == 2


async def test_when_nobody_can_connect_the_reason_is_said_at_once(tmp_path: Path) -> None:
    scenario = structs.replace(plan(tmp_path).scenario, hold_s=600.0)

    async with asyncio.timeout(40.0):
        outcome = await run("unconnected", tmp_path, scenario=scenario)

    assert outcome.ended_by == "Not one client could connect: 100 of ECONNREFUSED."


async def until_stage(coordinator: Coordinator, name: str) -> None:
    await until(lambda: coordinator.stage.name == name, 40.0, what=f"the stage {name}")


async def test_an_interruption_drains_and_keeps_what_was_found(tmp_path: Path) -> None:
    scenario = plan(tmp_path).scenario
    coordinator = coordinate("well", tmp_path, scenario=_with_hold(scenario, 60.0))
    running = asyncio.create_task(coordinator.run())
    await until_stage(coordinator, "hold")

    coordinator.interrupt()
    outcome = await running

    assert outcome.ended_by == "interrupted"
    assert outcome.agents_missing == 0, "they could say their last word"


async def test_a_second_interruption_cuts(tmp_path: Path) -> None:
    scenario = structs.replace(plan(tmp_path).scenario, hold_s=600.0, drain_s=600.0)
    coordinator = coordinate("silent", tmp_path, scenario=scenario)
    running = asyncio.create_task(coordinator.run())
    await until_stage(coordinator, "connect")

    coordinator.interrupt()
    coordinator.interrupt()
    async with asyncio.timeout(30.0):
        outcome = await running

    assert outcome.ended_by == "interrupted"
    assert outcome.agents_missing == 2


async def test_an_interruption_before_the_test_leaves_nothing(tmp_path: Path) -> None:
    coordinator = coordinate("well", tmp_path, remote_agents=1)
    running = asyncio.create_task(coordinator.run())
    await until(lambda: len(coordinator.links) == 2, 20.0, what="two agents")

    coordinator.interrupt()

    with pytest.raises(InterruptedEarlyError):
        await running


def _with_hold(scenario: Scenario, hold_s: float) -> Scenario:
    return structs.replace(scenario, hold_s=hold_s)

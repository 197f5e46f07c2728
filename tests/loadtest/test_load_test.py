"""Whole load tests: the command, real agents, real workers."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.loadtest.running import PATIENT, SMALL, Start, alive
from tests.support.tokens import SECRET
from tests.support.waiting import until
from tests.support.worker import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


async def test_a_run_within_its_thresholds_exits_zero(load_test: Start) -> None:
    run = await load_test("chat-mix", *SMALL, *PATIENT)

    code = await run.end()

    assert code == 0, run.said
    found = run.results
    assert found.passed
    assert found.ended_by == "schedule"
    assert found.totals.opened == 60
    assert found.totals.messages_acked == found.totals.messages_sent > 0
    assert found.latency["delivery"].samples > 0
    assert found.totals.lost == found.totals.duplicated == 0
    assert len(found.agents) == 2
    assert max(second.connected for second in found.timeline) == 60
    assert [sample for sample in found.workers if sample.connections]
    assert "The test passed." in run.said


async def test_a_run_that_misses_its_threshold_exits_non_zero(load_test: Start) -> None:
    run = await load_test("chat-mix", *SMALL, *PATIENT, "--set", "thresholds.ack_p99_ms=0.001")

    code = await run.end()

    assert code == 1, run.said
    assert not run.results.passed
    assert [check.name for check in run.results.checks if not check.passed] == ["ack_p99_ms"]
    assert "FAILED  Ack p99" in run.said


async def test_everybody_comes_back_from_a_storm_and_misses_nothing(load_test: Start) -> None:
    storm = ("--set", "storm.at_s=1", "--set", "storm.spread_s=1", "--hold", "10")
    patient = (*PATIENT, "--set", "thresholds.storm_p99_ms=20000")
    run = await load_test("reconnect-storm", *SMALL[:-4], *storm, "--agents", "2", *patient)

    code = await run.end()

    assert code == 0, run.said
    assert run.results.recovery_s is not None
    assert run.results.recovery_s < 9
    assert run.results.totals.opened >= 120
    assert run.results.totals.lost == run.results.totals.gaps == 0
    assert run.results.canaries is not None
    assert run.results.canaries.reconnects >= 4, "the SDK's clients were cut too"


async def test_an_agent_elsewhere_joins_with_the_secret_and_no_other_does(
    load_test: Start, tmp_path: Path, unused_port: int
) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("the secret of this test\n")
    wrong.write_text("another secret of a test\n")
    address = f"127.0.0.1:{unused_port}"
    elsewhere = ("--agents", "1", "--remote-agents", "1", "--listen", address)
    run = await load_test("chat-mix", *SMALL, *PATIENT, *elsewhere, "--secret-file", str(right))
    await run.until_phase("waiting for agents: 1 of 2")

    stranger = await agent(address, wrong)
    said, _ = await stranger.communicate()
    friend = await agent(address, right)
    code = await run.end()

    assert await friend.wait() == 0
    assert code == 0, run.said
    assert stranger.returncode == 2
    assert b"does not accept the join secret" in said
    assert [facts.clients for facts in run.results.agents] == [30, 30]


async def agent(address: str, secret: Path) -> asyncio.subprocess.Process:
    """Start an agent as on another machine."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtest", "agent"),
        *("--join", address, "--secret-file", str(secret)),
        cwd=REPOSITORY,
        env=os.environ | {"LOADTEST_JWT_SECRET": SECRET},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def test_an_agent_that_is_killed_fails_the_run_without_hanging(load_test: Start) -> None:
    run = await load_test("chat-mix", *SMALL, *PATIENT, "--hold", "120")
    await run.until_phase("hold")

    os.kill(min(run.agents()), signal.SIGKILL)
    async with asyncio.timeout(50.0):
        code = await run.end()

    assert code == 1, run.said
    assert "closed the connection" in run.results.ended_by
    assert [doubt for doubt in run.results.doubts if "closed the connection" in doubt]
    assert "agents_missing" in {c.name for c in run.results.checks if not c.passed}


async def test_ctrl_c_drains_and_writes_what_was_found(load_test: Start) -> None:
    run = await load_test("chat-mix", *SMALL, *PATIENT, "--hold", "120")
    await run.until_phase("hold")

    run.process.send_signal(signal.SIGINT)
    async with asyncio.timeout(50.0):
        code = await run.end()

    assert code == 130, run.said
    assert run.results.ended_by == "interrupted"
    assert not run.results.passed
    assert run.results.totals.lost == 0


async def test_a_second_ctrl_c_cuts_and_leaves_no_process(load_test: Start) -> None:
    run = await load_test("chat-mix", *SMALL, *PATIENT, "--hold", "120", "--set", "drain_s=100")
    await run.until_phase("hold")
    agents = run.agents()

    for pid in agents:
        os.kill(pid, signal.SIGSTOP)  # they do not even hear that it is over
    run.process.send_signal(signal.SIGINT)
    await run.until_phase("drain")
    run.process.send_signal(signal.SIGINT)
    async with asyncio.timeout(50.0):
        code = await run.end()

    assert code == 130, run.said
    assert run.results.agents, "what was known is written"
    await until(lambda: not any(map(alive, agents)), 40.0, what="no agent left")


async def test_agents_end_when_their_coordinator_is_killed(load_test: Start) -> None:
    run = await load_test("chat-mix", *SMALL, *PATIENT, "--hold", "120")
    await run.until_phase("hold")
    agents = run.agents()
    assert len(agents) == 2

    run.process.kill()
    await run.end()

    await until(lambda: not any(map(alive, agents)), 40.0, what="no agent left")


async def test_a_key_the_server_does_not_know_connects_nobody(load_test: Start) -> None:
    run = await load_test("chat-mix", *SMALL, *PATIENT, key="another key, long enough for HS256")

    code = await run.end()

    assert code == 1, run.said
    assert "Not one client could connect" in run.results.ended_by

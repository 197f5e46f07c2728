"""A real supervisor process over real (fake) workers."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support import http, logs, processes
from tests.support.ports import unused_port
from tests.support.waiting import until
from tests.support.worker import Process


class Up(Process):
    """`chat up` with fake workers."""

    def __init__(self, behaviour: Path, **settings: str | int | float) -> None:
        self.behaviour = behaviour
        self.port = unused_port()
        self.ops_port = unused_port()
        own = {"port": self.port, "ops_port": self.ops_port, "workers": 2, "drain_timeout": 1.0}
        script = Path(__file__).with_name("fake_up.py")
        super().__init__(
            [sys.executable, str(script), str(behaviour)],
            own | settings,
            logs.new_directory() / "up.log",
        )

    def behave(self, behaviour: str) -> None:
        self.behaviour.write_text(behaviour)

    async def state(self) -> dict[str, Any]:
        """Return /readyz, empty while nobody answers, with its status."""
        try:
            answer = await http.get(self.ops_port, "/readyz")
        except OSError:
            return {"status": 0, "ready": False, "reasons": [], "workers": []}
        return {"status": answer.status, **json.loads(answer.body)}

    async def pids(self) -> list[int]:
        """Return the process ids of the workers that are ready, by slot."""
        return [worker["pid"] for worker in (await self.state())["workers"] if worker["ready"]]

    async def wait_ready(self, workers: int = 2) -> list[int]:
        async def ready() -> list[int] | None:
            assert self.running, self.log()
            pids = await self.pids()
            return pids if len(pids) == workers else None

        return await until(ready, 40.0, what="workers ready") or []

    async def wait_log(self, text: str) -> None:
        await until(lambda: text in self.log(), 40.0, what=f"{text!r} in the log")

    def stopped_replacing(self, times: int) -> bool:
        return self.log().count("replacing stopped") >= times

    async def wait_status(self, status: int) -> dict[str, Any]:
        async def found() -> dict[str, Any] | None:
            state = await self.state()
            return state if state["status"] == status else None

        return await until(found, 40.0, what=f"/readyz {status}") or {}

    async def greeting(self) -> int:
        """Connect to the public port and return the process id of the worker that answers."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            return int(await reader.readline())
        finally:
            writer.close()


async def greeting_at(path: Path) -> int:
    """Connect to a worker's own socket and return the process id that answers."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        return int(await reader.readline())
    finally:
        writer.close()


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Callable[..., Up]]:
    made: list[Up] = []

    def start(behaviour: str = "ready", **settings: Any) -> Up:
        path = tmp_path / "behaviour"
        path.write_text(behaviour)
        process = Up(path, **settings)
        made.append(process)
        process.spawn()
        return process

    yield start
    for process in made:
        if process.running:
            workers = processes.children_of(process.pid)
            await process.kill()
            processes.kill_all(workers)


async def test_every_slot_gets_a_worker_and_the_port_answers(up: Callable[..., Up]) -> None:
    cluster = up(workers=3)
    pids = await cluster.wait_ready(3)
    assert len(set(pids)) == 3
    assert await cluster.greeting() in pids
    await cluster.wait_log("all ready")
    assert cluster.log().count("all ready") == 1


async def test_each_worker_is_reached_by_itself_before_and_after_a_replacement(
    up: Callable[..., Up],
) -> None:
    sockets = logs.new_directory()
    pattern = f"unix:{sockets}/{{slot}}"
    cluster = up(worker_sockets=pattern, trusted_proxies="127.0.0.1")
    old = await cluster.wait_ready()
    assert [await greeting_at(sockets / str(slot)) for slot in range(2)] == old
    os.kill(cluster.pid, signal.SIGHUP)
    await cluster.wait_log("all workers are replaced")
    new = await cluster.wait_ready()
    assert not set(old) & set(new)
    assert [await greeting_at(sockets / str(slot)) for slot in range(2)] == new
    assert await cluster.terminate(40.0) == 0
    assert list(sockets.iterdir()) == []


async def test_a_wrong_pattern_of_worker_sockets_is_one_sentence(up: Callable[..., Up]) -> None:
    cluster = up(worker_sockets="unix:here", trusted_proxies="127.0.0.1")
    assert await cluster.wait_ended(40.0) != 0
    assert "CHAT_WORKER_SOCKETS: 'unix:here' is not a pattern" in cluster.log()


async def test_sigterm_drains_and_ends_cleanly(up: Callable[..., Up]) -> None:
    cluster = up()
    await cluster.wait_ready()
    assert await cluster.terminate(40.0) == 0
    assert "Traceback" not in cluster.log()
    with pytest.raises(ConnectionRefusedError):
        await cluster.greeting()


async def test_a_signal_during_the_start_ends_cleanly(up: Callable[..., Up]) -> None:
    cluster = up()
    await cluster.wait_log("worker 0 started")
    cluster.signal(signal.SIGINT)
    assert await cluster.wait_ended(40.0) == 0
    assert "Traceback" not in cluster.log()


async def test_a_worker_that_does_not_drain_is_killed_at_the_deadline(
    up: Callable[..., Up],
) -> None:
    cluster = up("stubborn", drain_timeout=0.5)
    await cluster.wait_ready()
    assert await cluster.terminate(40.0) == 0
    assert "did not end: killed" in cluster.log()


async def test_a_third_signal_kills_at_once(up: Callable[..., Up]) -> None:
    cluster = up("stubborn", drain_timeout=60)
    await cluster.wait_ready()
    for said in ("stopping:", "stopping now"):
        cluster.signal(signal.SIGINT)
        await cluster.wait_log(said)
    cluster.signal(signal.SIGINT)
    assert await cluster.wait_ended(40.0) == 0


async def test_it_is_not_ready_while_draining(up: Callable[..., Up]) -> None:
    cluster = up("stubborn", drain_timeout=60)
    await cluster.wait_ready()
    cluster.signal(signal.SIGTERM)
    state = await cluster.wait_status(503)
    assert "draining" in state["reasons"]


async def test_a_killed_worker_is_replaced_and_no_connection_is_refused(
    up: Callable[..., Up],
) -> None:
    cluster = up(workers=1)
    [old] = await cluster.wait_ready(1)
    os.kill(old, signal.SIGKILL)
    await cluster.wait_log("was killed by signal 9")
    assert await cluster.greeting() != old  # it waited in the queue of the open socket
    [new] = await cluster.wait_ready(1)
    assert new != old
    metrics = (await http.get(cluster.ops_port, "/metrics")).body
    assert "chat_worker_restarts_total 1.0" in metrics


async def test_a_crash_loop_is_reported_and_not_spun_on(up: Callable[..., Up]) -> None:
    cluster = up("ready", workers=2, crash_loop_count=3, restart_backoff_max=60)
    await cluster.wait_ready()
    cluster.behave("crash")
    worker = (await cluster.state())["workers"][1]
    os.kill(worker["pid"], signal.SIGKILL)
    await cluster.wait_log("worker 1 is in a crash loop")
    state = await cluster.state()
    assert state["status"] == 200, "the other worker still serves"
    assert any("crash loop" in reason for reason in state["reasons"])
    assert any("next start in" in reason for reason in state["reasons"])
    assert state["workers"][1].keys() == worker.keys()
    metrics = (await http.get(cluster.ops_port, "/metrics")).body
    assert "chat_workers_crash_looping 1.0" in metrics
    assert "chat_workers_ready 1.0" in metrics
    assert cluster.log().count("worker 1 started") == 3
    assert {await cluster.greeting() for _ in range(20)} == {state["workers"][0]["pid"]}, (
        "no connection goes to the queue of the dead worker"
    )


async def test_with_all_workers_dead_it_is_not_ready_and_recovers(up: Callable[..., Up]) -> None:
    cluster = up("crash", workers=1, restart_backoff_max=2)
    await cluster.wait_status(503)
    cluster.behave("ready")
    await cluster.wait_ready(1)
    assert (await cluster.state())["status"] == 200
    assert await cluster.greeting() in await cluster.pids()


async def test_a_worker_that_never_gets_ready_is_listed_with_its_reason(
    up: Callable[..., Up],
) -> None:
    cluster = up("never_ready", workers=1)

    async def told() -> bool:
        return "worker 0: it never is" in (await cluster.state())["reasons"]

    await until(told)
    assert (await cluster.state())["status"] == 503


async def test_sighup_replaces_all_workers_and_refuses_no_connection(
    up: Callable[..., Up],
) -> None:
    cluster = up()
    old = set(await cluster.wait_ready())
    cluster.signal(signal.SIGHUP)
    answered = set()
    while "all workers are replaced" not in cluster.log():
        # A connection in the backlog of a worker that just stopped listening goes to its successor.
        answered.add(await asyncio.wait_for(cluster.greeting(), 30.0))
    new = set(await cluster.wait_ready())
    assert not new & old
    assert answered <= new | old


async def test_sighup_keeps_the_old_workers_when_the_new_one_is_no_good(
    up: Callable[..., Up],
) -> None:
    os.environ["FAKE_REPLACE_TIMEOUT_S"] = "0.5"
    try:
        cluster = up()
    finally:
        del os.environ["FAKE_REPLACE_TIMEOUT_S"]
    old = await cluster.wait_ready()
    for behaviour in ("never_ready", "crash", "wrong_settings"):
        cluster.behave(behaviour)
        before = cluster.log().count("replacing stopped")
        cluster.signal(signal.SIGHUP)
        await until(partial(cluster.stopped_replacing, before + 1))
        assert await cluster.pids() == old


async def test_the_old_worker_may_die_while_its_successor_starts(up: Callable[..., Up]) -> None:
    cluster = up(workers=1)
    [old] = await cluster.wait_ready(1)
    cluster.behave("never_ready")
    cluster.signal(signal.SIGHUP)
    await until(lambda: cluster.log().count("worker 0 started") == 2)
    os.kill(old, signal.SIGKILL)
    await cluster.wait_log("was killed by signal 9")
    await cluster.wait_status(503)
    [successor] = processes.children_of(cluster.pid)
    cluster.behave("ready")
    os.kill(successor, signal.SIGKILL)
    [new] = await cluster.wait_ready(1)
    assert new not in {old, successor}


async def test_wrong_settings_of_a_worker_end_it_with_78_and_one_sentence(
    up: Callable[..., Up],
) -> None:
    cluster = up("wrong_settings", workers=3)
    assert await cluster.wait_ended(40.0) == 78
    assert cluster.log().count("CHAT_X is wrong") == 1
    assert "Traceback" not in cluster.log()


async def test_workers_end_when_their_supervisor_is_killed(up: Callable[..., Up]) -> None:
    cluster = up()
    pids = set(await cluster.wait_ready())
    await cluster.kill()

    def alive() -> set[int]:
        return {pid for pid in pids if processes.command_line(pid)}

    def all_ended() -> bool:
        for pid in alive():
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)  # they are ours now
        return not alive()

    await until(all_ended, 40.0, what="the workers to notice")


async def test_totals_outlive_the_worker_that_counted(up: Callable[..., Up]) -> None:
    cluster = up(workers=1)
    [old] = await cluster.wait_ready(1)
    for _ in range(5):
        await cluster.greeting()

    async def counted() -> bool:
        body = (await http.get(cluster.ops_port, "/metrics")).body
        return "chat_connections_opened_total 5.0" in body

    await until(counted)
    os.kill(old, signal.SIGKILL)
    await cluster.wait_log("was killed")
    assert await cluster.wait_ready(1) != [old]
    assert await counted()

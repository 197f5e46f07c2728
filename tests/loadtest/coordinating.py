"""The least coordinator that speaks the contract, and agents as processes of their own."""

import asyncio
import contextlib
import hmac
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Self

from msgspec import json

from loadtest.control import (
    Assignment,
    Challenge,
    ClockAnswer,
    ClockProbe,
    Counts,
    Finished,
    Hello,
    Phase,
    Progress,
    Proof,
    Ready,
    Start,
    Stop,
    Target,
    ToAgent,
    ToCoordinator,
    Welcome,
)
from loadtest.latency import merged, percentiles
from loadtest.results import Percentiles
from loadtest.scenario import Scenario
from tests.support import logs
from tests.support.waiting import until
from tests.support.worker import Process

SECRET = "a join secret of the tests"
_PROGRAM = """
import sys
from loadtest.agent.process import run_agent
sys.exit(run_agent(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
"""
_LINE_BYTES_MAX = 1 << 22


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class Agent:
    """One agent as the coordinator sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.progress: list[Progress] = []
        self.finished: Finished | None = None
        self.ahead_ns = 0  # of our clock before the agent's

    def now_ns(self) -> int:
        return time.monotonic_ns() + self.ahead_ns

    async def say(self, document: ToAgent) -> None:
        self._writer.write(json.encode(document) + b"\n")
        await self._writer.drain()

    async def hear(self, kind: type[Any]) -> Any:
        document = json.decode(await self._reader.readline(), type=ToCoordinator)
        assert isinstance(document, kind), document
        return document

    async def admit(self, secret: str = SECRET) -> Hello | None:
        """Let it prove that it knows the secret; None if it does not."""
        hello: Hello = await self.hear(Hello)
        await self.say(Challenge(nonce="a nonce"))
        proof: Proof = await self.hear(Proof)
        if proof.digest != hmac.new(secret.encode(), b"a nonce", "sha256").hexdigest():
            self.hang_up()
            return None
        await self.say(Welcome(agent=0))
        await self.say(ClockProbe(sent_ns=time.monotonic_ns()))
        answer: ClockAnswer = await self.hear(ClockAnswer)
        assert abs(answer.agent_ns - answer.sent_ns) < 10**9  # the same boot: the same clock
        return hello

    async def assign(
        self, scenario: Scenario, target: Target, *, first: int = 0, clients: int | None = None
    ) -> Ready:
        await self.say(
            Assignment(
                scenario=scenario,
                target=target,
                agents=1,
                first_client=first,
                clients=scenario.connections.count if clients is None else clients,
                seed=7,
                clock_offset_ns=self.ahead_ns,
                clock_error_ns=0,
            )
        )
        ready: Ready = await self.hear(Ready)
        return ready

    async def start(self) -> None:
        await self.say(Start(at_ns=self.now_ns()))

    async def begin(self, phase: Any) -> None:
        await self.say(Phase(name=phase, at_ns=self.now_ns()))

    async def listen(self) -> None:
        """Collect reports until the last word, or the end of the connection."""
        while self.finished is None and (line := await self._reader.readline()):
            document = json.decode(line, type=ToCoordinator)
            if isinstance(document, Progress):
                self.progress.append(document)
            elif isinstance(document, Finished):
                self.finished = document

    @property
    def counts(self) -> Counts:
        return self.progress[-1].counts if self.progress else Counts()

    async def until(self, condition: Callable[[Counts], bool], what: str) -> None:
        try:
            await until(lambda: condition(self.counts), 40.0, what=what, interval_s=0.05)
        except AssertionError as exc:
            raise AssertionError(f"{exc}; the agent counts {self.counts}") from None

    async def stop(self, drain_s: float = 20.0) -> Finished:
        await self.say(Stop(drain_s=drain_s))
        await until(lambda: self.finished is not None, drain_s + 20.0, what="the last word")
        self.hang_up()
        assert self.finished is not None
        return self.finished

    def latency(self, kind: str) -> Percentiles:
        """Return all that was measured of one kind."""
        return percentiles(merged(getattr(one.histograms, kind) for one in self.progress))

    def hang_up(self) -> None:
        self._writer.close()


class Coordinator:
    """Takes agents in as they come."""

    def __init__(self) -> None:
        self._agents: asyncio.Queue[Agent] = asyncio.Queue()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._came, "127.0.0.1", 0, limit=_LINE_BYTES_MAX)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._agents.put(Agent(reader, writer))

    async def next(self) -> Agent:
        async with asyncio.timeout(40.0):
            return await self._agents.get()


@contextlib.asynccontextmanager
async def agent_process(port: int, secret: str = SECRET, **settings: Any) -> AsyncIterator[Process]:
    """Run an agent; settings are of its environment."""
    process = Process(
        [sys.executable, "-c", _PROGRAM, "127.0.0.1", str(port), secret],
        settings,
        logs.new_directory() / "agent.log",
    )
    process.spawn()
    try:
        yield process
    finally:
        await process.kill()


@contextlib.asynccontextmanager
async def one_agent(
    scenario: Scenario, url: str, *, ahead_ns: int = 0, **target: Any
) -> AsyncIterator[Agent]:
    """Run one agent that is ready for a scenario and reports in the background."""
    async with Coordinator() as coordinator, agent_process(coordinator.port) as process:
        agent = await coordinator.next()
        assert await agent.admit() is not None
        agent.ahead_ns = ahead_ns
        ready = await agent.assign(scenario, Target(url=url, **target))
        assert ready.refusal is None
        listening = asyncio.create_task(agent.listen())
        try:
            yield agent
            await process.wait_ended(30.0)
            assert process.exit_code == 0, process.log()
        finally:
            listening.cancel()
            agent.hang_up()

"""Before the test: agents join, clocks are measured, each agent gets its share and makes a plan."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable

from loadtest.control import Assignment
from loadtest.coordinator.link import AgentLink, LinkError
from loadtest.coordinator.local import LocalAgents
from loadtest.coordinator.plan import CannotRunError, Plan
from loadtest.coordinator.server import JoinServer
from loadtest.coordinator.sharing import ShareError, shares

_LOOK_S = 0.2
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where we reach ourselves


class Gathering:
    """The way to a test that can begin.

    Args:
        plan: what the test is.
        server: where agents join.
        local: the agents that we start.
        check: raises when the test is not to begin any more.
    """

    def __init__(
        self, plan: Plan, server: JoinServer, local: LocalAgents, check: Callable[[], None]
    ) -> None:
        self._plan = plan
        self._server = server
        self._local = local
        self._check = check

    async def join(self) -> None:
        """Listen, start local agents, wait for all.

        Raises:
            CannotRunError: not all of them came.
        """
        plan = self._plan
        try:
            host, port = await self._server.start(*plan.listen)
            reach = (_EVERY_ADDRESS.get(host, host), port)
            await self._local.start(plan.local_agents, reach, plan.secret)
        except OSError as exc:
            raise CannotRunError(f"Agents cannot join: {exc}.") from None
        deadline_s = time.monotonic() + plan.join_timeout_s
        while len(self._server.links) < plan.agents:
            self._check()
            if dead := self._local.dead():
                raise CannotRunError(dead)
            if time.monotonic() > deadline_s:
                raise CannotRunError(
                    f"{len(self._server.links)} of {plan.agents} agents joined in "
                    f"{plan.join_timeout_s:g} s ({self._server.refused} were refused)."
                )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._server.changed.wait()
            self._server.changed.clear()

    async def assign(self, boot_id: str) -> None:
        """Measure the clocks, hand out the shares, wait until every agent has made its plan.

        Raises:
            CannotRunError: an agent refuses, or they cannot hold so many clients.
        """
        links, count = self._server.links, self._plan.scenario.connections.count
        try:
            parts = shares(count, [link.hello.descriptors for link in links])
        except ShareError as exc:
            raise CannotRunError(str(exc)) from None
        await self._with_all(link.set_clock(boot_id) for link in links)
        first = 0
        for link, clients in zip(links, parts, strict=True):
            link.clients = clients
            await link.say(self._assignment(link, first))
            first += clients
        await self._with_all(_until_ready(link) for link in links)

    def _assignment(self, link: AgentLink, first: int) -> Assignment:
        return Assignment(
            scenario=self._plan.scenario,
            target=self._plan.target,
            agents=len(self._server.links),
            first_client=first,
            clients=link.clients,
            seed=self._plan.seed,
            clock_offset_ns=link.offset.offset_ns,
            clock_error_ns=link.offset.error_ns,
        )

    async def _with_all(self, steps: Iterable[Awaitable[None]]) -> None:
        """Do something with all agents at a time, and look for trouble meanwhile."""
        doing = asyncio.gather(*steps)
        deadline_s = time.monotonic() + self._plan.join_timeout_s
        try:
            while not doing.done():
                self._check()
                if time.monotonic() > deadline_s:
                    raise CannotRunError("Not every agent made its plan in time.")
                await asyncio.wait([doing], timeout=_LOOK_S)
            await doing
        except LinkError as exc:
            raise CannotRunError(f"An agent {exc}.") from None
        finally:
            doing.cancel()
            await asyncio.gather(doing, return_exceptions=True)


async def _until_ready(link: AgentLink) -> None:
    ready = await link.ready
    if ready.refusal:
        raise CannotRunError(f"{link} refuses: {ready.refusal}")

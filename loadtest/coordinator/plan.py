"""What a coordinator is to do, and what came of it."""

from pathlib import Path

from msgspec import Struct, field

from loadtest.control import Counts, Target
from loadtest.results import AgentFacts, CanaryFacts, Percentiles, Second
from loadtest.scenario import Scenario


class CannotRunError(Exception):
    """The test did not begin; the text says why."""


class InterruptedEarlyError(Exception):
    """Somebody pressed Ctrl-C before the test began."""


class Plan(Struct, frozen=True, kw_only=True):
    """One test.

    Args:
        scenario: what the clients do.
        target: where.
        seed: who is in which room and sends when follows from it.
        secret: what agents have to know to join.
        local_agents: started by us.
        remote_agents: waited for.
        listen: where agents join; port 0 means any.
        join_timeout_s: longest wait for all of them, and for their plans.
        log_dir: for the logs of local agents.
    """

    scenario: Scenario
    target: Target
    seed: int
    secret: str
    local_agents: int
    remote_agents: int = 0
    listen: tuple[str, int] = ("127.0.0.1", 0)
    join_timeout_s: float = 60.0
    log_dir: Path

    @property
    def agents(self) -> int:
        """How many agents there are in all."""
        return self.local_agents + self.remote_agents


class Stage(Struct, kw_only=True):
    """Where the test is, for whoever watches."""

    name: str = "joining"  # joining, connect, warm_up, hold, drain
    began_ns: int = 0
    lasts_s: float = 0.0  # as planned


class Outcome(Struct, frozen=True, kw_only=True):
    """What the agents found, before anybody judges it."""

    started_at: str
    duration_s: float
    ended_by: str
    hold_s: float
    totals: Counts
    latency: dict[str, Percentiles]
    timeline: list[Second]
    agents: list[AgentFacts]
    agents_cpu_share: dict[int, float]  # of a core, while holding
    agents_missing: int
    canaries: CanaryFacts | None = None
    notes: list[str] = field(default_factory=list)  # what went wrong with agents

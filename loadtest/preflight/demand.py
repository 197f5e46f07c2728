"""What a load test asks of a machine: descriptors, ports, sockets, bytes.

The figures are measured on Linux 6.18 with Python 3.11 (docs/scaling.md says how); they are for
idle connections. Traffic needs more, which is what the margin is for.
"""

import math
from typing import Literal

from msgspec import Struct

Side = Literal["both", "target", "agent"]

#: Kernel memory of an idle TCP socket, and of a connection whose two ends are on this machine.
SOCKET_BYTES = 4_180
LOOPBACK_PAIR_BYTES = 8_350
#: A worker holds an idle, authenticated connection in a room for this much, measured 2.3 KiB.
WORKER_CONNECTION_BYTES = 2_400
WORKER_BASE_BYTES = 32_000_000  # Private_Dirty of a worker without connections
#: An allowance for an agent, not a measurement.
AGENT_CONNECTION_BYTES = 1_500
AGENT_BASE_BYTES = 30_000_000
#: What a worker keeps back for Redis, its ports and refusals; equal to chat.gateway.gateway's.
WORKER_RESERVED_DESCRIPTORS = 400
AGENT_RESERVED_DESCRIPTORS = 50
#: Redis, HAProxy, shells and the kernel want to live too.
SYSTEM_BYTES = 500_000_000


class Demand(Struct, frozen=True, kw_only=True):
    """The part of a load test that this machine carries.

    Args:
        connections: all of them, or this machine's where several share the test.
        workers: worker processes that share them.
        agents: agent processes that share them.
        side: what runs on this machine.
        source_addresses: addresses the agents of this machine connect from.
        listeners: pairs of address and port they connect to; one behind a load balancer.
    """

    connections: int
    workers: int = 1
    agents: int = 1
    side: Side = "both"
    source_addresses: int = 1
    listeners: int = 1

    @property
    def has_target(self) -> bool:
        """Whether workers run on this machine."""
        return self.side != "agent"

    @property
    def has_agents(self) -> bool:
        """Whether agents run on this machine."""
        return self.side != "target"

    @property
    def processes(self) -> int:
        """Processes that the test starts here."""
        return self.workers * self.has_target + self.agents * self.has_agents

    @property
    def sockets(self) -> int:
        """Sockets on this machine at full load."""
        return self.connections * (2 if self.side == "both" else 1)

    @property
    def descriptors_per_worker(self) -> int:
        """Descriptors of the fullest worker, if they share evenly."""
        return math.ceil(self.connections / self.workers) + WORKER_RESERVED_DESCRIPTORS

    @property
    def descriptors_per_agent(self) -> int:
        """Descriptors of the fullest agent."""
        return math.ceil(self.connections / self.agents) + AGENT_RESERVED_DESCRIPTORS

    @property
    def kernel_bytes(self) -> int:
        """Kernel memory of all sockets while idle."""
        each = LOOPBACK_PAIR_BYTES if self.side == "both" else SOCKET_BYTES
        return self.connections * each

    @property
    def worker_bytes(self) -> int:
        """Memory of all workers here."""
        if not self.has_target:
            return 0
        return self.connections * WORKER_CONNECTION_BYTES + self.workers * WORKER_BASE_BYTES

    @property
    def agent_bytes(self) -> int:
        """Memory of all agents here."""
        if not self.has_agents:
            return 0
        return self.connections * AGENT_CONNECTION_BYTES + self.agents * AGENT_BASE_BYTES

    @property
    def memory_bytes(self) -> int:
        """All of it."""
        return self.kernel_bytes + self.worker_bytes + self.agent_bytes + SYSTEM_BYTES

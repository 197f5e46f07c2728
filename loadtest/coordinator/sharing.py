"""Who holds how many of the clients, and how many agents that takes. Pure."""

import math
from collections.abc import Sequence

#: Descriptors an agent needs besides its connections: files, sockets of its own, a margin.
RESERVED = 256


class ShareError(Exception):
    """The agents cannot hold so many clients; the text says how many they can."""


def local_agents(clients: int, cores: int, descriptors: int) -> int:
    """Return how many agents to start on this machine.

    One per core, because an agent is one thread; more where descriptors per process are few; and
    never more than clients.
    """
    for_descriptors = math.ceil(clients / max(1, descriptors - RESERVED))
    return max(1, min(clients, max(cores, for_descriptors)))


def shares(clients: int, descriptors: Sequence[int]) -> list[int]:
    """Divide the clients as evenly as the agents' descriptor limits allow.

    Args:
        clients: how many in all.
        descriptors: limit of each agent, in the order of the answer.

    Raises:
        ShareError: they have too few descriptors together.
    """
    room = [max(0, limit - RESERVED) for limit in descriptors]
    if clients > sum(room):
        raise ShareError(
            f"{len(room)} agents have descriptors for {sum(room)} connections, not for {clients}: "
            f"use more agents, or raise their limit (ulimit -Hn)."
        )
    given = [0] * len(room)
    left = clients
    # The smallest first: what it cannot take is shared among those that still have room.
    for done, agent in enumerate(sorted(range(len(room)), key=room.__getitem__)):
        given[agent] = min(room[agent], left // (len(room) - done))
        left -= given[agent]
    return given


def loopback_sources(clients: int, ramp_per_s: float) -> tuple[str, ...]:
    """Return addresses of 127.0.0.0/8 to connect from when the target is on this machine.

    One address has some 28,000 ports towards one server, and a worker admits 20 connections a
    second from one address by default. Many addresses behave like the many people they stand for.
    """
    wanted = max(math.ceil(clients / _CLIENTS_PER_SOURCE), math.ceil(ramp_per_s / _RATE_PER_SOURCE))
    return tuple(f"127.10.{n // 250}.{n % 250 + 1}" for n in range(min(wanted, _MOST_SOURCES)))


_CLIENTS_PER_SOURCE = 50
_RATE_PER_SOURCE = 10.0
_MOST_SOURCES = 1000

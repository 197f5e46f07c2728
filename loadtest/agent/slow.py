"""Clients that read too little: some bytes a second, in small portions, or none at all."""

from loadtest.agent.client import IN
from loadtest.agent.schedule import NEVER_NS, SECOND_NS
from loadtest.agent.share import Share
from loadtest.agent.swarm import Swarm

_PORTIONS_PER_S = 4


class SlowReading:
    """Reads for the slow readers, a portion at a time."""

    def __init__(self, share: Share, swarm: Swarm) -> None:
        self._share = share
        self._swarm = swarm
        self._clients = [client for client in share.clients if client.slow]
        slow = share.scenario.slow
        rate = slow.bytes_per_s if slow else 0
        self._portion = -(-rate // _PORTIONS_PER_S)
        self._next_ns = 0 if self._portion and self._clients else NEVER_NS

    def step(self, now_ns: int) -> None:
        """Read a portion if it is time to."""
        if now_ns < self._next_ns:
            return
        self._next_ns = now_ns + SECOND_NS // _PORTIONS_PER_S
        for client in self._clients:
            if client.state == IN:
                self._swarm.read_some(client, self._portion)

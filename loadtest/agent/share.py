"""One agent's share of a test: what all its parts have in common."""

import random
import time
from collections import Counter

from loadtest.agent.client import Client, Room
from loadtest.agent.plan import Plan, slow_readers
from loadtest.agent.schedule import SECOND_NS, Phases
from loadtest.agent.timers import Timers
from loadtest.control import Assignment, Counts
from loadtest.latency import Latencies

#: How long a client that came in may take to be told all that it missed.
CATCH_UP_NS = 2 * SECOND_NS


class Share:
    """The clients, their rooms, and what is counted of them.

    Args:
        assignment: which clients, and of which scenario.
    """

    def __init__(self, assignment: Assignment) -> None:
        self.scenario = assignment.scenario
        self.first_client = assignment.first_client
        self.plan = Plan(assignment.scenario, assignment.seed)
        self.chance = random.Random(f"{assignment.seed}/{self.first_client}")  # noqa: S311
        self.offset_ns = assignment.clock_offset_ns
        self.part = assignment.clients / assignment.scenario.connections.count
        self.counts = Counts()
        self.errors: Counter[str] = Counter()
        self.closes: Counter[str] = Counter()
        self.latencies = Latencies()
        self.timers = Timers()
        self.phases = Phases()
        #: While it lasts the latencies of its messages are recorded, for a view of it.
        self.is_warm_up = True
        slow = assignment.scenario.slow
        readers = (
            slow_readers(self.first_client, assignment.clients, slow.share, assignment.seed)
            if slow
            else set()
        )
        rooms: dict[int, Room] = {}
        self.clients: list[Client] = []
        for number in range(self.first_client, self.first_client + assignment.clients):
            room = self.plan.room_of(number)
            if room not in rooms:
                rooms[room] = Room(room, self.plan.room_id(room))
            self.clients.append(Client(number, rooms[room], slow=number in readers))

    def now_ns(self) -> int:
        """Return the time on the coordinator's clock."""
        return time.monotonic_ns() + self.offset_ns

    def token_owner(self, client: Client) -> str:
        """Return a client's user id."""
        return self.plan.user_id(client.number)

    def heads(self) -> dict[str, tuple[int, int, int]]:
        """Return how far each room got, as `Finished` has it.

        A room that another agent has members of too is told always: that nothing was said in it is
        news if something was said in it there. Slow readers, who is away and who has just come
        back, with what it missed still on its way, are nobody's loss yet.
        """
        back_by_ns = self.now_ns() - CATCH_UP_NS
        lowest: dict[Room, tuple[int, int]] = {}
        for client in self.clients:
            room = client.room
            if room.active or self._shared(room):
                low, members = lowest.setdefault(room, (0, 0))
                if client.settled and client.since_ns <= back_by_ns:
                    lowest[room] = (min(low, client.seq) if members else client.seq, members + 1)
        return {
            room.room_id: (room.head.acked, low, members) for room, (low, members) in lowest.items()
        }

    def _shared(self, room: Room) -> bool:
        members = self.plan.members_of(room.number)
        end = self.first_client + len(self.clients)
        return members.start < self.first_client or members.stop > end

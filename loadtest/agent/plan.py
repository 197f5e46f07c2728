"""Who is who and in which room: it follows from the scenario and the seed, on every agent alike.

Pure. Rooms are runs of client numbers. Agents hold runs of clients too, so most rooms are whole
on one agent, which keeps its memory small and measures their latency on one clock.
"""

import random
from array import array
from bisect import bisect_right
from itertools import accumulate

from loadtest.scenario import Rooms, Scenario


class Plan:
    """Clients and rooms by number, from 0.

    Args:
        scenario: its number of clients and its rooms.
        seed: equal on all agents.
    """

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self._rooms = scenario.rooms
        self._clients = scenario.connections.count
        #: First client of each room, and behind the last room the number of clients.
        self._starts = array("I", _starts(scenario.rooms, self._clients, seed))

    @property
    def rooms(self) -> int:
        """Number of rooms."""
        return len(self._starts) - 1

    def room_of(self, client: int) -> int:
        """Return the number of the client's room."""
        return bisect_right(self._starts, client) - 1

    def members_of(self, room: int) -> range:
        """Return the clients in a room."""
        return range(self._starts[room], self._starts[room + 1])

    def room_id(self, room: int) -> str:
        """Return the id of a room on the wire."""
        return f"{self._rooms.prefix}-{room}"

    def user_id(self, client: int) -> str:
        """Return the user id of a client; each client is a user of its own."""
        return f"{self._rooms.prefix}-u{client}"


def slow_readers(first: int, clients: int, share: float, seed: int) -> set[int]:
    """Return which of an agent's clients read too little: every one with an equal chance."""
    chance = random.Random(f"{seed}/{first}/slow")  # noqa: S311
    return {client for client in range(first, first + clients) if chance.random() < share}


def _starts(rooms: Rooms, clients: int, seed: int) -> list[int]:
    if rooms.shape == "one":
        return [0, clients]
    if rooms.shape == "fixed":
        return [*range(0, clients, rooms.size), clients]
    sizes = _power_law(rooms, clients, random.Random(f"{seed}/rooms"))  # noqa: S311
    starts = [0]
    while starts[-1] < clients:
        starts.append(min(clients, starts[-1] + sizes.pop()))
    return starts


def _power_law(rooms: Rooms, clients: int, chance: random.Random) -> list[int]:
    """Return more than enough room sizes, each `k` with a probability in proportion to k^-exponent.

    Half of the clients is enough: no room is smaller than 2.
    """
    sizes = range(2, max(2, rooms.largest) + 1)
    weights = list(accumulate(size**-rooms.exponent for size in sizes))
    return chance.choices(sizes, cum_weights=weights, k=clients // 2 + 1)

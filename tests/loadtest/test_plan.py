"""The plan: every agent knows who is where, and all of them know the same."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.agent.plan import Plan, slow_readers
from loadtest.scenario import Connections, Rooms, Scenario

SHAPES = st.sampled_from(("fixed", "one", "heavy_tail"))


def plan(clients: int, seed: int = 1, **rooms: Any) -> Plan:
    scenario = Scenario(
        title="a test", connections=Connections(count=clients), rooms=Rooms(**rooms)
    )
    return Plan(scenario, seed)


@settings(deadline=None)
@given(SHAPES, st.integers(1, 3000), st.integers(1, 60), st.integers(1, 500), st.integers())
def test_every_client_is_in_one_room_and_no_room_is_empty(
    shape: str, clients: int, size: int, largest: int, seed: int
) -> None:
    planned = plan(clients, seed, shape=shape, size=size, largest=largest)
    members = [client for room in range(planned.rooms) for client in planned.members_of(room)]
    assert members == list(range(clients))
    for room in range(planned.rooms):
        assert planned.members_of(room)
        assert all(planned.room_of(client) == room for client in planned.members_of(room))


@settings(deadline=None)
@given(st.integers(1, 2000), st.integers())
def test_agents_with_one_seed_make_one_plan(clients: int, seed: int) -> None:
    first, second = (plan(clients, seed, shape="heavy_tail") for _ in range(2))
    assert [first.room_of(client) for client in range(clients)] == [
        second.room_of(client) for client in range(clients)
    ]


def test_fixed_rooms_are_of_the_size_asked_for() -> None:
    planned = plan(25, size=10)
    assert [len(planned.members_of(room)) for room in range(planned.rooms)] == [10, 10, 5]


def test_one_room_holds_everybody() -> None:
    planned = plan(25, shape="one")
    assert (planned.rooms, planned.room_of(24)) == (1, 0)


def test_a_heavy_tail_has_many_small_rooms_and_few_large_ones() -> None:
    planned = plan(50_000, shape="heavy_tail", largest=1000, exponent=2.2)
    sizes = sorted(len(planned.members_of(room)) for room in range(planned.rooms))
    assert sizes[len(sizes) // 2] <= 3
    assert 200 < sizes[-1] <= 1000
    assert sum(size >= 100 for size in sizes) < len(sizes) // 50


def test_names_are_those_of_the_prefix() -> None:
    planned = plan(25, prefix="mine")
    assert planned.room_id(3) == "mine-3"
    assert planned.user_id(7) == "mine-u7"


def test_slow_readers_are_about_as_many_as_asked_for_and_the_same_each_time() -> None:
    readers = slow_readers(1000, 10_000, 0.1, seed=3)
    assert readers == slow_readers(1000, 10_000, 0.1, seed=3)
    assert 800 < len(readers) < 1200
    assert min(readers) >= 1000
    assert max(readers) < 11_000

"""Who holds how many clients."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.coordinator.sharing import (
    RESERVED,
    ShareError,
    local_agents,
    loopback_sources,
    shares,
)


@settings(deadline=None)
@given(
    descriptors=st.lists(st.integers(RESERVED, 100_000), min_size=1, max_size=40), data=st.data()
)
def test_every_client_has_an_agent_that_has_a_descriptor_for_it(
    descriptors: list[int], data: st.DataObject
) -> None:
    room = [limit - RESERVED for limit in descriptors]
    clients = data.draw(st.integers(0, sum(room)))

    given = shares(clients, descriptors)

    assert sum(given) == clients
    assert all(share <= most for share, most in zip(given, room, strict=True))


def test_equal_agents_get_equal_shares() -> None:
    assert shares(1000, [20_000] * 4) == [250] * 4
    assert sorted(shares(1001, [20_000] * 4)) == [250, 250, 250, 251]


def test_too_few_descriptors_are_said_in_a_sentence() -> None:
    with pytest.raises(ShareError, match="2 agents have descriptors for 200 connections"):
        shares(201, [RESERVED + 100] * 2)


@pytest.mark.parametrize(
    ("clients", "cores", "descriptors", "agents"),
    [
        (1, 8, 20_000, 1),
        (1000, 2, 20_000, 2),
        (1_000_000, 8, 20_000, 51),
        (1_000_000, 8, 1_048_576, 8),
        (1_000_000, 1, 1_048_576, 1),
    ],
)
def test_there_is_an_agent_per_core_and_more_where_descriptors_are_few(
    clients: int, cores: int, descriptors: int, agents: int
) -> None:
    assert local_agents(clients, cores, descriptors) == agents


def test_loopback_sources_are_loopback_addresses_each_once() -> None:
    sources = loopback_sources(1_000_000, 4000)

    assert len(set(sources)) == len(sources) == 1000
    assert all(source.startswith("127.") for source in sources)
    assert len(loopback_sources(10, 1)) == 1

"""From the registry to the addresses that a HAProxy can use."""

import pytest

from chat.front.registered import reachable
from tests.support.nodes import node


def test_a_restarted_worker_is_where_it_was() -> None:
    old = node(worker_id="a", pid=1, state="draining", started_at_ms=1)
    new = node(worker_id="b", pid=2, state="starting", started_at_ms=2, version="2")
    assert reachable([old], "x") == reachable([new], "x") == reachable([old, new], "x")


def test_the_order_is_that_of_the_alphabet() -> None:
    nodes = [node(address=f"10.0.0.{n}:8080") for n in (3, 1, 2)]
    assert reachable(nodes, "x") == ["10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8080"]


def test_workers_that_share_a_port_are_one() -> None:
    assert reachable([node(slot=0), node(slot=1)], "x") == ["10.0.0.5:8080"]


@pytest.mark.parametrize(
    "address",
    ["unix:/run/chat/worker-0.sock", "abns:chat-0", "127.0.0.1:8080", "[::1]:8080"],
)
def test_what_only_its_own_host_can_reach_is_listed_there_only(address: str) -> None:
    local = node(address=address, host="alpha")
    assert reachable([local], "alpha") == [address]
    assert reachable([local], "beta") == []


@pytest.mark.parametrize(
    "address", ["10.0.0.5:80 weight 256\nserver evil", "10.0.0.5", "", "unix:/a b", "$(id):80"]
)
@pytest.mark.parametrize("host", ["alpha", "beta"])
def test_what_is_no_address_is_left_out(address: str, host: str) -> None:
    assert reachable([node(address=address, host="alpha"), node()], host) == ["10.0.0.5:8080"]

"""The table of `chat nodes`."""

from chat.nodes.table import table
from tests.support.nodes import node


def test_the_table_says_who_does_what_and_adds_up() -> None:
    nodes = [
        node(connections=12345, rooms=20),
        node(slot=1, worker_id="b2", state="not_ready", reasons=["Redis is away"]),
        node(host="beta", worker_id="c3", state="draining", connections=1, started_at_ms=60_000),
    ]
    head, first, second, third, why, empty, sums = table(nodes, 7_200_000).splitlines()
    assert head.split()[:4] == ["HOST", "SLOT", "STATE", "CONNECTIONS"]
    assert first.split()[:7] == ["alpha", "0", "ready", "12,345", "20", "2", "h"]
    assert "not ready" in second
    assert third.split()[2] == "draining"
    assert why == "alpha slot 1: Redis is away"
    assert (empty, sums) == ("", "3 workers on 2 hosts, 1 ready, 12,346 connections")


def test_nobody_is_a_sentence() -> None:
    assert table([], 0) == "No worker is registered."


def test_a_terminal_is_given_no_orders() -> None:
    assert "\033" not in table([node(host="\033[2Jx", reasons=["\033[H"])], 0)

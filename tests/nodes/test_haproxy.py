"""Server lines that several HAProxies can rely on."""

import os
import random
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.nodes.haproxy import ID_MAX, page, replace, servers
from tests.nodes.some import node

addresses = st.lists(
    st.builds(
        lambda host, port: f"10.0.{host % 256}.{host // 256}:{port}",
        st.integers(0, 65535),
        st.integers(1, 65535),
    ),
    min_size=1,
    max_size=64,
)


@given(addresses, st.randoms(use_true_random=False))
def test_whoever_sees_the_same_workers_writes_the_same_lines(
    found: list[str], dice: random.Random
) -> None:
    nodes = [node(address=address) for address in found]
    shuffled = list(nodes)
    dice.shuffle(shuffled)
    lines = servers(nodes, "one")
    assert page(lines) == page(servers(shuffled, "another"))
    assert len({line.number for line in lines}) == len({line.name for line in lines})
    assert {line.address for line in lines} == set(found)
    assert all(0 < line.number <= ID_MAX for line in lines)


def test_a_restarted_worker_has_the_line_it_had() -> None:
    old = node(worker_id="a", pid=1, state="draining", started_at_ms=1)
    new = node(worker_id="b", pid=2, state="starting", started_at_ms=2, version="2")
    assert servers([old], "x") == servers([new], "x") == servers([old, new], "x")


def test_a_worker_that_comes_does_not_change_the_lines_of_the_others() -> None:
    few = [node(address=f"10.0.0.{n}:8080") for n in range(1, 9)]
    before = servers(few, "x")
    after = servers([*few, node(address="10.0.0.99:8080")], "x")
    assert set(before) < set(after)


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("unix:/run/chat/worker-0.sock", "unix@/run/chat/worker-0.sock"),
        ("abns:chat-0", "abns@chat-0"),
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        ("[::1]:8080", "[::1]:8080"),
    ],
)
def test_what_only_its_own_host_can_reach_is_listed_there_only(address: str, written: str) -> None:
    local = node(address=address, host="alpha")
    assert [server.address for server in servers([local], "alpha")] == [written]
    assert servers([local], "beta") == []


@pytest.mark.parametrize(
    "address",
    ["10.0.0.5:80 weight 256\nserver evil", "10.0.0.5", "x y:80", "", "unix:/a b", "$(id):80"],
)
def test_nothing_but_an_address_gets_into_the_configuration(address: str) -> None:
    assert servers([node(address=address)], "alpha") == []


def test_the_page_can_be_a_whole_section() -> None:
    [server] = servers([node()], "x")
    assert page([server], "backend chat_worker from chat_worker").splitlines()[1:] == [
        "backend chat_worker from chat_worker",
        f"    server 10.0.0.5:8080 10.0.0.5:8080 id {server.number} check",
    ]


@pytest.mark.skipif(shutil.which("haproxy") is None, reason="needs HAProxy")
def test_haproxy_reads_the_page(tmp_path: Path) -> None:
    addresses = ["10.0.0.5:8080", "[2001:db8::1]:8080", "unix:/run/chat/0.sock", "abns:chat-0"]
    found = servers([node(address=address) for address in addresses], "alpha")
    base, workers = tmp_path / "haproxy.cfg", tmp_path / "workers.cfg"
    base.write_text(
        "defaults chat_worker\n"
        " mode http\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n"
        " balance hash path\n hash-type consistent\n option httpchk GET /readyz\n"
        "frontend clients from chat_worker\n bind 127.0.0.1:8080\n default_backend chat_worker\n"
    )
    replace(workers, page(found, "backend chat_worker from chat_worker"))
    said = subprocess.run(
        ["haproxy", "-c", "-f", str(base), "-f", str(workers)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    assert "duplicate" not in said.stderr


def test_a_file_is_replaced_in_one_step_and_only_when_it_differs(tmp_path: Path) -> None:
    path = tmp_path / "workers.cfg"
    assert replace(path, "one\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    path.chmod(0o640)
    first = path.stat().st_ino
    assert not replace(path, "one\n")
    assert path.stat().st_ino == first
    with path.open() as reading:
        assert replace(path, "two\n")
        assert reading.read() == "one\n", "who has it open reads the old one to its end"
    assert path.read_text() == "two\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["workers.cfg"]

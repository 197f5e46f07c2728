"""Preflight: what a machine must be changed for, said before the test and not by its failure."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from chat.gateway.gateway import RESERVED_DESCRIPTORS
from chat.settings import Settings
from loadtest.preflight import Demand, Finding, Readings, Severity, check, read
from loadtest.preflight.cli import OpsError, main, workers_at
from loadtest.preflight.demand import WORKER_RESERVED_DESCRIPTORS
from loadtest.preflight.findings import blocks, text
from loadtest.preflight.readings import UNLIMITED
from loadtest.preflight.rules import LISTEN_BACKLOG

#: A machine with room for a million connections.
AMPLE = Readings(
    descriptors_soft=1_048_576,
    descriptors_hard=1_048_576,
    nr_open=2_000_000,
    file_max=4_000_000,
    files_in_use=2_000,
    port_low=1024,
    port_high=65535,
    somaxconn=65_535,
    syn_backlog=65_535,
    syncookies=1,
    tcp_memory_pressure_pages=1_000_000,
    tcp_memory_high_pages=2_000_000,
    memory_available_bytes=64_000_000_000,
    pid_max=4_194_304,
    processes=200,
    overcommit=1,
    max_map_count=262_144,
    cores=64,
)
MILLION = Demand(connections=1_000_000, workers=16, agents=16, source_addresses=64)


def found(findings: list[Finding], name: str) -> Finding:
    [finding] = [finding for finding in findings if finding.name.startswith(name)]
    return finding


def test_a_machine_with_room_for_all_has_nothing_to_fix() -> None:
    findings = check(MILLION, AMPLE)
    assert {finding.severity for finding in findings} == {"ok"}
    assert not any(finding.fix for finding in findings)


@pytest.mark.parametrize(
    ("changed", "name", "severity", "fix"),
    [
        ({"descriptors_hard": 20_000}, "RLIMIT_NOFILE hard, per worker", "blocker", "52 workers"),
        ({"descriptors_hard": 20_000}, "RLIMIT_NOFILE hard, per agent", "blocker", "51 agents"),
        ({"descriptors_soft": 1024}, "RLIMIT_NOFILE soft", "note", "Nothing to do"),
        ({"nr_open": 50_000}, "fs.nr_open", "blocker", "fs.nr_open=62900"),
        ({"file_max": 1_000_000}, "fs.file-max", "blocker", "fs.file-max=2012000"),
        ({"port_low": 32768, "port_high": 60999}, "net.ipv4.ip_local", "ok", ""),
        ({"somaxconn": 128}, "net.core.somaxconn", "warning", "somaxconn=4096"),
        ({"syn_backlog": 128, "syncookies": 0}, "net.ipv4.tcp_max_syn", "warning", "=4096"),
        (
            {"tcp_memory_pressure_pages": 1000},
            "net.ipv4.tcp_mem",
            "warning",
            "150000 200000 300000",
        ),
        ({"conntrack_max": 262_144, "conntrack_count": 9}, "nf_conntrack", "blocker", "=1000009"),
        ({"conntrack_max": 262_144, "conntrack_count": 0}, "nf_conntrack", "note", "NOTRACK"),
        ({"conntrack_max": 2_000_000, "conntrack_count": 9}, "nf_conntrack", "ok", ""),
        ({"memory_available_bytes": 8 * 10**9}, "MemAvailable", "blocker", "8.35 GB kernel"),
        ({"memory_available_bytes": 15 * 10**9}, "MemAvailable", "warning", "1.2 times"),
        ({"container_left_bytes": 2 * 10**9}, "memory limit of the container", "blocker", "GB"),
        ({"pid_max": 300}, "kernel.pid_max", "blocker", "kernel.pid_max="),
        ({"overcommit": 0}, "vm.overcommit_memory", "note", "overcommit_memory=1"),
        ({"overcommit": 2, "commit_left_bytes": 10**9}, "CommitLimit", "blocker", "overcommit"),
        ({"max_map_count": 500}, "vm.max_map_count", "warning", "vm.max_map_count="),
        ({"cores": 2}, "cores", "note", "shared"),
    ],
)
def test_each_limit_says_what_to_change(
    changed: dict[str, int], name: str, severity: Severity, fix: str
) -> None:
    finding = found(check(MILLION, structs.replace(AMPLE, **changed)), name)
    assert finding.severity == severity
    assert fix in finding.fix


def test_too_few_ports_ask_for_source_addresses() -> None:
    demand = Demand(connections=1_000_000, workers=16, agents=16)
    ports = found(check(demand, AMPLE), "net.ipv4.ip_local_port_range")
    assert ports.severity == "blocker"
    assert "18 source addresses" in ports.fix
    assert "sysctl" not in ports.fix  # the range is as wide as it gets
    narrow = structs.replace(AMPLE, port_low=32768, port_high=60999)
    ports = found(check(demand, narrow), "net.ipv4.ip_local_port_range")
    assert 'ip_local_port_range="1024 65535"' in ports.fix


def test_more_listeners_need_fewer_source_addresses() -> None:
    demand = Demand(connections=1_000_000, workers=54, agents=54, listeners=54)
    assert found(check(demand, AMPLE), "net.ipv4.ip_local_port_range").severity == "ok"


def test_only_the_side_that_runs_here_is_judged() -> None:
    target = [f.name for f in check(structs.replace(MILLION, side="target"), AMPLE)]
    agent = [f.name for f in check(structs.replace(MILLION, side="agent"), AMPLE)]
    assert "RLIMIT_NOFILE hard, per agent" not in target
    assert not any("port_range" in name for name in target)
    assert "RLIMIT_NOFILE hard, per worker" not in agent
    assert "net.core.somaxconn" not in agent


def test_what_cannot_be_read_is_a_note_not_a_guess() -> None:
    findings = check(MILLION, Readings())
    assert findings
    assert not blocks(findings)
    assert all(finding.have == "not readable" for finding in findings)


def test_no_limit_is_always_enough() -> None:
    unlimited = structs.replace(AMPLE, descriptors_hard=UNLIMITED)
    hard = found(check(MILLION, unlimited), "RLIMIT_NOFILE hard, per worker")
    assert (hard.severity, hard.have) == ("ok", "unlimited")


@given(
    connections=st.integers(1, 5_000_000),
    hard=st.integers(1024, 1_048_576),
    source_addresses=st.integers(1, 100),
)
def test_a_demand_changed_as_told_is_not_blocked_again(
    connections: int, hard: int, source_addresses: int
) -> None:
    """Following the fixes for descriptors and ports leads to a test that they do not block."""
    readings = structs.replace(AMPLE, descriptors_hard=hard, descriptors_soft=hard)
    workers = -(-connections // (hard - WORKER_RESERVED_DESCRIPTORS))
    demand = Demand(
        connections=connections,
        workers=workers,
        agents=workers,
        source_addresses=max(source_addresses, -(-connections // 58_060)),
    )
    findings = check(demand, readings)
    assert found(findings, "RLIMIT_NOFILE hard, per worker").severity == "ok"
    assert found(findings, "RLIMIT_NOFILE hard, per agent").severity == "ok"
    assert found(findings, "net.ipv4.ip_local_port_range").severity == "ok"


def test_the_rules_know_what_the_worker_does() -> None:
    assert WORKER_RESERVED_DESCRIPTORS == RESERVED_DESCRIPTORS
    assert Settings().listen_backlog == LISTEN_BACKLOG


def test_the_table_ends_with_one_sentence() -> None:
    findings = check(MILLION, structs.replace(AMPLE, descriptors_hard=20_000, somaxconn=1))
    page = text(findings)
    assert "BLOCKS  RLIMIT_NOFILE hard, per worker" in page
    assert page.endswith("limits block it.")
    assert text(check(MILLION, AMPLE)).endswith("nothing is in the way.")


# ------------------------------------------------------------------- the reader


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def test_this_machine_can_be_read() -> None:
    readings = read()
    assert readings.descriptors_hard is not None
    assert readings.nr_open is not None
    assert readings.memory_available_bytes is not None


def test_the_reader_understands_the_files(tmp_path: Path) -> None:
    proc = write(
        tmp_path / "proc",
        {
            "sys/fs/file-nr": "5312\t0\t2466170\n",
            "sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
            "sys/net/ipv4/tcp_mem": "287898\t383867\t575796\n",
            "meminfo": "MemTotal:  24684084 kB\nMemAvailable:  1000 kB\nHugePages_Total:  0\n",
            "1/comm": "init\n",
        },
    )
    readings = read(proc, tmp_path / "none")
    assert readings.files_in_use == 5312
    assert (readings.port_low, readings.port_high) == (32768, 60999)
    assert readings.tcp_memory_pressure_pages == 383867
    assert readings.memory_available_bytes == 1_024_000
    assert readings.processes == 1
    assert readings.conntrack_max is None
    assert readings.container_left_bytes is None


@pytest.mark.parametrize(
    ("files", "left"),
    [
        ({"memory.max": "max\n", "memory.current": "5\n"}, None),
        ({"memory.max": "1000\n", "memory.current": "600\n"}, 400),
        (
            {
                "memory.max": "1000\n",
                "memory.current": "600\n",
                "memory.stat": "anon 1\ninactive_file 50\n",
            },
            450,
        ),
        (
            {
                "memory/memory.limit_in_bytes": "1000\n",
                "memory/memory.usage_in_bytes": "600\n",
                "memory/memory.stat": "total_inactive_file 100\n",
            },
            500,
        ),
        (
            {
                "memory/memory.limit_in_bytes": "9223372036854771712\n",
                "memory/memory.usage_in_bytes": "600\n",
            },
            None,
        ),
    ],
)
def test_the_limit_of_a_container_counts(
    tmp_path: Path, files: dict[str, str], left: int | None
) -> None:
    assert read(Path("/proc"), write(tmp_path, files)).container_left_bytes == left


# ------------------------------------------------------------------- the command


def test_a_test_that_fits_exits_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--connections", "100", "--agent-side"]) == 0
    assert "100 connections" in capsys.readouterr().out


def test_a_test_that_cannot_fit_exits_non_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--connections", "9,000,000,000"]) == 1
    assert "BLOCKS" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["--connections", "0"], ["--connections", "many"]])
def test_wrong_arguments_exit_with_two(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2


def serve_once(body: bytes) -> tuple[threading.Thread, str]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Page)

    def answer() -> None:
        with server:
            server.handle_request()

    thread = threading.Thread(target=answer)
    thread.start()
    return thread, f"http://127.0.0.1:{server.server_port}"


@pytest.mark.parametrize(
    ("body", "workers"),
    [(b"# HELP x\nchat_workers_ready 54\n", 54), (b"chat_workers_ready 2.0\n", 2), (b"", 1)],
)
def test_the_operations_port_tells_the_number_of_workers(body: bytes, workers: int) -> None:
    thread, url = serve_once(body)
    try:
        assert workers_at(url) == workers
    finally:
        thread.join()


def test_an_operations_port_without_ready_workers_is_refused() -> None:
    thread, url = serve_once(b"chat_workers_ready 0\n")
    try:
        with pytest.raises(OpsError, match="no worker is ready"):
            workers_at(url)
    finally:
        thread.join()


def test_an_operations_port_that_is_away_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        port = taken.getsockname()[1]
        assert main(["--connections", "10", "--ops", f"http://127.0.0.1:{port}"]) == 2
    assert "refused" in capsys.readouterr().err
    assert main(["--connections", "10", "--ops", "file:///etc/passwd"]) == 2

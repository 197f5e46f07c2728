"""The rules: readings and a demand in, findings out. Pure; one small function per limit."""

import math
from collections.abc import Callable, Iterator

from loadtest.preflight.demand import (
    AGENT_RESERVED_DESCRIPTORS,
    WORKER_RESERVED_DESCRIPTORS,
    Demand,
)
from loadtest.preflight.findings import Finding, Severity
from loadtest.preflight.readings import UNLIMITED, Readings

#: The queue that a worker asks for (CHAT_LISTEN_BACKLOG); the kernel cuts it at somaxconn.
LISTEN_BACKLOG = 4096
#: Ports of connections that closed lately are not free for a minute.
USABLE_PORTS = 0.9
#: Share of sockets that hold a page of unsent or unread data at a busy moment: a rule of thumb.
BUSY_SOCKETS = 0.1
MEMORY_MARGIN = 1.2
FILES_MARGIN = 10_000
PROCESSES_MARGIN = 200
PORTS_AT_MOST = "1024 65535"
#: CPython asks the kernel for its small objects' memory in pieces of this size.
ARENA_BYTES = 1 << 20
MAPS_MARGIN = 1_000


def check(demand: Demand, readings: Readings) -> list[Finding]:
    """Judge every limit that concerns the demand; what could not be read is a note."""
    return [finding for rule in RULES for finding in rule(demand, readings)]


def _finding(
    name: str,
    have: int | None,
    need: int,
    fix: str,
    *,
    severity: Severity = "blocker",
    show: Callable[[int], str] = lambda value: f"{value:,}",
) -> Finding:
    """Compare; the fix and the severity are for when it is not enough."""
    if have is None:
        return Finding(
            name=name,
            have="not readable",
            need=show(need),
            severity="note",
            fix=f"Find out; it must be {show(need)} or more.",
        )
    enough = have >= need
    return Finding(
        name=name,
        have="unlimited" if have >= UNLIMITED else show(have),
        need=show(need),
        severity="ok" if enough else severity,
        fix="" if enough else fix,
    )


def _descriptors(demand: Demand, readings: Readings) -> Iterator[Finding]:
    hard = readings.descriptors_hard
    for here, kind, need, processes, reserved in (
        (
            demand.has_target,
            "worker",
            demand.descriptors_per_worker,
            demand.workers,
            WORKER_RESERVED_DESCRIPTORS,
        ),
        (
            demand.has_agents,
            "agent",
            demand.descriptors_per_agent,
            demand.agents,
            AGENT_RESERVED_DESCRIPTORS,
        ),
    ):
        if not here:
            continue
        fix = f"Raise the hard limit to {need:,} (limits.conf, LimitNOFILE=, ulimits:)."
        if hard is not None and hard > reserved:
            enough = math.ceil(demand.connections / (hard - reserved))
            fix = f"Use {enough} {kind}s instead of {processes}, or r" + fix[1:]
        yield _finding(f"RLIMIT_NOFILE hard, per {kind}", hard, need, fix)
    soft, needed = readings.descriptors_soft, _descriptors_needed(demand)
    if soft is not None and hard is not None and soft < needed <= hard:
        yield Finding(
            name="RLIMIT_NOFILE soft",
            have=f"{soft:,}",
            need=f"{needed:,}",
            severity="note",
            fix="Nothing to do: workers and agents raise it to the hard limit themselves.",
        )


def _descriptors_needed(demand: Demand) -> int:
    return max(
        demand.descriptors_per_worker * demand.has_target,
        demand.descriptors_per_agent * demand.has_agents,
    )


def _nr_open(demand: Demand, readings: Readings) -> Iterator[Finding]:
    need = _descriptors_needed(demand)
    yield _finding("fs.nr_open", readings.nr_open, need, f"sysctl -w fs.nr_open={need}")


def _file_max(demand: Demand, readings: Readings) -> Iterator[Finding]:
    in_use = readings.files_in_use or 0
    need = in_use + demand.sockets + FILES_MARGIN
    yield _finding(
        f"fs.file-max ({in_use:,} in use)",
        readings.file_max,
        need,
        f"sysctl -w fs.file-max={need}",
    )


def _ports(demand: Demand, readings: Readings) -> Iterator[Finding]:
    if not demand.has_agents:
        return
    low, high = readings.port_low, readings.port_high
    name = "net.ipv4.ip_local_port_range"
    have = None
    fix = ""
    if low is not None and high is not None:
        ports = int((high - low + 1) * USABLE_PORTS)
        have = ports * demand.source_addresses * demand.listeners
        name += f" {low}-{high}, {_count(demand.source_addresses, 'source address')}, " + _count(
            demand.listeners, "listener"
        )
        addresses = math.ceil(demand.connections / (ports * demand.listeners))
        fix = (
            f"Connect from {addresses} source addresses (on loopback any of 127.0.0.0/8 will do, "
            f"elsewhere ip addr add)"
        )
        if low > 1024 or high < 65535:
            fix += f', or first: sysctl -w net.ipv4.ip_local_port_range="{PORTS_AT_MOST}"'
        fix += "."
    yield _finding(name, have, demand.connections, fix)


def _count(number: int, what: str) -> str:
    plural = "es" if what.endswith("s") else "s"
    return f"{number} {what}{'' if number == 1 else plural}"


def _backlogs(demand: Demand, readings: Readings) -> Iterator[Finding]:
    if not demand.has_target:
        return
    need = min(LISTEN_BACKLOG, demand.connections)
    yield _finding(
        "net.core.somaxconn",
        readings.somaxconn,
        need,
        f"sysctl -w net.core.somaxconn={need}; a shorter queue drops a storm of connections.",
        severity="warning",
    )
    if readings.syncookies:  # then the length of the queue of half-open connections is somaxconn's
        return
    yield _finding(
        "net.ipv4.tcp_max_syn_backlog",
        readings.syn_backlog,
        need,
        f"sysctl -w net.ipv4.tcp_max_syn_backlog={need}, or net.ipv4.tcp_syncookies=1",
        severity="warning",
    )


def _tcp_memory(demand: Demand, readings: Readings) -> Iterator[Finding]:
    pages = math.ceil(demand.sockets * BUSY_SOCKETS)
    yield _finding(
        "net.ipv4.tcp_mem pressure, pages",
        readings.tcp_memory_pressure_pages,
        pages,
        f'sysctl -w net.ipv4.tcp_mem="{pages * 3 // 4} {pages} {pages * 3 // 2}"; idle sockets use '
        "none of it, but when every tenth holds a page, all of them are slowed down.",
        severity="warning",
    )


def _conntrack(demand: Demand, readings: Readings) -> Iterator[Finding]:
    if readings.conntrack_max is None:
        return  # not loaded: nothing is tracked
    count = readings.conntrack_count or 0
    need = count + demand.connections
    fix = f"sysctl -w net.netfilter.nf_conntrack_max={need}, or exempt the port with NOTRACK."
    found = _finding(f"nf_conntrack_max ({count:,} in use)", readings.conntrack_max, need, fix)
    if found.severity == "blocker" and count == 0:
        yield Finding(
            name=found.name,
            have=found.have,
            need=found.need,
            severity="note",
            fix=f"Nothing is tracked now; where a firewall or NAT is on the way: {fix}",
        )
    else:
        yield found


def _memory(demand: Demand, readings: Readings) -> Iterator[Finding]:
    need = demand.memory_bytes
    parts = (
        f"{_bytes(demand.kernel_bytes)} kernel + {_bytes(demand.worker_bytes)} workers + "
        f"{_bytes(demand.agent_bytes)} agents + room for the system"
    )
    for name, have in (
        ("MemAvailable", readings.memory_available_bytes),
        ("memory limit of the container", readings.container_left_bytes),
    ):
        if have is None and name != "MemAvailable":
            continue
        severity: Severity = "blocker" if have is not None and have < need else "warning"
        yield _finding(
            name,
            have,
            need if severity == "blocker" else int(need * MEMORY_MARGIN),
            f"Free memory or use fewer connections: {parts}"
            + (
                "."
                if severity == "blocker"
                else f", and {MEMORY_MARGIN:.1f} times that for traffic."
            ),
            severity=severity,
            show=_bytes,
        )


def _bytes(value: int) -> str:
    return f"{value / 1e9:,.2f} GB"


def _processes(demand: Demand, readings: Readings) -> Iterator[Finding]:
    need = (readings.processes or 0) + demand.processes + PROCESSES_MARGIN
    yield _finding("kernel.pid_max", readings.pid_max, need, f"sysctl -w kernel.pid_max={need}")


def _overcommit(demand: Demand, readings: Readings) -> Iterator[Finding]:
    if readings.overcommit == 2:
        yield _finding(
            "CommitLimit (vm.overcommit_memory=2)",
            readings.commit_left_bytes,
            demand.memory_bytes,
            "sysctl -w vm.overcommit_memory=1, or raise vm.overcommit_ratio.",
            show=_bytes,
        )
    elif readings.overcommit == 0 and demand.has_target:
        yield Finding(
            name="vm.overcommit_memory",
            have="0",
            need="1 where Redis runs",
            severity="note",
            fix="sysctl -w vm.overcommit_memory=1: Redis forks to save; else that may be refused.",
        )


def _maps(demand: Demand, readings: Readings) -> Iterator[Finding]:
    if not demand.has_target:
        return
    need = math.ceil(demand.worker_bytes / demand.workers / ARENA_BYTES) + MAPS_MARGIN
    yield _finding(
        "vm.max_map_count",
        readings.max_map_count,
        need,
        f"sysctl -w vm.max_map_count={need}",
        severity="warning",
    )


def _cores(demand: Demand, readings: Readings) -> Iterator[Finding]:
    if readings.cores is None or readings.cores >= demand.processes:
        return
    yield Finding(
        name="cores",
        have=f"{readings.cores}",
        need=f"{demand.processes}, one per process",
        severity="note",
        fix="Fine for idle connections; latencies will also measure that cores are shared.",
    )


RULES: tuple[Callable[[Demand, Readings], Iterator[Finding]], ...] = (
    _descriptors,
    _nr_open,
    _file_max,
    _ports,
    _backlogs,
    _tcp_memory,
    _conntrack,
    _memory,
    _processes,
    _overcommit,
    _maps,
    _cores,
)

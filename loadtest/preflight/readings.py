"""What this machine allows, read from /proc, /sys and the limits of this process.

A file that is not there, or may not be read, gives None: in a container much is hidden.
"""

import os
import resource
from pathlib import Path

from msgspec import Struct

#: A limit that is not set reads as this; nothing that is counted reaches it.
UNLIMITED = 2**62


class Readings(Struct, frozen=True, kw_only=True):
    """Limits and what is in use of them. None: it could not be read."""

    descriptors_soft: int | None = None
    descriptors_hard: int | None = None
    nr_open: int | None = None
    file_max: int | None = None
    files_in_use: int | None = None
    port_low: int | None = None
    port_high: int | None = None
    somaxconn: int | None = None
    syn_backlog: int | None = None
    syncookies: int | None = None
    #: Pages at which the kernel begins to save, and at which it refuses.
    tcp_memory_pressure_pages: int | None = None
    tcp_memory_high_pages: int | None = None
    page_bytes: int = 4096
    conntrack_max: int | None = None  # None as a rule means that the module is not loaded
    conntrack_count: int | None = None
    memory_available_bytes: int | None = None
    #: What is left under the limit of this container; None where there is no limit.
    container_left_bytes: int | None = None
    pid_max: int | None = None
    processes: int | None = None
    overcommit: int | None = None
    commit_left_bytes: int | None = None
    max_map_count: int | None = None
    cores: int | None = None


def read(proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> Readings:
    """Read everything; nothing is raised for what is missing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    sysctl = proc / "sys"
    ports = _numbers(sysctl / "net/ipv4/ip_local_port_range")
    tcp_memory = _numbers(sysctl / "net/ipv4/tcp_mem")
    memory = _meminfo(proc / "meminfo")
    commit_limit, committed = memory.get("CommitLimit"), memory.get("Committed_AS")
    return Readings(
        descriptors_soft=_limit(soft),
        descriptors_hard=_limit(hard),
        nr_open=_number(sysctl / "fs/nr_open"),
        file_max=_number(sysctl / "fs/file-max"),
        files_in_use=_number(sysctl / "fs/file-nr"),
        port_low=_at(ports, 0),
        port_high=_at(ports, 1),
        somaxconn=_number(sysctl / "net/core/somaxconn"),
        syn_backlog=_number(sysctl / "net/ipv4/tcp_max_syn_backlog"),
        syncookies=_number(sysctl / "net/ipv4/tcp_syncookies"),
        tcp_memory_pressure_pages=_at(tcp_memory, 1),
        tcp_memory_high_pages=_at(tcp_memory, 2),
        page_bytes=resource.getpagesize(),
        conntrack_max=_number(sysctl / "net/netfilter/nf_conntrack_max"),
        conntrack_count=_number(sysctl / "net/netfilter/nf_conntrack_count"),
        memory_available_bytes=memory.get("MemAvailable"),
        container_left_bytes=_container_left(cgroup),
        pid_max=_number(sysctl / "kernel/pid_max"),
        processes=_processes(proc),
        overcommit=_number(sysctl / "vm/overcommit_memory"),
        commit_left_bytes=(
            None if commit_limit is None or committed is None else commit_limit - committed
        ),
        max_map_count=_number(sysctl / "vm/max_map_count"),
        cores=len(os.sched_getaffinity(0)),
    )


def _limit(value: int) -> int:
    return UNLIMITED if value == resource.RLIM_INFINITY else value


def _numbers(path: Path) -> list[int]:
    try:
        return [int(word) for word in path.read_text(encoding="ascii").split()]
    except (OSError, ValueError):
        return []


def _at(numbers: list[int], index: int) -> int | None:
    return numbers[index] if index < len(numbers) else None


def _number(path: Path) -> int | None:
    return _at(_numbers(path), 0)


def _meminfo(path: Path) -> dict[str, int]:
    """Return /proc/meminfo in bytes."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        name, _, rest = line.partition(":")
        value, _, unit = rest.strip().partition(" ")
        if unit == "kB" and value.isdigit():
            found[name] = int(value) * 1024
    return found


def _container_left(cgroup: Path) -> int | None:
    """Return what the memory limit of this container leaves: cgroup v2, else v1, else None.

    Files that were read once and lie in the cache count as used, but make room when it is needed.
    """
    for folder, limit_name, used_name, cache in (
        (cgroup, "memory.max", "memory.current", "inactive_file"),
        (
            cgroup / "memory",
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
            "total_inactive_file",
        ),
    ):
        limit, used = _number(folder / limit_name), _number(folder / used_name)
        if limit is not None and used is not None and limit < UNLIMITED:
            return limit - used + _statistic(folder / "memory.stat", cache)
    return None


def _statistic(path: Path, name: str) -> int:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    for line in lines:
        key, _, value = line.partition(" ")
        if key == name and value.isdigit():
            return int(value)
    return 0


def _processes(proc: Path) -> int | None:
    try:
        return sum(entry.name.isdigit() for entry in proc.iterdir())
    except OSError:
        return None

"""This machine's memory, sockets and cores, from /proc."""

import os
from pathlib import Path

from loadtest.results import HostSample

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024
_IDLE = (3, 4)  # idle, iowait


class Host:
    """Reads /proc; busy cores are of the time between two readings."""

    def __init__(self) -> None:
        self._before: tuple[float, float] | None = None

    def read(self, t_s: float) -> HostSample | None:
        """Read once, or return None where there is no such /proc."""
        try:
            memory = parse_meminfo(Path("/proc/meminfo").read_text(encoding="ascii"))
            sockets = parse_sockstat(Path("/proc/net/sockstat").read_text(encoding="ascii"))
            busy_s = parse_busy_s(Path("/proc/stat").read_text(encoding="ascii"))
        except (OSError, LookupError, ValueError):
            return None
        before, self._before = self._before, (t_s, busy_s)
        busy = (busy_s - before[1]) / (t_s - before[0]) if before and t_s > before[0] else 0.0
        return HostSample(
            t_s=t_s,
            available_kib=memory["MemAvailable"],
            slab_kib=memory["Slab"],
            tcp_sockets=sockets["inuse"],
            tcp_memory_kib=sockets["mem"] * _PAGE_KIB,
            busy_cores=busy,
        )


def parse_meminfo(text: str) -> dict[str, int]:
    """Read /proc/meminfo, KiB by name. Pure."""
    pairs = (line.split(":") for line in text.splitlines() if ":" in line)
    return {name: int(rest.split()[0]) for name, rest in pairs}


def parse_sockstat(text: str) -> dict[str, int]:
    """Read the TCP line of /proc/net/sockstat; `mem` is in pages. Pure."""
    line = next(line for line in text.splitlines() if line.startswith("TCP:"))
    words = line.split()[1:]
    return {name: int(number) for name, number in zip(words[::2], words[1::2], strict=True)}


def parse_busy_s(text: str) -> float:
    """Read seconds that all cores together were busy out of /proc/stat. Pure.

    Source: proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal.
    """
    line = next(line for line in text.splitlines() if line.startswith("cpu "))
    ticks = [int(word) for word in line.split()[1:9]]
    return sum(count for place, count in enumerate(ticks) if place not in _IDLE) / _TICKS_PER_S

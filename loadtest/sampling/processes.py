"""CPU time and memory of processes of this machine, from /proc."""

import os
from pathlib import Path

from msgspec import Struct

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


class Usage(Struct, frozen=True):
    """What a process has used."""

    cpu_s: float  # user and system, since it started
    rss_kib: int


def usage(pid: int) -> Usage | None:
    """Read one process, or return None where it is not, or not ours to see."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return parse_stat(text)


def parse_stat(text: str) -> Usage:
    """Read /proc/PID/stat. Pure. The name, in brackets, may hold anything.

    Source: proc_pid_stat(5); fields 14, 15 and 24, counted from 1.
    """
    fields = text[text.rindex(")") + 2 :].split()  # begins with field 3
    ticks = int(fields[11]) + int(fields[12])
    return Usage(ticks / _TICKS_PER_S, int(fields[21]) * _PAGE_KIB)

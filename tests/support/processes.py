"""Child processes of the test run: which exist, and whether one was left behind.

The run makes itself a subreaper, so that the orphans of a killed supervisor become its own
children and are found too.
"""

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

#: Processes that may outlive a test, because a fixture of the whole session owns them.
session_pids: set[int] = set()


def adopt_orphans() -> None:
    """Make orphaned descendants children of this process (Linux only, elsewhere nothing)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent() -> None:
    """Get SIGTERM when the parent dies, in whatever way (Linux only); outlives an `exec`."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


@contextlib.contextmanager
def paused(pid: int) -> Iterator[None]:
    """Let a process stand still (SIGSTOP) while the context lasts."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def children_of(pid: int) -> set[int]:
    """Return the living children of a process; the dead ones nobody has waited for are left out."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # it ended between the listing and the reading
        if int(parent) == pid and state not in "ZX":
            found.add(int(stat.parent.name))
    return found


def command_line(pid: int) -> str:
    """Return the command line of a process, or an empty text when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return ""


def end_survivors(before: set[int], grace_s: float = 10.0) -> list[str]:
    """Kill children that are not in `before` and still live after a grace; say which they were."""
    deadline = time.monotonic() + grace_s
    while survivors := children_of(os.getpid()) - before - session_pids:
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    named = [f"{pid}: {command_line(pid)}" for pid in sorted(survivors)]
    kill_all(survivors)
    return named


def kill_all(pids: set[int]) -> None:
    """Kill -9 processes that this run has started, directly or not; some may be gone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

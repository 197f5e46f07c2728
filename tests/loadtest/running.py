"""Whole load tests as child processes."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from loadtest import results
from loadtest.results import Results
from tests.support import processes

SMALL = ("--connections", "60", "--ramp", "60", "--rate", "40", "--hold", "3", "--agents", "2")
#: Nothing depends on how fast this machine is today.
PATIENT = (
    "--set",
    "thresholds.delivery_p50_ms=5000",
    "--set",
    "thresholds.delivery_p99_ms=20000",
    "--set",
    "thresholds.ack_p99_ms=20000",
    "--set",
    "thresholds.connect_p99_ms=20000",
    "--set",
    "thresholds.connected_share=0.9",  # of 60 clients one that rejoins is more than usual
    "--set",
    "warm_up_s=0.5",
)


class Run:
    """One `python -m loadtest run` as a child process."""

    def __init__(self, process: asyncio.subprocess.Process, out: Path) -> None:
        self.process = process
        self.out = out
        self.said = ""

    async def end(self) -> int:
        """Wait for its end and return the exit code."""
        said, _ = await self.process.communicate()
        self.said = said.decode()
        return self.process.returncode or 0

    @property
    def results(self) -> Results:
        return results.read(self.out / "results.json")

    def agents(self) -> set[int]:
        """Return the process ids of its agents."""
        return processes.children_of(self.process.pid)

    async def until_phase(self, phase: str) -> None:
        """Wait until it says that a phase has begun."""
        assert self.process.stdout is not None
        async with asyncio.timeout(50.0):
            while line := await self.process.stdout.readline():
                self.said += line.decode()
                if line.startswith(phase.encode()):
                    return
        raise AssertionError(f"{phase} never came:\n{self.said}")


#: Starts one with further arguments.
Start = Callable[..., Awaitable[Run]]


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False

"""`chat join` as a process: what is typed, what is printed, how it ends."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.command import Said
from tests.support.tokens import token
from tests.support.worker import REPOSITORY, environment

TIMEOUT_S = 45.0


class Joined:
    """A running `chat join`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def type(self, line: str) -> None:
        """Type a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        await self._process.stdin.drain()

    async def line(self) -> str:
        """Return the next line of output."""
        assert self._process.stdout is not None
        async with asyncio.timeout(TIMEOUT_S):
            return (await self._process.stdout.readline()).decode().rstrip("\n")

    async def event(self, kind: str) -> dict[str, Any]:
        """Return the next event of a type; of `--json`."""
        while True:
            event: dict[str, Any] = json.loads(await self.line())
            if event["type"] == kind:
                return event

    async def told(self, words: str) -> None:
        """Wait until standard error says something."""
        assert self._process.stderr is not None
        async with asyncio.timeout(TIMEOUT_S):
            while words not in (line := (await self._process.stderr.readline()).decode()):
                assert line, f"it ended without saying {words!r}"

    def hang_up(self) -> None:
        """Stop reading its output."""
        transport = self._process._transport.get_pipe_transport(1)  # type: ignore[attr-defined]
        transport.close()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def end(self) -> Said:
        """Close its input, wait for its end, return what it said since one last looked."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        async with asyncio.timeout(TIMEOUT_S):
            out, err = await self._process.communicate()
        return Said(self._process.returncode or 0, out.decode(), err.decode())


@asynccontextmanager
async def joined(
    *arguments: str, user: str | None = "ann", stdin: Path | None = None
) -> AsyncIterator[Joined]:
    """Run `chat join` while the context lasts, with a token of a user, or none."""
    env = environment({}) | {"TZ": "UTC"}
    if user is not None:
        env["CHAT_TOKEN"] = token(user)
    source = None if stdin is None else stdin.open("rb")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chat", "join", *arguments,
        env=env,
        cwd=REPOSITORY,
        stdin=source or asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    if source is not None:
        source.close()
    try:
        yield Joined(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def visit(*arguments: str, typed: str = "", **options: Any) -> Said:
    """Run `chat join` on some input to its end."""
    async with joined(*arguments, **options) as running:
        for line in typed.splitlines():
            await running.type(line)
        return await running.end()

"""The `chat` command as a person runs it."""

import asyncio
import sys
from typing import NamedTuple

from tests.support.worker import REPOSITORY, SettingValue, environment


class Said(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


async def chat(*arguments: str, **settings: SettingValue) -> Said:
    """Run it to its end, with settings by their lower-case names."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chat", *arguments,
        env=environment(settings),
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return Said(process.returncode or 0, out.decode(), err.decode())

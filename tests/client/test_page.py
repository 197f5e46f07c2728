"""docs/clients.md is true: its first program runs as it stands."""

import asyncio
import sys

from tests.support.cluster import Cluster
from tests.support.tokens import token
from tests.support.worker import REPOSITORY


def first_program(url: str) -> str:
    page = (REPOSITORY / "docs" / "clients.md").read_text(encoding="utf-8")
    program = page.split("```python\n", 1)[1].split("```", 1)[0]
    assert "wss://chat.example/ws" in program
    return program.replace("wss://chat.example/ws", url)


async def test_the_first_program_of_the_page_runs(pair: Cluster) -> None:
    preamble = f"def get_token():\n    return {token('ann')!r}\n"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-u", "-c", preamble + first_program(pair[0].url),
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(40.0):
            assert await process.stdout.readline() == b"ann Hello!\n"
    finally:
        process.kill()
        await process.communicate()

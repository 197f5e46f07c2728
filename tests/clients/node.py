"""Node, for the JavaScript SDK: where it is, its packages, and how a script of it is run."""

import asyncio
import fcntl
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

SDK = Path(__file__).resolve().parents[2] / "clients" / "js"
_OLDEST = 18


def node() -> str:
    """Return the program; skip the test where there is none that is new enough."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not on PATH")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
    if int(version.stdout.strip().removeprefix("v").partition(".")[0]) < _OLDEST:
        pytest.skip(f"node is {version.stdout.strip()}, older than {_OLDEST}")
    return found


def install() -> None:
    """Install what the lock file names, if that was not done since it changed."""
    lock, done = SDK / "package-lock.json", SDK / "node_modules" / ".package-lock.json"
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # several processes may share the tests
        if done.exists() and done.stat().st_mtime >= lock.stat().st_mtime:
            return
        npm = shutil.which("npm") or "npm"
        command = [npm, "ci", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=SDK, check=True, capture_output=True)
        done.touch()


async def run(*arguments: str, variables: Mapping[str, str] | None = None, text: str = "") -> str:
    """Run node in the SDK's folder and return what it wrote; fail with that if it failed."""
    process = await asyncio.create_subprocess_exec(
        node(),
        *arguments,
        cwd=SDK,
        env=os.environ | (variables or {}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await process.communicate(text.encode())
    except BaseException:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, output.decode(errors="replace")[-8000:]
    return output.decode()


def files_of(folder: str) -> list[str]:
    """Return the test files of a folder, relative to the SDK's."""
    return sorted(str(path.relative_to(SDK)) for path in (SDK / folder).glob("*.test.js"))

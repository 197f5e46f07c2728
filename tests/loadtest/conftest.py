"""A certificate, made once, and load tests as child processes."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.loadtest.running import Run, Start
from tests.loadtest.tls import Certificate, make_certificate
from tests.support import processes
from tests.support.cluster import Cluster
from tests.support.tokens import SECRET
from tests.support.worker import REPOSITORY


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def load_test(
    cluster: Callable[..., Awaitable[Cluster]], tmp_path: Path
) -> AsyncIterator[Start]:
    """Start load tests against a worker that has the limits of production."""
    (worker,) = (await cluster(1)).workers
    running: list[Run] = []

    async def start(*arguments: str, key: str = SECRET) -> Run:
        out = tmp_path / f"out-{len(running)}"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "loadtest", "run", *arguments),
            *("--url", worker.url, "--ops", f"http://127.0.0.1:{worker.ops_port}"),
            *("--out", str(out)),
            cwd=REPOSITORY,
            env=os.environ | {"CHAT_JWT_SECRET": key},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        running.append(Run(process, out))
        return running[-1]

    yield start
    for run in running:
        if run.process.returncode is None:
            processes.kill_all(run.agents())
            run.process.kill()
            await run.process.wait()

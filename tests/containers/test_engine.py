"""An engine whose test run was killed is cleared away by the next run."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.containers.engine import Engine, sweep, why_not
from tests.support import processes
from tests.support.worker import REPOSITORY

pytestmark = [pytest.mark.containers, pytest.mark.slow, pytest.mark.timeout(300)]

_RUN = """
import time
from tests.containers.engine import Engine

with Engine() as engine:
    engine.docker("network", "create", "left-behind")
    network = engine.docker("network", "inspect", "--format={{.Id}}", "left-behind").strip()
    print(engine.folder, network[:12], flush=True)
    time.sleep(60)
"""


def test_what_a_killed_run_left_is_removed_and_others_are_not() -> None:
    if reason := why_not():
        pytest.skip(reason)
    with Engine() as other:
        run = subprocess.Popen(
            [sys.executable, "-c", _RUN], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
        )
        assert run.stdout is not None
        name, network = run.stdout.readline().split()
        folder, bridge = Path(name), Path(f"/sys/class/net/br-{network}")
        pid = int((folder / "dockerd.pid").read_text())
        assert bridge.exists()
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
        run.stdout.close()

        sweep()

        assert not folder.exists()
        assert not bridge.exists()
        assert str(folder) not in processes.command_line(pid)
        assert other.docker("version", "--format={{.Server.Version}}")

"""The units for a host without containers say what the program needs."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chat.settings import Settings
from chat.supervisor.slot import EXIT_SETTINGS
from tests.support.worker import REPOSITORY

UNITS = sorted((REPOSITORY / "deploy" / "systemd").glob("*.service"))


def said(unit: Path, name: str) -> list[str]:
    """Return the values of a directive, in order."""
    return re.findall(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_drain_fits_and_wrong_settings_are_not_tried_again(unit: Path) -> None:
    [stop] = said(unit, "TimeoutStopSec")
    assert int(stop) > Settings().drain_timeout + 5
    assert said(unit, "RestartPreventExitStatus") == [str(EXIT_SETTINGS)]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_every_line(unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    [command] = said(unit, "ExecStart")
    program = command.split()[0]
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace(program, sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    about_it = [line for line in done.stderr.splitlines() if unit.name.split("@")[0] in line]
    assert (done.returncode, about_it) == (0, [])


def test_the_units_run_commands_of_the_program() -> None:
    assert [said(unit, "ExecStart") for unit in UNITS] == [
        ["/opt/chat-%i/bin/chat api"],
        ["/opt/chat-%i/bin/chat hooks"],
        ["/opt/chat-%i/bin/chat up"],
    ]

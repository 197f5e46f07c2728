"""A file that is replaced while others read it."""

import os
import stat
from pathlib import Path

import pytest

from chat.front.file import replace


def test_a_file_is_replaced_in_one_step_and_only_when_it_differs(tmp_path: Path) -> None:
    path = tmp_path / "workers.cfg"
    assert replace(path, "one\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    path.chmod(0o640)
    first = path.stat().st_ino
    assert not replace(path, "one\n")
    assert path.stat().st_ino == first
    with path.open() as reading:
        assert replace(path, "two\n")
        assert reading.read() == "one\n", "who has it open reads the old one to its end"
    assert path.read_text() == "two\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["workers.cfg"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    link, path = tmp_path / "link.cfg", tmp_path / "path.cfg"
    path.write_text("one\n")
    link.symlink_to(path)
    assert replace(link, "two\n")
    assert link.is_symlink()
    assert path.read_text() == "two\n"


def test_what_cannot_be_replaced_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        replace(tmp_path / "folder", "one\n")
    with pytest.raises(FileNotFoundError):
        replace(tmp_path / "missing" / "file", "one\n")
    assert os.listdir(tmp_path) == ["folder"]

"""Where child processes of a test write, and how that is shown when the test fails.

Processes append to files in directories made here. The conftest shows the files of a failed test
and removes the directories after each test.
"""

import shutil
import tempfile
from pathlib import Path

_SHOWN_BYTES = 12_000

_directories: list[Path] = []


def new_directory() -> Path:
    """Make a directory for logs; its path is short enough to hold a unix socket."""
    path = Path(tempfile.mkdtemp(prefix="chat-", dir="/tmp"))
    _directories.append(path)
    return path


def sections() -> list[tuple[str, str]]:
    """Return (file name, end of its text) of every log that is not empty."""
    found = []
    for directory in _directories:
        for path in sorted(directory.glob("*.log")):
            text = path.read_bytes()[-_SHOWN_BYTES:].decode(errors="replace")
            if text:
                found.append((f"{directory.name}/{path.name}", text))
    return found


def forget() -> None:
    """Remove all directories made so far."""
    while _directories:
        shutil.rmtree(_directories.pop(), ignore_errors=True)

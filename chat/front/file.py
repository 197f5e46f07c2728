"""A file that others read while it is replaced."""

import contextlib
import os
import tempfile
from pathlib import Path

_MODE = 0o644  # of a new one; one that is there keeps its own


def replace(path: Path, text: str) -> bool:
    """Give a file, or the one that a link leads to, this content in one step if it has another.

    Returns:
        Whether it had another.

    Raises:
        OSError: it cannot be written; it is as it was then.
    """
    path = Path(os.path.realpath(path))
    with contextlib.suppress(FileNotFoundError, UnicodeDecodeError):
        if path.read_text() == text:
            return False
    mode = path.stat().st_mode & 0o7777 if path.exists() else _MODE
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return True

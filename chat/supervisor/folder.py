"""The data folder of the embedded Redis: made, locked, and a place for its socket."""

import errno
import fcntl
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from chat.settings import SettingsError

#: `sun_path` holds 108 bytes on Linux and 104 elsewhere.
MAX_SOCKET_PATH_BYTES = 100


class DataFolder:
    """A folder that one server at a time may use.

    The lock is a file lock whose descriptor the Redis process inherits: the folder counts as used
    for as long as either of us lives, and no longer.

    Args:
        path: the folder; made if missing.

    Raises:
        SettingsError: it cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.lock_fd = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            why = exc.strerror or str(exc)
            raise SettingsError(f"Cannot use the data folder {self.path}: {why}.") from exc
        self._run_folder: Path | None = None
        self._run_file = "redis.sock"

    @property
    def made_by(self) -> str:
        """Which kind of server wrote the data; empty in a new folder."""
        try:
            return (self.path / "server").read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return ""

    @made_by.setter
    def made_by(self, kind: str) -> None:
        (self.path / "server").write_text(kind + "\n", encoding="utf-8")

    def lock(self) -> bool:
        """Try to become the one user of the folder."""
        try:
            fcntl.flock(self.lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            if exc.errno in {errno.EWOULDBLOCK, errno.EACCES}:
                return False
            raise
        os.ftruncate(self.lock_fd, 0)
        os.pwrite(self.lock_fd, str(os.getpid()).encode(), 0)
        return True

    def in_use(self) -> SettingsError:
        """Return the error that says who uses the folder."""
        owner = os.pread(self.lock_fd, 20, 0).decode(errors="replace") or "unknown"
        return SettingsError(
            f"The data folder {self.path} is in use by another chat (process {owner}): "
            "stop that one, or choose another folder with --data-dir."
        )

    def socket_path(self) -> Path:
        """Return the path for the unix socket: in the folder, or in a short one of its own."""
        path = self.path / self._run_file
        if len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES:
            return path
        if self._run_folder is None:
            self._run_folder = Path(tempfile.mkdtemp(prefix="chat-"))
        return self._run_folder / self._run_file

    def close(self) -> None:
        """Give the folder up; do nothing if that is done."""
        if self.lock_fd >= 0:
            os.close(self.lock_fd)
            self.lock_fd = -1
        if self._run_folder is not None:
            with suppress(FileNotFoundError):
                (self._run_folder / self._run_file).unlink()
            self._run_folder.rmdir()
            self._run_folder = None

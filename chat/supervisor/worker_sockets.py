"""A listening socket for each single worker, beside the shared port, so that a balancer can choose.

The supervisor keeps them open across the lives of its workers, as it keeps those of the port.
"""

import contextlib
import os
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from chat.settings import SLOT, SettingsError, variable
from chat.supervisor.listening import bind

SETTING = "worker_sockets"
#: A name in the abstract namespace fills the whole address, as HAProxy's `abns@` has it.
ABSTRACT_NAME_BYTES = 107
#: Owner and group may connect. A folder with the set-group-ID bit gives the socket its group.
UNIX_MODE = 0o660
_TCP = re.compile(r"(\[[^]]+\]|[^:\[\]]+):(\d{1,5})\+\{slot\}")


class WorkerSockets:
    """Where each worker listens for itself.

    Args:
        pattern: `unix:/PATH` or `abns:NAME` with `{slot}` in it, or `tcp:HOST:PORT+{slot}`.
        backlog: length of each socket's queue.

    Raises:
        SettingsError: the pattern is none of these.
    """

    def __init__(self, pattern: str, backlog: int) -> None:
        self._family, _, self._rest = pattern.partition(":")
        self._backlog = backlog
        tcp = _TCP.fullmatch(self._rest)
        if self._family == "tcp" and tcp is not None:
            self._host, self._first_port = tcp[1].strip("[]"), int(tcp[2])
        elif self._family not in ("unix", "abns") or SLOT not in self._rest:
            raise SettingsError(_problem(f"{pattern!r} is not a pattern"))
        elif self._family == "unix" and not self._rest.startswith("/"):
            raise SettingsError(_problem("the path of a unix socket begins with /"))

    @contextlib.contextmanager
    def listening(self, slot: int) -> Iterator[socket.socket]:
        """Listen for one worker; closed, and gone from the file system, at the end.

        Raises:
            SettingsError: something else is there, or the system says no.
        """
        if self._family == "tcp":
            with bind(self._host, self._first_port + slot, self._backlog, names=(SETTING,)) as sock:
                yield sock
            return
        name = self._rest.replace(SLOT, str(slot))
        try:
            sock = self._unix(Path(name)) if self._family == "unix" else self._abstract(name)
        except OSError as exc:
            why = (exc.strerror or str(exc)).lower()
            raise SettingsError(_problem(f"cannot listen on {name} ({why})")) from exc
        with sock:
            try:
                yield sock
            finally:
                if self._family == "unix":
                    Path(name).unlink(missing_ok=True)

    def _unix(self, path: Path) -> socket.socket:
        """Listen under another name, then take the path: nobody sees it half made."""
        _require_free(path)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            beside.unlink(missing_ok=True)
            sock.bind(str(beside))
            beside.chmod(UNIX_MODE)
            sock.listen(self._backlog)
            beside.rename(path)
        except BaseException:
            sock.close()
            beside.unlink(missing_ok=True)
            raise
        return sock

    def _abstract(self, name: str) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.bind(b"\0" + name.encode().ljust(ABSTRACT_NAME_BYTES, b"\0"))
            sock.listen(self._backlog)
        except BaseException:
            sock.close()
            raise
        return sock


def _require_free(path: Path) -> None:
    """Raise unless the path is free, or a socket that a dead process left there."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise SettingsError(_problem(f"{path} is there and is no socket"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return
        except BlockingIOError:
            pass  # its queue is full: somebody listens
    raise SettingsError(_problem(f"another process listens on {path}"))


def _problem(what: str) -> str:
    return (
        f"{variable(SETTING)}: {what}; it is unix:/PATH or abns:NAME with {SLOT} in it, "
        f"or tcp:HOST:PORT+{SLOT}."
    )

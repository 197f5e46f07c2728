"""Installs what the peers need into `.bench-cache/`, once for each version of the lists here.

npm packages come by the lock file in `node/`, Python packages into an environment of their own.
nginx and its module are unpacked from Debian's packages and not installed, since that would start a
server on every address. Of the system nothing is changed but for one empty folder that this nginx
insists on.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks.system import BenchmarkError

NODE_DIRECTORY = Path(__file__).parent / "node"
PYTHON_DIRECTORY = Path(__file__).parent / "python"
_CACHE = Path(__file__).parents[2] / ".bench-cache"
_DEBIAN_PACKAGES = ("nginx", "libnginx-mod-nchan")
_STATE = Path(
    "/var/lib/nginx"
)  # with Nchan loaded its folders are made there, whatever is configured
_MODULE = Path("lib/nginx/modules/ngx_nchan_module.so")


class Nginx(NamedTuple):
    """An nginx and its Nchan module."""

    program: Path
    module: Path
    version: str


def node_modules() -> Path:
    """Return a folder with the packages of `node/package-lock.json`."""
    _require("node", "npm")
    files = [NODE_DIRECTORY / name for name in ("package.json", "package-lock.json")]
    place, is_new = _place("node", files)
    if is_new:
        for file in files:
            shutil.copy(file, place)
        # bufferutil ships its binary: the scripts that would build it are not needed.
        _run(
            "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", at=place
        )
        _finish(place)
    return place / "node_modules"


def node_versions(*packages: str) -> str:
    """Return the versions of Node and of some locked packages."""
    lock = json.loads((NODE_DIRECTORY / "package-lock.json").read_text())["packages"]
    node = _output("node", "--version")
    return ", ".join(
        [
            f"node {node}",
            *(f"{name} {lock[f'node_modules/{name}']['version']}" for name in packages),
        ]
    )


def python_environment() -> Path:
    """Return a Python that has the packages of `python/requirements.txt`."""
    requirements = PYTHON_DIRECTORY / "requirements.txt"
    place, is_new = _place("python", [requirements])
    python = place / "bin" / "python"
    if is_new:
        _run(sys.executable, "-m", "venv", str(place))
        pip = (str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
        _run(*pip, "-r", str(requirements))
        _finish(place)
    return python


def python_versions(*packages: str) -> str:
    """Return the versions of some pinned packages."""
    lines = (PYTHON_DIRECTORY / "requirements.txt").read_text().split()
    pins = dict(line.split("==") for line in lines)
    return ", ".join(f"{name} {pins[name]}" for name in packages)


def nginx() -> Nginx:
    """Return the installed nginx if it has Nchan, else one unpacked from Debian's packages."""
    installed = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    module = Path("/usr") / _MODULE
    if installed and module.exists():
        return Nginx(Path(installed), module, _nchan_version())
    _require("apt-get", "dpkg-deb")
    place, is_new = _place("nginx", [])
    if is_new:
        if os.geteuid() == 0:
            _run("apt-get", "update", "-qq")
        # _apt, as which apt downloads, may not write here; root does it then, with a warning.
        _run("apt-get", "download", "-qq", *_DEBIAN_PACKAGES, at=place)
        for package in place.glob("*.deb"):
            _run("dpkg-deb", "--extract", str(package), str(place))
        _finish(place)
    if not _STATE.exists():
        if os.geteuid() != 0:
            raise BenchmarkError(f"nginx needs {_STATE}: make it, or run this as root")
        _STATE.mkdir()
    program = place / "usr" / "sbin" / "nginx"
    return Nginx(program, place / "usr" / _MODULE, _nchan_version(place))


def _nchan_version(place: Path | None = None) -> str:
    if place is None:
        return _output("dpkg-query", "-W", "-f", "${Version}", _DEBIAN_PACKAGES[1])
    (package,) = place.glob(f"{_DEBIAN_PACKAGES[1]}_*.deb")
    return _output("dpkg-deb", "--field", str(package), "Version")


def _place(name: str, files: list[Path]) -> tuple[Path, bool]:
    """Return a folder named after what the files say, and whether it has to be filled."""
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
    place = _CACHE / f"{name}-{digest}"
    if _is_finished(place):
        return place, False
    print(f"installing {name} into {place.parent.name}/ ...", file=sys.stderr, flush=True)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return place, True


def _is_finished(place: Path) -> bool:
    return (place / ".installed").exists()


def _finish(place: Path) -> None:
    (place / ".installed").touch()


def _require(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            raise BenchmarkError(f"this peer needs `{program}`")


def _run(*command: str, at: Path | None = None) -> None:
    done = subprocess.run(
        command, cwd=at, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchmarkError(f"`{' '.join(command[:3])} ...` failed: {done.stderr.strip()[-500:]}")


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

"""Stand-ins for the official images, made of this machine's packages: no registry is asked.

They have the programs, the users and the folders of the originals as far as docker-compose.yml
and the Dockerfile rely on them. What they prove is those files, not the official images.
"""

import os
import ssl
import subprocess
from pathlib import Path

import yaml

from tests.containers.engine import Engine
from tests.support.worker import REPOSITORY

#: Debian 13 wherever this runs: Python 3.13 as in the Dockerfile, and a HAProxy of the 3rd series.
SUITE = "trixie"
#: Unpacked only, never configured: a container runs one program, and it takes a third of the time.
_PACKAGES = (
    "base-files,bash,busybox,coreutils,dash,findutils,grep,haproxy,libc-bin,python3,python3-venv,"
    "redis-server,redis-tools,sed"
)
#: Without what these depend on, pages for a browser.
_ALONE = ("prometheus", "prometheus-redis-exporter")
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_HOOKS = (
    # Here and not by dpkg's path-exclude, for which each package goes through a filter in Python.
    'cd "$1/usr/share" && rm -r doc man locale info',
    'install -d -o 999 -g 1000 "$1/data"; install -d -o 65534 -g 65534 "$1/prometheus"',
    'install -d "$1/etc/haproxy" "$1/etc/prometheus"; ln -s busybox "$1/bin/wget"',
    # As in the official image, /usr/local has python, pip and their packages.
    'chroot "$1" python3 -m venv /usr/local',
)
#: By the name of the original, without its tag: what the image says beyond its files.
_CHANGES = {
    "python": [
        "ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        f"ENV PIP_CERT={_CERTIFICATES}",
    ],
    "redis": [],
    "haproxy": [],
    "prom/prometheus": ['ENTRYPOINT ["/usr/bin/prometheus"]'],
    "oliver006/redis_exporter": ['ENTRYPOINT ["/usr/bin/prometheus-redis-exporter"]'],
}


def make(engine: Engine) -> None:
    """Make all stand-ins, under the names that the Dockerfile and the stack use."""
    tar = engine.folder / "standin.tar"
    _pack(tar, engine.folder / "packages")
    engine.docker("import", str(tar), "standin", timeout_s=120.0)
    tar.unlink()
    for name in _names():
        changes = "\n".join(["FROM standin", *_CHANGES[name.partition(":")[0]]])
        engine.docker("build", "--tag", name, "-", stdin=changes)


def _names() -> list[str]:
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
    used = {service["image"] for service in compose["services"].values()}
    for line in (REPOSITORY / "Dockerfile").read_text().splitlines():
        if line.startswith("ARG PYTHON_IMAGE="):
            used.add(line.partition("=")[2])
    return sorted(name for name in used if name.partition(":")[0] in _CHANGES)


def _pack(tar: Path, packages: Path) -> None:
    packages.mkdir()
    _run(["apt-get", "download", "-qq", *_ALONE], packages)
    bundle = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    hooks = [
        f'for deb in {packages}/*.deb; do dpkg-deb -x "$deb" "$1"; done',
        f'install -D "{bundle}" "$1{_CERTIFICATES}"',
        *_HOOKS,
    ]
    _run(
        [
            "mmdebstrap",
            "--quiet",
            "--mode=root",
            "--variant=extract",
            f"--include={_PACKAGES}",
            *(f"--extract-hook={hook}" for hook in hooks),
            SUITE,
            str(tar),
        ],
        packages,
    )


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stdout[-2000:]}{done.stderr[-4000:]}")

"""What the figures of a test depend on, read from this machine."""

import os
import platform
import resource
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from loadtest.addresses import without_password
from loadtest.results import Environment

_PACKAGES = ("chat-cluster", "websockets", "uvloop", "redis", "hiredis", "hdrhistogram", "msgspec")
_SYSCTLS = (
    "fs.file-max",
    "fs.nr_open",
    "net.core.somaxconn",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_mem",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
    "net.netfilter.nf_conntrack_max",
)
_GIT_TIMEOUT_S = 5.0


def boot_id() -> str:
    """Return the kernel's id of this boot, or nothing where there is none."""
    return _text("/proc/sys/kernel/random/boot_id")


def descriptor_limit() -> int:
    """Return how many descriptors a process of this user can have at most."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return limit if limit != resource.RLIM_INFINITY else 1 << 20


def describe(command: Sequence[str]) -> Environment:
    """Read everything; passwords in the command's URLs are masked."""
    return Environment(
        command=without_password(" ".join(command)),
        revision=_revision(),
        python=platform.python_version(),
        kernel=platform.release(),
        cores=os.cpu_count() or 1,
        memory_kib=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024,
        descriptor_limit=descriptor_limit(),
        versions=dict(_versions()),
        sysctls={name: text for name in _SYSCTLS if (text := _sysctl(name))},
    )


def _versions() -> list[tuple[str, str]]:
    found = []
    for name in _PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return found


def _revision() -> str | None:
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--dirty"],  # noqa: S607 - whichever git there is
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=_GIT_TIMEOUT_S,
        )
    except (OSError, subprocess.SubprocessError):
        return None  # installed, or no git
    return answer.stdout.strip() or None


def _sysctl(name: str) -> str:
    return _text(f"/proc/sys/{name.replace('.', '/')}").replace("\t", " ")


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return ""

"""The workers as server lines of HAProxy.

A line is made of the address alone, so a worker that is restarted does not change it, and every
HAProxy that sees the same workers gets the same lines. All registered workers are listed, whatever
their state: HAProxy asks each of them itself whether it is ready, and sooner.
"""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from chat.broker.registry import Node

#: Ids are below 2^20: HAProxy places a server on its ring by id * 4096 in 32 bits, so two ids that
#: differ in higher bits only would share all their places.
ID_MAX = (1 << 20) - 1
#: What may stand in a configuration file; whatever else is in Redis stays out of it.
_REMOTE = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}")
_LOOPBACK = re.compile(r"(127\.[0-9.]+|localhost|\[::1\]):[0-9]+")
_SOCKET = re.compile(r"(unix|abns):([A-Za-z0-9_./-]+)")
_HEAD = "# Written by `chat nodes --haproxy`: do not edit.\n"


class Server(NamedTuple):
    """One line."""

    name: str
    address: str
    number: int


def servers(nodes: Iterable[Node], host: str) -> list[Server]:
    """Return one server for each address that can be reached from `host`, in a fixed order."""
    addresses = {
        address for node in nodes if (address := _reachable(node, is_here=node.host == host))
    }
    used: set[int] = set()
    found = []
    for address in sorted(addresses):
        number = _number(address)
        while number in used:  # once in a few hundred sets of 64
            number = number % ID_MAX + 1
        used.add(number)
        found.append(Server(_name(address), address, number))
    return found


def page(found: Sequence[Server], section: str = "") -> str:
    """Return the text: a remark, the section's line if one is given, and the servers."""
    first = f"{section}\n" if section else ""
    lines = [f"    server {s.name} {s.address} id {s.number} check\n" for s in found]
    return _HEAD + first + "".join(lines)


def replace(path: Path, text: str) -> bool:
    """Give a file this content in one step; return whether it had another.

    Raises:
        OSError: it cannot be written; it is as it was then.
    """
    with contextlib.suppress(FileNotFoundError, UnicodeDecodeError):
        if path.read_text() == text:
            return False
    mode = path.stat().st_mode & 0o7777 if path.exists() else 0o644
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


def _reachable(node: Node, *, is_here: bool) -> str:
    """Return the address as HAProxy writes it, empty if it is of no use here."""
    if socket := _SOCKET.fullmatch(node.address):
        return f"{socket[1]}@{socket[2]}" if is_here else ""
    if _LOOPBACK.fullmatch(node.address):
        return node.address if is_here else ""
    return node.address if _REMOTE.fullmatch(node.address) else ""


def _name(address: str) -> str:
    """Return the address without the characters that a name must not have; still unique."""
    return re.sub(r"[@/]+", ":", address.strip("[").replace("]", ""))


def _number(address: str) -> int:
    digest = sha256(address.encode()).digest()
    return int.from_bytes(digest[:4], "big") % ID_MAX + 1

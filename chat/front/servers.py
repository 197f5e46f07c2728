"""The servers file of HAProxy for workers with known addresses: pure, from addresses to text.

Where a room goes is decided by the ids of the servers. They are made from the addresses, so that
two HAProxies with the same workers agree, in whatever order they are listed, and a worker that is
added or left out moves no id.
"""

import re
from collections.abc import Sequence
from hashlib import sha256

#: HAProxy 2.6 places a server on its ring by the lower 20 bits of its id; 0 is no id.
IDS = 2**20 - 1
SLOT = "{slot}"
_TCP_SLOT = re.compile(r"tcp:(.+):(\d{1,5})\+\{slot\}")
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):(\d{1,5})")
_UNIX = re.compile(r"(unix:/|abns:)[!-~]+")


class ServersError(ValueError):
    """A list of addresses cannot be used; the text says why."""


def addresses_of(pattern: str, slots: int) -> list[str]:
    """Return the address of each slot of a CHAT_WORKER_SOCKETS pattern.

    Raises:
        ServersError: there is no `{slot}` in it.
    """
    tcp = _TCP_SLOT.fullmatch(pattern)
    if tcp is not None:
        return [f"{tcp[1]}:{int(tcp[2]) + slot}" for slot in range(slots)]
    if SLOT not in pattern:
        raise ServersError(f"{pattern!r} has no {SLOT} in it")
    return [pattern.replace(SLOT, str(slot)) for slot in range(slots)]


def server_id(address: str) -> int:
    """Return the id of the server at an address, the same on every machine.

    Raises:
        ServersError: it is no address.
    """
    digest = sha256(_target(address).encode()).digest()
    return int.from_bytes(digest[:4], "big") % IDS + 1


def render(workers: Sequence[str], apis: Sequence[str]) -> str:
    """Return the file: the servers of the three backends that haproxy.cfg expects.

    Args:
        workers: addresses as `host:port`, `unix:/path` or `abns:name`.
        apis: the same of `chat api`.

    Raises:
        ServersError: an address is wrong or there twice, or two have one id.
    """
    by_id: dict[int, str] = {}
    for address in workers:
        taken = by_id.setdefault(server_id(address), address)
        if taken != address:
            raise ServersError(f"{taken} and {address} happen to get the same id: rename one")
    by_room = [
        f"server worker-{number} {_target(address)} id {server_id(address)} check"
        for number, address in enumerate(workers)
    ]
    # One check for both backends, and one drain: a tracking server does what the other does.
    anywhere = [
        f"server worker-{number} {_target(address)} track workers_by_room/worker-{number}"
        for number, address in enumerate(workers)
    ]
    api = [f"server api-{number} {_target(address)} check" for number, address in enumerate(apis)]
    for kind, addresses in (("workers", workers), ("apis", apis)):
        if not addresses or len(set(addresses)) != len(addresses):
            raise ServersError(f"the {kind} are none, or one is there twice")
    return "\n\n".join(
        [
            "# Written by `chat front servers`; goes with haproxy.cfg or l4.cfg.",
            _section("backend workers_by_room from to-workers-by-room", by_room),
            _section("backend workers_any from to-workers-any", anywhere),
            _section("backend api from to-api", api) + "\n",
        ]
    )


def _section(head: str, lines: Sequence[str]) -> str:
    return "\n    ".join([head, *lines])


def _target(address: str) -> str:
    """Return an address as HAProxy writes it."""
    if _UNIX.fullmatch(address):
        return address.replace(":", "@", 1)
    if _HOST_PORT.fullmatch(address):
        return address
    raise ServersError(f"{address!r} is not host:port, unix:/path or abns:name")

"""The servers file of HAProxy for workers with known addresses: pure, from addresses to text.

Where a room goes is decided by the ids of the servers. Names and ids are made from the addresses,
so that two HAProxies with the same workers agree, in whatever order they are listed, and a worker
that is added, left out or restarted changes no line of another.
"""

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256

from chat.front.address import Address, AddressError, parse
from chat.settings import SLOT

#: HAProxy 2.6 places a server on its ring by the lower 20 bits of its id; 0 is no id.
IDS = 2**20 - 1
_TCP_SLOT = re.compile(r"tcp:(.+):([0-9]{1,5})\+\{slot\}")


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


def render(workers: Sequence[str], apis: Sequence[str]) -> str:
    """Return the file: the servers of the three backends that haproxy.cfg expects.

    Args:
        workers: addresses as `host:port`, `unix:/path` or `abns:name`.
        apis: the same of `chat api`.

    Raises:
        ServersError: an address is wrong or there twice, or there is none.
    """
    servers = _parsed("workers", workers)
    ids = server_ids(servers)
    by_room = [f"server {one.name} {one.written} id {ids[one]} check" for one in servers]
    # One check for both backends, and one drain: a tracking server does what the other does.
    anywhere = [
        f"server {one.name} {one.written} track workers_by_room/{one.name}" for one in servers
    ]
    api = [f"server {one.name} {one.written} check" for one in _parsed("apis", apis)]
    return "\n\n".join(
        [
            "# Written by `chat front servers`; goes with haproxy.cfg or l4.cfg.",
            _section("backend workers_by_room from to-workers-by-room", by_room),
            _section("backend workers_any from to-workers-any", anywhere),
            _section("backend api from to-api", api) + "\n",
        ]
    )


def server_ids(servers: Iterable[Address]) -> dict[Address, int]:
    """Return the id of each server, the same on every machine.

    Where two addresses of a set make the same id, the later one in the alphabet takes the next:
    once in a few hundred sets of 64.
    """
    ids: dict[Address, int] = {}
    used: set[int] = set()
    for one in sorted(servers):
        digest = sha256(one.written.encode()).digest()
        number = int.from_bytes(digest[:4], "big") % IDS + 1
        while number in used:
            number = number % IDS + 1
        used.add(number)
        ids[one] = number
    return ids


def _parsed(kind: str, addresses: Sequence[str]) -> list[Address]:
    try:
        servers = [parse(text) for text in addresses]
    except AddressError as exc:
        raise ServersError(str(exc)) from exc
    if not servers or len(set(servers)) != len(servers):
        raise ServersError(f"the {kind} are none, or one is there twice")
    return servers


def _section(head: str, lines: Sequence[str]) -> str:
    return "\n    ".join([head, *lines])

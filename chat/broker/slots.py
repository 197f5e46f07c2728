"""Which slot of a Redis Cluster a key belongs to, and which master serves which slots: pure.

Source: Redis Cluster specification, "Key distribution model" and "Hash tags"; CRC16 is XMODEM's,
which the standard library has as `crc_hqx`.
"""

from binascii import crc_hqx
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from chat.broker.target import Address

SLOTS = 16384


def slot_of_tag(tag: str) -> int:
    """Return the slot of all keys with this hash tag."""
    return crc_hqx(tag.encode(), 0) % SLOTS


def hash_tag(key: str) -> str:
    """Return the part of a key that decides on its slot: in the first braces, if there are any.

    Empty braces count as none.
    """
    start = key.find("{")
    if start >= 0:
        end = key.find("}", start + 1)
        if end > start + 1:
            return key[start + 1 : end]
    return key


def tag_within(slots: Container[int]) -> str:
    """Return a hash tag whose slot is one of these, always the same one.

    There has to be one. Complexity: 16384 tries for each of them on average.
    """
    number = 0
    while slot_of_tag(str(number)) not in slots:
        number += 1
    return str(number)


@dataclass(frozen=True, slots=True)
class View:
    """What one node says of the cluster.

    `masters` maps the address of each master with slots to those slots, `nodes` has these and
    their replicas; `epoch` rises with every change that the cluster has agreed on.
    """

    epoch: int
    masters: dict[Address, frozenset[int]]
    nodes: frozenset[Address]

    @property
    def unserved(self) -> int:
        """Return how many slots nobody serves."""
        return SLOTS - sum(map(len, self.masters.values()))


def read_view(info: bytes, slots: list[Any], asked: Address) -> View:
    """Read the answers to CLUSTER INFO and CLUSTER SLOTS.

    Args:
        info: lines of `name:value`.
        slots: [first, last, [host, port, ...], replicas ...], ...
        asked: who answered; a node without a name of its own is at the same host.

    Raises:
        ValueError: the answers are something else.
    """
    fields = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
    masters: dict[Address, set[int]] = {}
    nodes: set[Address] = set()
    try:
        epoch = int(fields["cluster_current_epoch"])
        for first, last, *served_by in slots:
            named = [_address(node, asked) for node in served_by]
            masters.setdefault(named[0], set()).update(range(first, last + 1))
            nodes.update(named)
    except (KeyError, IndexError, TypeError, AttributeError) as exc:
        raise ValueError(f"not the answers of a Redis Cluster: {exc!r}") from None
    served = {address: frozenset(its) for address, its in masters.items()}
    return View(epoch, served, frozenset(nodes))


def _address(node: list[Any], asked: Address) -> Address:
    host = node[0].decode() if node[0] else ""
    return Address(asked.host if host in ("", "?") else host, int(node[1]))


@dataclass(frozen=True, slots=True)
class Redirection:
    """An error by which a node of a cluster sends a command elsewhere.

    `kind` is MOVED or ASK with the address of another node, or TRYAGAIN while the keys of one
    command lie on two nodes. In all three nothing was done.
    """

    kind: str
    address: Address | None = None


def read_redirection(error: str) -> Redirection | None:
    """Read the text of an error; None if it is not a redirection."""
    kind, _, rest = error.partition(" ")
    if kind == "TRYAGAIN":
        return Redirection(kind)
    if kind not in ("MOVED", "ASK"):
        return None
    host, _, port = rest.partition(" ")[2].rpartition(":")
    if not port.isdecimal():
        return Redirection(kind)
    return Redirection(kind, Address(host, int(port)) if host else None)

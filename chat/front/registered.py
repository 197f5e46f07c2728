"""The registered workers that a HAProxy can reach: pure, from the registry to addresses.

All of them, whatever their state: HAProxy asks each itself whether it is ready, and sooner.
"""

import contextlib
from collections.abc import Iterable

from chat.broker.registry import Node
from chat.front.address import AddressError, parse


def reachable(nodes: Iterable[Node], host: str) -> list[str]:
    """Return the addresses that can be reached from `host`, each once, in the same order always.

    Workers that share an address are one; what stands there and is no address is left out.
    """
    found: set[str] = set()
    for node in nodes:
        with contextlib.suppress(AddressError):
            is_local = parse(node.address).is_local
            if node.host == host or not is_local:
                found.add(node.address)
    return sorted(found)

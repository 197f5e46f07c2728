"""Where a stack's network can be: not on a subnet that this host already has a way to.

Docker refuses subnets of its own networks only. A bridge of another engine, or of a run that was
killed, would take the stack's packets, and its published ports would reset every connection.
"""

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

_CHOICES = IPv4Network("172.31.0.0/16")


def unused_subnet(table: str | None = None) -> str:
    """Return a /24 that no route of this host but the default one covers.

    Args:
        table: the routes, this host's if None.

    Raises:
        LookupError: all of them are taken.
    """
    taken = routed(Path("/proc/net/route").read_text() if table is None else table)
    for subnet in _CHOICES.subnets(new_prefix=24):
        if not any(subnet.overlaps(each) for each in taken):
            return str(subnet)
    raise LookupError(f"no free /24 in {_CHOICES}")


def routed(table: str) -> list[IPv4Network]:
    """Return the networks of /proc/net/route (proc_net_route(5): hexadecimal, host byte order)."""
    rows = [line.split() for line in table.splitlines()[1:]]
    networks = [IPv4Network((_address(row[1]), str(_address(row[7])))) for row in rows]
    return [each for each in networks if each.prefixlen]


def _address(text: str) -> IPv4Address:
    return IPv4Address(int(text, 16).to_bytes(4, "little"))

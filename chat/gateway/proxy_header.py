"""The PROXY protocol header, version 2, that a proxy without HTTP puts before a connection's bytes.

Pure: bytes in, an address out. The format is HAProxy's (doc/proxy-protocol.txt, section 2.2):
signature, version and command, family, length, addresses, and fields that nobody needs here.
"""

import ipaddress
from typing import NamedTuple

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_FIXED_BYTES = len(SIGNATURE) + 4
#: Addresses and what else a proxy may say (TLS, unique ids); more is not a proxy of ours.
MAX_BYTES = 2048
_LOCAL, _PROXY = 0x20, 0x21  # version 2, and: the proxy speaks for itself, or for a client
_TCP4, _TCP6 = 0x11, 0x21
_ADDRESS_BYTES = {_TCP4: 4, _TCP6: 16}


class ProxyHeaderError(ValueError):
    """The bytes are no header of this version."""


class ProxyHeader(NamedTuple):
    """What a header says.

    Attributes:
        peer: address and port of the client; None if the proxy speaks for itself.
        size: bytes of the header; what comes behind is the client's.
    """

    peer: tuple[str, int] | None
    size: int


def read_proxy_header(data: bytes) -> ProxyHeader | None:
    """Read the header that `data` begins with; None if it is not whole yet.

    Raises:
        ProxyHeaderError: it begins with something else.
    """
    if not SIGNATURE.startswith(data[: len(SIGNATURE)]):
        raise ProxyHeaderError("no PROXY protocol signature")
    if len(data) < _FIXED_BYTES:
        return None
    command, family = data[12], data[13]
    size = _FIXED_BYTES + int.from_bytes(data[14:16])
    if command not in (_LOCAL, _PROXY) or size > MAX_BYTES:
        raise ProxyHeaderError("not a PROXY protocol header of version 2")
    if len(data) < size:
        return None
    if command == _LOCAL:
        return ProxyHeader(None, size)
    width = _ADDRESS_BYTES.get(family)
    if width is None:
        raise ProxyHeaderError(f"family {family:#x} is not TCP over IPv4 or IPv6")
    if size < _FIXED_BYTES + 2 * width + 4:
        raise ProxyHeaderError("too short for its addresses")
    address = ipaddress.ip_address(data[16 : 16 + width])
    port = int.from_bytes(data[16 + 2 * width : 18 + 2 * width])
    return ProxyHeader((str(address), port), size)

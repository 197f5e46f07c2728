"""What a proxy that relays bytes says of its client: a PROXY protocol header, version 2."""

import ipaddress
import struct

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")


def header(client: str, port: int = 4711, extra: bytes = b"") -> bytes:
    """Return the header of a TCP client."""
    address = ipaddress.ip_address(client)
    here = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    body = address.packed + here.packed + struct.pack("!HH", port, 443) + extra
    family = 0x11 if address.version == 4 else 0x21
    return SIGNATURE + struct.pack("!BBH", 0x21, family, len(body)) + body

"""A name server for one name, whose addresses a test changes (RFC 1035, A records over UDP)."""

import asyncio
import ipaddress
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast

_A = 1
_ANSWER, _AUTHORITATIVE, _RECURSIVE = 0x8000, 0x0400, 0x0180
_HEADER_BYTES = 12
_THE_NAME_ASKED_FOR = 0xC00C


class Names(asyncio.DatagramProtocol):
    """Answers every question about an IPv4 address with `addresses`, in their order."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self.addresses = list(addresses)
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        end = data.index(b"\0", _HEADER_BYTES) + 5  # the name, its type and its class
        question = data[_HEADER_BYTES:end]
        asked = int.from_bytes(question[-4:-2])
        records = [
            struct.pack("!HHHIH", _THE_NAME_ASKED_FOR, _A, 1, 1, 4)
            + ipaddress.IPv4Address(address).packed
            for address in (self.addresses if asked == _A else [])
        ]
        flags = _ANSWER | _AUTHORITATIVE | _RECURSIVE
        head = data[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0)
        assert self._transport is not None
        self._transport.sendto(b"".join([head, question, *records]), addr)


@asynccontextmanager
async def names(addresses: Sequence[str]) -> AsyncIterator[Names]:
    """Run one on a loopback port."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: Names(addresses), local_addr=("127.0.0.1", 0)
    )
    try:
        yield protocol
    finally:
        transport.close()
        await asyncio.sleep(0)

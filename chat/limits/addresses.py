"""New connections per client address, so that one machine cannot take a worker's handshakes.

IPv6 clients count by their /64, the least that a household or a server is given (RFC 6177); an
IPv4 address inside an IPv6 one counts as the IPv4 address it is.
"""

from collections import OrderedDict
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from chat.limits.buckets import spend, wait_s
from chat.settings import Settings

MAX_ADDRESSES = 65536
_DROPS_PER_ADMIT = 2  # more than one, so that the table also gets smaller
_PREFIX_BYTES = 8  # a /64


class AddressLimits:
    """A bucket per address that has connected lately.

    The table is bounded: the addresses seen longest ago go first, those whose bucket is full as
    soon as possible. Beyond `max_addresses` one goes that is not full: whoever has that many
    addresses is not held back by forgetting one.
    """

    def __init__(self, settings: Settings, max_addresses: int = MAX_ADDRESSES) -> None:
        self._rate = settings.address_connects_per_s
        self._burst = settings.address_connects_burst
        self._max_addresses = max_addresses
        self._full_at_s: OrderedDict[bytes, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at_s)

    def admit(self, address: str, now_s: float) -> float:
        """Count a new connection and return 0.0, or count nothing and the seconds to wait."""
        if self._rate <= 0:
            return 0.0
        self._drop_oldest(now_s)
        key = _network(address)
        full_at_s = self._full_at_s.get(key, 0.0)
        wait = wait_s(full_at_s, 1, self._rate, self._burst, now_s)
        if wait == 0.0:
            self._full_at_s[key] = spend(full_at_s, 1, self._rate, now_s)
            self._full_at_s.move_to_end(key)
            if len(self._full_at_s) > self._max_addresses:
                self._full_at_s.popitem(last=False)
        return wait

    def _drop_oldest(self, now_s: float) -> None:
        for _ in range(min(_DROPS_PER_ADMIT, len(self._full_at_s))):
            key, full_at_s = next(iter(self._full_at_s.items()))
            if full_at_s > now_s:
                break
            del self._full_at_s[key]


@lru_cache(maxsize=8192)
def _network(address: str) -> bytes:
    """Return what an address counts as; one that is no IP address counts as itself."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return b"?" + address.encode(errors="surrogatepass")
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return parsed.packed[:_PREFIX_BYTES]
        parsed = parsed.ipv4_mapped
    return parsed.packed

"""Which web pages may open a connection (RFC 6455 section 10.2).

A request without an Origin does not come from a browser and is judged by its token alone.
"""

from urllib.parse import urlsplit

from chat.gateway.application import Request

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class OriginPolicy:
    """An allow-list of exact origins; empty means the host the page itself came from."""

    def __init__(self, allowed: str) -> None:
        self._allowed = frozenset(
            origin.strip().rstrip("/").lower() for origin in allowed.split(",") if origin.strip()
        )

    def allows(self, request: Request) -> bool:
        """Whether this request's Origin may connect."""
        origins = request.headers.get_all("Origin")
        if not origins:
            return True
        if len(origins) != 1:
            return False
        origin = origins[0].lower()
        if self._allowed:
            return origin in self._allowed
        hosts = request.headers.get_all("Host")
        try:
            return len(hosts) == 1 and urlsplit(origin).netloc == hosts[0].lower()
        except ValueError:
            return False


def is_local_host(host: str) -> bool:
    """Whether a Host header names this machine."""
    try:
        return urlsplit(f"//{host}").hostname in LOCAL_NAMES
    except ValueError:
        return False

"""Addresses as `host:port`. Pure."""

import ipaddress
from urllib.parse import urlsplit, urlunsplit


def split(text: str, default_host: str = "127.0.0.1") -> tuple[str, int]:
    """Read `host:port`, `[v6]:port` or `:port`.

    Raises:
        ValueError: it is none of them.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise ValueError(f"{text!r} is not like host:port")
    return host.strip("[]") or default_host, int(port)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def without_password(url: str) -> str:
    """Return a URL with its password masked, and any other text as it is."""
    parts = urlsplit(url)
    if not parts.password:
        return url
    _, _, place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{place}"))

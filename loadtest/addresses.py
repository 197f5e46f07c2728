"""Addresses as `host:port`. Pure."""

import ipaddress
import re


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


def without_password(text: str) -> str:
    """Return a text with the passwords of all URLs in it masked."""
    return _PASSWORD.sub(r"\1***@", text)


_PASSWORD = re.compile(r"(://[^\s:/@]*:)[^\s/]*@")

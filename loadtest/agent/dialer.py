"""Sockets towards the target: where to, where from, with TLS or without."""

import contextlib
import socket
import ssl
from collections.abc import Sequence
from urllib.parse import urlsplit

from loadtest.control import Target
from loadtest.wire import Upgrade

_IP_BIND_ADDRESS_NO_PORT = 24  # <linux/in.h>: choose the port at connect, so ports are reused
_RESET = b"\1\0\0\0\0\0\0\0"  # struct linger: on, 0 s; close(2) resets and leaves no TIME_WAIT
_SLOW_RECEIVE_BYTES = 16384  # a slow reader must not hide behind the kernel's buffer
_REACH_TIMEOUT_S = 2.0

Address = tuple[str | int, ...] | tuple[int, bytes]


class TargetError(Exception):
    """The target cannot be dialled from here; the text says why."""


class Dialer:
    """Makes non-blocking sockets that connect.

    Args:
        target: the deployment under test.

    Raises:
        TargetError: its address, its certificates or its source addresses are of no use.
    """

    def __init__(self, target: Target) -> None:
        parts = urlsplit(target.url)
        if parts.scheme not in ("ws", "wss") or not parts.hostname:
            raise TargetError(f"{target.url} is not a ws:// or wss:// address.")
        self.host = parts.hostname
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.upgrade = Upgrade(parts.netloc.rpartition("@")[2], path)
        self._tls = tls_context(target) if parts.scheme == "wss" else None
        try:
            port = parts.port or (443 if self._tls else 80)
            found = _resolve(self.host, port, target.source_addresses)
        except (OSError, ValueError) as exc:
            raise TargetError(f"{target.url} cannot be resolved: {exc}.") from None
        self._family, self._address = found
        self._sources = target.source_addresses
        self._try_sources()

    @property
    def secure(self) -> bool:
        """Whether connections are TLS."""
        return self._tls is not None

    def dial(self, number: int, *, slow: bool) -> int:
        """Begin to connect; return the descriptor, on which the first write may have to wait.

        Args:
            number: of the client; source addresses are used in turn.
            slow: give it a small receive buffer.

        Raises:
            OSError: it failed at once.
        """
        sock = socket.socket(self._family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if slow:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SLOW_RECEIVE_BYTES)
            if self._sources:
                self._bind(sock, self._sources[number % len(self._sources)])
            with contextlib.suppress(BlockingIOError):
                sock.connect(self._address)
        except OSError:
            sock.close()
            raise
        return sock.detach()

    def secured(self, fd: int) -> ssl.SSLSocket:
        """Return a TLS socket around a connected descriptor; its handshake is still to be done.

        Raises:
            OSError: it failed, and the descriptor is closed.
        """
        if self._tls is None:
            raise TargetError("The target is not a wss:// address.")
        sock = _bare(fd)
        sock.setblocking(False)
        return self._tls.wrap_socket(sock, do_handshake_on_connect=False, server_hostname=self.host)

    def _bind(self, sock: socket.socket, source: str) -> None:
        sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        sock.bind((source, 0))

    def _try_sources(self) -> None:
        for source in self._sources:
            with socket.socket(self._family, socket.SOCK_STREAM) as sock:
                try:
                    self._bind(sock, source)
                except OSError as exc:
                    raise TargetError(
                        f"{source} cannot be used as a source address: {exc.strerror}."
                    ) from None


def reset_on_close(fd: int) -> None:
    """Have close(2) cut the connection, as when a cable is pulled, and not end it politely."""
    sock = _bare(fd)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    finally:
        sock.detach()


def _resolve(host: str, port: int, sources: Sequence[str]) -> tuple[socket.AddressFamily, Address]:
    """Return an address of the host: of the sources' family, and the first that can be reached.

    `localhost` may be ::1 first, where a server on 127.0.0.1 does not listen.
    """
    family = socket.AF_UNSPEC
    if sources:
        family = socket.AF_INET6 if ":" in sources[0] else socket.AF_INET
    answers = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    found = [(answer[0], answer[4]) for answer in answers]
    for candidate in found if len(found) > 1 else ():
        with socket.socket(candidate[0], socket.SOCK_STREAM) as sock:
            sock.settimeout(_REACH_TIMEOUT_S)
            if sock.connect_ex(candidate[1]) == 0:
                return candidate
    return found[0]


def _bare(fd: int) -> socket.socket:
    """Return a socket object for a descriptor; told the family, Python does not ask the kernel."""
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fd)


def tls_context(target: Target) -> ssl.SSLContext:
    """Return how the target's certificate is verified.

    Raises:
        TargetError: its file of authorities is none.
    """
    try:
        context = ssl.create_default_context(cafile=target.ca_file)
    except (OSError, ssl.SSLError) as exc:
        raise TargetError(f"{target.ca_file} is no file of certificates: {exc}.") from None
    if not target.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context

"""The TLS side of an agent's connections, for a target that is wss://."""

import select
import ssl
from collections.abc import Iterator

from loadtest.agent.dialer import Dialer


class Secured:
    """The TLS sockets by descriptor; empty for a plain target, and then it costs nothing."""

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self._sockets: dict[int, ssl.SSLSocket] = {}

    def begin(self, fd: int) -> None:
        """Put TLS on a connected descriptor.

        Raises:
            OSError: it failed, and the descriptor is closed.
        """
        self._sockets[fd] = self._dialer.secured(fd)

    def handshake(self, fd: int) -> int:
        """Go on with the handshake; return what epoll has to wait for, 0 once it is done.

        Raises:
            OSError: it failed.
        """
        try:
            self._sockets[fd].do_handshake()
        except ssl.SSLWantReadError:
            return select.EPOLLIN
        except ssl.SSLWantWriteError:
            return select.EPOLLOUT
        return 0

    def send(self, fd: int, data: bytes) -> int:
        """Return how many bytes were taken, 0 if none can be now.

        Raises:
            OSError: the connection is broken.
        """
        try:
            return self._sockets[fd].send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0

    def received(self, fd: int, at_most: int) -> Iterator[bytes]:
        """Yield until TLS has nothing more: what it has decrypted, epoll does not know of.

        The last is empty if that is the end of the connection.

        Raises:
            OSError: the connection is broken.
        """
        sock = self._sockets[fd]
        while True:
            try:
                data = sock.recv(at_most)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except ssl.SSLEOFError:
                data = b""
            yield data
            if not data:
                return

    def close(self, fd: int) -> bool:
        """Close a descriptor that has TLS on it; return whether it had."""
        sock = self._sockets.pop(fd, None)
        if sock is None:
            return False
        sock.close()
        return True

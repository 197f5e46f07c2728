"""Listening sockets: one per worker slot, all on the public port (SO_REUSEPORT).

The kernel spreads new connections over the sockets that listen. The supervisor keeps each socket
open across the lives of its workers, so connections that arrive in between wait in its queue.
"""

import socket

from chat.settings import SettingsError, variable


def bind(host: str, port: int, backlog: int, *, names: tuple[str, ...]) -> socket.socket:
    """Return a listening socket that nobody shares.

    Args:
        host: address or name; the first address of a name is used.
        port: 0 for any free one.
        backlog: length of the kernel's queue.
        names: the setting or settings that hold host and port, for the sentence of an error.

    Raises:
        SettingsError: the address is unknown, not ours or in use.
    """
    sock = _bound(host, port, names, shared=False)
    sock.listen(backlog)
    return sock


def _bound(host: str, port: int, names: tuple[str, ...], *, shared: bool) -> socket.socket:
    variables = [variable(name) for name in names]
    try:
        info = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as exc:
        raise SettingsError(f"{variables[0]}: {host!r} is not an address: {exc.strerror}.") from exc
    family, _, _, _, address = info[0]
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(address)
    except OSError as exc:
        sock.close()
        why = (exc.strerror or str(exc)).lower()
        raise SettingsError(
            f"Cannot listen on {host} port {port} ({why}): "
            f"stop what uses it, or set {' and '.join(variables)}."
        ) from exc
    return sock


class PublicPort:
    """The port that all workers share.

    A socket that is bound but does not listen keeps the port ours while no worker lives, and gets
    no connections.

    Args:
        host: address or name.
        port: 0 for any free one.
        backlog: length of each socket's queue.

    Raises:
        SettingsError: the address is unknown, not ours or in use.
    """

    def __init__(self, host: str, port: int, backlog: int) -> None:
        names = ("host", "port")
        # Sharing would not notice another program of ours on the port: ask without it first.
        _bound(host, port, names, shared=False).close()
        self._reserved = _bound(host, port, names, shared=True)
        self._host = host
        self._backlog = backlog
        self.port: int = self._reserved.getsockname()[1]

    def open(self) -> socket.socket:
        """Return one more listening socket on the port."""
        sock = _bound(self._host, self.port, ("host", "port"), shared=True)
        sock.listen(self._backlog)
        return sock

    def close(self) -> None:
        """Give the port up."""
        self._reserved.close()

"""Loopback sockets and ports for servers under test."""

import socket


def listening_socket(backlog: int = 1024) -> socket.socket:
    """Return a loopback TCP socket that listens already, so that its port is known and ours."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    sock.listen(backlog)
    return sock


def port_of(sock: socket.socket) -> int:
    """Return the port a socket is bound to."""
    port: int = sock.getsockname()[1]
    return port


def unused_port() -> int:
    """Return a loopback port nobody listens on at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return port_of(sock)

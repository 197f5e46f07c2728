"""Loopback sockets and ports for servers under test."""

import itertools
import os
import random
import socket
from collections.abc import Iterator

#: Below the ports that Linux gives to connections that go out and to servers that take any port:
#: nobody is given one of these between our look and its use, or while its server is down. And above
#: those that browsers refuse to call, of which 10,080 is the last.
_FIRST, _COUNT = 11_000, 21_000


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
    """Return a loopback port nobody listens on, and that no other test is given meanwhile."""
    for port in itertools.islice(_candidates, _COUNT):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("there is no port left")


def _ours() -> Iterator[int]:
    """Yield the ports of this process of the test run again and again, from anywhere on."""
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    share = _COUNT // processes
    ports = range(_FIRST + number * share, _FIRST + (number + 1) * share)
    # Another run on this machine, if there is one, begins elsewhere.
    begin = random.randrange(share)
    return itertools.cycle([*ports[begin:], *ports[:begin]])


_candidates = _ours()

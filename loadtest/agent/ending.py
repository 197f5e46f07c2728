"""How a connection ended that we did not end."""

import errno
import ssl
from typing import NamedTuple


class Ending(NamedTuple):
    """Why a connection ended that we did not end.

    `code` is a close code, an HTTP status or the name of an errno; exactly one of the numbers is
    given for the first two.
    """

    code: str
    close: int | None = None
    status: int | None = None
    retry_after_s: float = 0.0


def failed(exc: OSError) -> Ending:
    """Return what an error of the socket or of TLS ended."""
    if isinstance(exc, ssl.SSLError):
        return Ending("TLS")
    return Ending(errno.errorcode.get(exc.errno or 0, str(exc.errno)))


def refused(head: bytes) -> Ending:
    """Return what an answer other than 101 ended, by its head."""
    lines = head.decode("latin-1").split("\r\n")
    word = lines[0].split(" ")[1:2]
    status = int(word[0]) if word and word[0].isdigit() else 0
    wait_s = 0.0
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name.lower() == "retry-after" and value.strip().isdigit():
            wait_s = float(value)
    return Ending(str(status), status=status, retry_after_s=wait_s)

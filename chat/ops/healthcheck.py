"""Asks the operations port of this container: `python -m chat.ops.healthcheck [PATH]`.

What an image's HEALTHCHECK runs, as it has no curl. Exit code 0 for the answer 200, else 1 with a
sentence. PATH is /healthz unless given: whoever restarts on it must not restart on an outage of
Redis, which is what /readyz would tell (docs/operations.md).
"""

import os
import sys
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException

_TIMEOUT_S = 3.0
#: Addresses that mean all of the container's, and which of them to ask.
_ANY = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def problem(environ: Mapping[str, str], path: str) -> str | None:
    """Ask; return what is wrong, None if nothing is.

    Reads two variables and no settings: it runs every few seconds, and importing those costs more
    than the question. Blocks for at most 3 s.
    """
    host = environ.get("CHAT_OPS_HOST", "127.0.0.1")
    port = environ.get("CHAT_OPS_PORT", "9100")
    connection = HTTPConnection(_ANY.get(host, host), int(port), timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read(1000).decode(errors="replace")
    except (OSError, HTTPException) as exc:
        return f"{path}: {exc!r}"
    finally:
        connection.close()
    return None if answer.status == 200 else f"{path}: {answer.status} {text}"


def main(arguments: Sequence[str]) -> int:
    """Return the exit code."""
    found = problem(os.environ, arguments[0] if arguments else "/healthz")
    if found:
        sys.stderr.write(found + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

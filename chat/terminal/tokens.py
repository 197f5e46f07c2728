"""Where `chat join` gets its token from: an argument, a file, the environment, or `make run`."""

import argparse
import asyncio
import getpass
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

from chat.client import AuthenticationError

VARIABLE = "CHAT_TOKEN"
_TIMEOUT_S = 5.0
_MAX_BYTES = 1 << 16

TokenSource = str | Callable[[], str] | Callable[[], Awaitable[str]]


def token_source(options: argparse.Namespace, environ: Mapping[str, str]) -> TokenSource:
    """Return the token, or what fetches one for each connection."""
    if options.token is not None:
        return str(options.token)
    if options.token_file is not None:
        path: Path = options.token_file
        return lambda: _of_file(path)
    if environ.get(VARIABLE) and options.user is None:
        return environ[VARIABLE].strip()
    user = options.user or getpass.getuser()
    return lambda: asyncio.to_thread(_local, options.url, user)


def _of_file(path: Path) -> str:
    """Read a token that somebody may replace before it ends."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise AuthenticationError(f"cannot read the token: {exc}") from None


def _local(url: str, user: str) -> str:
    """Ask a server that runs with `chat up --local` on this machine."""
    parts = urlsplit(url)
    scheme = "https" if parts.scheme == "wss" else "http"
    address = f"{scheme}://{parts.netloc}/local/token?user={quote(user, safe='')}"
    try:
        with urlopen(Request(address), timeout=_TIMEOUT_S) as answer:  # noqa: S310 - see above
            return str(json.loads(answer.read(_MAX_BYTES))["token"])
    except HTTPError as exc:
        with exc:
            if exc.code == 400:
                raise AuthenticationError(f"the server does not take the name {user!r}") from None
            if exc.code in (403, 404):
                raise AuthenticationError(
                    f"the server hands out no tokens: set {VARIABLE}, or say --token-file"
                ) from None
            raise

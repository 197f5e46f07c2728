"""What `chat api-key` does: makes a key and puts its line into the file."""

import os
from collections.abc import Sequence
from pathlib import Path

from msgspec import json

from chat.identity.apikeys import KeyFileError, Scope, new_key, parse_entries


class KeyRequestError(Exception):
    """There is no such key, or it cannot be put into the file; the text says why."""


def make_key(
    scopes: Sequence[Scope], rooms: Sequence[str], note: str, file: Path | None
) -> tuple[str, str]:
    """Return a new key and its line, which is added to a file if one is given.

    The file is made, for its owner only, if it is not there.

    Raises:
        KeyRequestError: it lacks rooms, or would not be read again, or cannot be written.
    """
    if not rooms and set(scopes) - {Scope.STATISTICS}:
        raise KeyRequestError("Say in which rooms with --room; '*' stands for all.")
    key, entry = new_key(sorted(set(scopes)), rooms, note)
    line = json.encode(entry)
    try:
        parse_entries(line)
    except KeyFileError as exc:
        raise KeyRequestError(f"That makes no key: {exc}.") from None
    if file is not None:
        _append(file, line)
    return key, line.decode()


def _append(file: Path, line: bytes) -> None:
    """Add a line in one write, behind a line end if the last line has none."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "r+b", buffering=0) as opened:
            size = opened.seek(0, os.SEEK_END)
            opened.seek(max(0, size - 1))
            last = opened.read(1)
            opened.write((b"" if last in (b"", b"\n") else b"\n") + line + b"\n")
    except OSError as exc:
        raise KeyRequestError(f"{file}: {exc.strerror}.") from None

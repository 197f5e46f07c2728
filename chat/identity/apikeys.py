"""API keys of back ends: what each may do, kept as hashes in a file that is read again.

A key is `chatkey_<id>_<secret>`. Its prefix tells it apart from a token, and lets scanners find
one that has leaked; the id finds its line in the file; the secret has 256 random bits, which is
why a plain SHA-256 of the key is enough: there is nothing to guess.

The file has one JSON object a line, empty lines and lines that begin with `#` are left out:

    {"id":"1f0c9a7e3b52","sha256":"9f86…","scopes":["publish"],"rooms":["news-*"],"note":"cms"}
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from msgspec import DecodeError, Meta, Struct, json

from chat.protocol.patterns import Pattern

PREFIX = "chatkey_"
MAX_FILE_BYTES = 1024 * 1024
MAX_KEYS = 10_000
_ID_BYTES = 6
_SECRET_BYTES = 32
_KEY = re.compile(rf"{PREFIX}([0-9a-f]{{12}})_[A-Za-z0-9_-]{{43}}\Z")
_NO_DIGEST = bytes(32)


class Scope(StrEnum):
    """What a key may be for. None of them implies another."""

    PUBLISH = "publish"
    READ = "read"
    TOKENS = "tokens"
    STATISTICS = "statistics"
    MODERATE = "moderate"


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A line of the file.

    Args:
        id: the part of the key that is no secret.
        sha256: of the whole key, in hexadecimal.
        scopes: what it may be used for.
        rooms: patterns of the rooms in which it may be.
        note: for whoever reads the file.
    """

    id: Annotated[str, Meta(pattern="^[0-9a-f]{12}$")]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    scopes: Annotated[list[Scope], Meta(min_length=1)]
    rooms: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=128)]], Meta(max_length=100)
    ] = []
    note: Annotated[str, Meta(max_length=200)] = ""


class KeyFileError(Exception):
    """The file cannot be used; the text says why and repeats nothing of it."""


class ApiKey:
    """A key that is in force, without the key itself."""

    __slots__ = ("_digest", "_patterns", "id", "scopes")

    def __init__(self, entry: Entry) -> None:
        self.id = entry.id
        self.scopes = frozenset(entry.scopes)
        self._digest = bytes.fromhex(entry.sha256)
        self._patterns = tuple(map(Pattern, entry.rooms))

    def is_of(self, digest: bytes) -> bool:
        """Whether this is the hash of the key, in a time that tells nothing about it."""
        return hmac.compare_digest(self._digest, digest)

    def allows(self, scope: Scope, room_id: str) -> bool:
        """Whether the key may be used for this in a room."""
        return scope in self.scopes and self.covers(room_id)

    def covers(self, pattern: str) -> bool:
        """Whether all rooms of a pattern, or a room, are among those of this key.

        A pattern lies within another if the other matches its text: the `*` in it can only be
        covered by a `*`, and so is whatever stands for it. Patterns that only several of the key's
        cover together are not found to be within.
        """
        return any(own.matches(pattern) for own in self._patterns)


class ApiKeys:
    """The keys of a file.

    Args:
        entries: its lines.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._by_id = {entry.id: ApiKey(entry) for entry in entries}

    def __len__(self) -> int:
        return len(self._by_id)

    def find(self, key: str) -> ApiKey | None:
        """Return what a key may do, None if it is not one of these.

        The time this takes tells at most whether an id is known, and ids are no secret.
        """
        matched = _KEY.match(key)
        if matched is None:
            return None
        found = self._by_id.get(matched[1])
        digest = hashlib.sha256(key.encode()).digest()
        if found is None:
            hmac.compare_digest(_NO_DIGEST, digest)
            return None
        return found if found.is_of(digest) else None


def new_key(scopes: Iterable[Scope], rooms: Iterable[str], note: str = "") -> tuple[str, Entry]:
    """Make a key; return it, for the one who will use it, and its line of the file."""
    key_id = secrets.token_hex(_ID_BYTES)
    key = f"{PREFIX}{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    digest = hashlib.sha256(key.encode()).hexdigest()
    entry = Entry(id=key_id, sha256=digest, scopes=list(scopes), rooms=list(rooms), note=note)
    return key, entry


def parse_entries(document: bytes) -> list[Entry]:
    """Return the lines of a file.

    Raises:
        KeyFileError: a line is not one, or an id is there twice.
    """
    entries: list[Entry] = []
    seen: set[str] = set()
    for number, line in enumerate(document.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith(b"#"):
            continue
        try:
            entry = _decoder.decode(line)
        except (DecodeError, UnicodeDecodeError) as exc:  # validation errors too
            raise KeyFileError(f"line {number}: {exc}") from None
        if entry.id in seen:
            raise KeyFileError(f"line {number}: this id is there twice")
        seen.add(entry.id)
        entries.append(entry)
    if len(entries) > MAX_KEYS:
        raise KeyFileError(f"it has more than {MAX_KEYS} keys")
    return entries


_decoder = json.Decoder(Entry)


def read_entries(path: Path) -> list[Entry]:
    """Return the lines of the file at a path.

    Raises:
        KeyFileError: it cannot be read, or see `parse_entries`.
    """
    try:
        with path.open("rb") as file:
            document = file.read(MAX_FILE_BYTES + 1)
    except OSError as exc:
        raise KeyFileError(exc.strerror or "it cannot be read") from None
    if len(document) > MAX_FILE_BYTES:
        raise KeyFileError(f"it is larger than {MAX_FILE_BYTES} bytes")
    return parse_entries(document)

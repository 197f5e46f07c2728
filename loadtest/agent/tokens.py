"""Tokens for the clients: signed here with the deployment's key, or ready ones out of a file.

The key never travels: each agent finds it in its own environment. PyJWT takes 33 µs for a token;
with the constant parts prepared and the key's state copied, as here, it takes 6 µs, and the
clients share their cores with the server under test.
"""

import binascii
import hmac
import json
import os
import time
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Protocol

#: Where the key is looked for, in this order; each may also be `…_FILE`, the path of a file.
VARIABLES = ("LOADTEST_JWT_SECRET", "CHAT_JWT_SECRET")
#: A file of ready tokens, one a line: line `n`, from 0, belongs to client `n`.
TOKENS_FILE = "LOADTEST_TOKENS_FILE"
_BACKDATED_S = 5  # clocks differ


class TokensError(Exception):
    """There is nothing to make tokens of; the text says what is missing."""


class Tokens(Protocol):
    """Whoever has tokens."""

    def token(self, client: int, user_id: str) -> bytes:
        """Return a token for a client; each call may return another."""


class Signed:
    """Signs HS256 tokens that allow everything in the test's rooms.

    Args:
        secret: the key.
        rooms: pattern of room ids.
        ttl_s: life of a token.
        claims: further ones, such as `iss` and `aud`.
    """

    def __init__(self, secret: bytes, rooms: str, ttl_s: float, claims: Mapping[str, str]) -> None:
        self._ttl_s = ttl_s
        self._head = _base64url(b'{"alg":"HS256","typ":"JWT"}') + b"."
        rest = {"rooms": {rooms: ["join", "publish"]}, **claims}
        self._rest = "," + json.dumps(rest, separators=(",", ":"))[1:]
        self._keyed = hmac.new(secret, None, "sha256")

    def token(self, client: int, user_id: str) -> bytes:  # noqa: ARG002
        """Return a fresh token."""
        now_s = time.time()
        times = f'"iat":{int(now_s) - _BACKDATED_S},"exp":{int(now_s + self._ttl_s)}'
        payload = f'{{"sub":"{user_id}",{times}{self._rest}'
        signed = self._head + _base64url(payload.encode())
        signature = self._keyed.copy()
        signature.update(signed)
        return signed + b"." + _base64url(signature.digest())


class Ready:
    """Hands out the tokens of a file.

    Args:
        path: the file.
        first: the first client that needs one.
        count: how many do.

    Raises:
        TokensError: the file cannot be read, or has too few lines.
    """

    def __init__(self, path: Path, first: int, count: int) -> None:
        self._first = first
        try:
            with path.open("rb") as lines:
                self._tokens = [line.strip() for line in islice(lines, first, first + count)]
        except OSError as exc:
            raise TokensError(f"The tokens in {path} cannot be read: {exc.strerror}.") from None
        if len(self._tokens) < count:
            found = first + len(self._tokens)
            raise TokensError(f"{path} has {found} tokens and {first + count} are needed.")

    def token(self, client: int, user_id: str) -> bytes:  # noqa: ARG002
        """Return the client's token."""
        return self._tokens[client - self._first]


def find_tokens(
    environment: Mapping[str, str], prefix: str, ttl_s: float, first: int, count: int
) -> Tokens:
    """Return what the environment gives: a file of tokens before a key.

    Raises:
        TokensError: it gives nothing usable.
    """
    if path := environment.get(TOKENS_FILE):
        return Ready(Path(path), first, count)
    names = {"iss": "CHAT_JWT_ISSUER", "aud": "CHAT_JWT_AUDIENCE"}
    claims = {claim: environment[name] for claim, name in names.items() if environment.get(name)}
    return Signed(_secret(environment), f"{prefix}-*", ttl_s, claims)


def _secret(environment: Mapping[str, str]) -> bytes:
    for name in VARIABLES:
        if found := environment.get(name):
            return found.encode()
        if path := environment.get(f"{name}_FILE"):
            try:
                return os.fsencode(Path(path).read_text(encoding="utf-8").strip())
            except (OSError, UnicodeDecodeError) as exc:
                raise TokensError(f"{name}_FILE: {path} cannot be read: {exc}.") from None
    raise TokensError(
        f"There is no key to sign tokens with: set {' or '.join(VARIABLES)} (or one with _FILE), "
        f"or {TOKENS_FILE}."
    )


def _base64url(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE, b"=")


_URL_SAFE = bytes.maketrans(b"+/", b"-_")

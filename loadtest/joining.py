"""Proving that one knows the join secret without saying it.

The secret admits machines to a test, it does not hide the test: what is said afterwards is not
encrypted. No key that signs tokens is ever said.
"""

import hmac
import os
import secrets
from pathlib import Path

#: Environment variable that holds the secret for `agent` and `run`.
VARIABLE = "LOADTEST_SECRET"
_NONCE_BYTES = 32
_LEAST_CHARACTERS = 16


class SecretError(Exception):
    """There is no usable join secret; the text says why."""


def new_secret() -> str:
    """Return a secret for one test."""
    return secrets.token_urlsafe(_NONCE_BYTES)


def new_nonce() -> str:
    """Return what an agent is asked to sign; never asked twice."""
    return secrets.token_hex(_NONCE_BYTES)


def digest(secret: str, nonce: str) -> str:
    """Return the proof: HMAC-SHA256 of the nonce under the secret, in hexadecimal."""
    return hmac.new(secret.encode(), nonce.encode(), "sha256").hexdigest()


def proves(secret: str, nonce: str, proof: str) -> bool:
    """Whether a proof is the right one; takes as long for a wrong one."""
    return hmac.compare_digest(digest(secret, nonce).encode(), proof.encode())


def find_secret(file: Path | None) -> str | None:
    """Return the secret of a file, or of the environment, or None.

    Raises:
        SecretError: the file cannot be read, or the secret is too short to be one.
    """
    try:
        found = file.read_text(encoding="utf-8").strip() if file else os.environ.get(VARIABLE, "")
    except (OSError, UnicodeDecodeError) as exc:
        raise SecretError(f"The join secret in {file} cannot be read: {exc}.") from None
    if not found and file is None:
        return None
    if len(found) < _LEAST_CHARACTERS:
        source = str(file) if file else VARIABLE
        raise SecretError(f"The join secret in {source} has fewer than {_LEAST_CHARACTERS} signs.")
    return found

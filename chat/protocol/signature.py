"""Signatures of what is posted, by the Standard Webhooks specification 1.0 (standardwebhooks.com).

    webhook-signature: v1,base64(HMAC-SHA256(secret, "{webhook-id}.{webhook-timestamp}.{body}"))

With two secrets there are two signatures with a space between: who receives accepts either, so that
secrets can be replaced without a moment in which one side has the wrong one.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
#: Of the specification: bytes of a secret.
BYTES_MIN, BYTES_MAX = 24, 64
#: One in force, one that comes or goes.
SECRETS_MAX = 2


class SecretError(Exception):
    """That is no secret; the text says why and repeats nothing of it."""


def parse_secrets(text: str) -> tuple[bytes, ...]:
    """Return the secrets that stand in a text with white space between them.

    Raises:
        SecretError: there are none, too many, or one is malformed.
    """
    words = text.split()
    if not 1 <= len(words) <= SECRETS_MAX:
        raise SecretError(f"there have to be one or two secrets, and there are {len(words)}")
    return tuple(map(_parsed, words))


def _parsed(word: str) -> bytes:
    if not word.startswith(PREFIX):
        raise SecretError(f"a secret begins with {PREFIX}: `chat hooks --secret` makes one")
    try:
        secret = base64.b64decode(word.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise SecretError(f"what follows {PREFIX} is not base64") from None
    if not BYTES_MIN <= len(secret) <= BYTES_MAX:
        raise SecretError(f"a secret has {BYTES_MIN} to {BYTES_MAX} bytes, this one {len(secret)}")
    return secret


def make_secret() -> str:
    """Return a new secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signed(keys: Sequence[bytes], message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """Return the header fields that prove where a post comes from.

    Args:
        keys: those in force; any one of them proves it.
        message_id: names the post; one that is sent again has the same. No dots in it.
        timestamp_s: of this attempt, in seconds since the Unix epoch.
        body: as it is sent.
    """
    content = b"%s.%d.%s" % (message_id.encode(), timestamp_s, body)
    digests = (hmac.new(key, content, hashlib.sha256).digest() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(
            f"v1,{base64.b64encode(digest).decode()}" for digest in digests
        ),
    }

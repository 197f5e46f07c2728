"""Signatures of Standard Webhooks: who gets a post can tell that it is ours, whole and recent.

Source: the Standard Webhooks specification 1.0.0, symmetric signatures (`v1`, HMAC-SHA256).
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"
#: What the specification asks for.
MIN_BYTES, MAX_BYTES = 24, 64


def secret_of(text: str) -> bytes:
    """Return the key that a secret stands for.

    Args:
        text: `whsec_` and 24 to 64 random bytes in base64.

    Raises:
        ValueError: it is not of that form; says why and repeats nothing of it.
    """
    if not text.startswith(PREFIX):
        raise ValueError(f"a secret begins with {PREFIX}")
    try:
        secret = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"what follows {PREFIX} is not base64") from None
    if not MIN_BYTES <= len(secret) <= MAX_BYTES:
        raise ValueError(f"a secret has {MIN_BYTES} to {MAX_BYTES} bytes")
    return secret


def signed(
    secrets: Sequence[bytes], message_id: str, timestamp_s: int, body: bytes
) -> dict[str, str]:
    """Return the header fields that prove where a post comes from.

    Args:
        secrets: keys in force; with several of them, as in a rotation, any one proves it.
        message_id: names the message; a repeated post has the same. No dots in it.
        timestamp_s: now, in seconds since the Unix epoch.
        body: as it is sent.
    """
    content = f"{message_id}.{timestamp_s}.".encode() + body
    digests = (hmac.new(secret, content, hashlib.sha256).digest() for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(
            f"v1,{base64.b64encode(digest).decode()}" for digest in digests
        ),
    }

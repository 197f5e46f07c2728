"""Which request repeats which: a field of the body, or a header, with one meaning."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from chat.api.head import head_of
from chat.protocol.errors import CommandError, ErrorCode

#: An item of Structured Fields that is a string (RFC 9651 section 3.3.3).
_STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"\Z')
#: What many clients send instead: no quotes, and nothing that a list or parameters could be.
_BARE = re.compile(r"[!#-+./0-:<-\[\]-~-]+\Z")
LENGTH_MAX = 64


def client_id_of(scope: Mapping[str, Any], in_body: str | None = None) -> str | None:
    """Return the `client_message_id` of a request.

    Raises:
        CommandError: invalid_message.
    """
    return client_message_id(in_body, head_of(scope).headers.get_all("Idempotency-Key"))


def client_message_id(in_body: str | None, headers: Sequence[str]) -> str | None:
    """Return the id under which a message is stored once, None if the client has given none.

    Args:
        in_body: `clientMessageId`.
        headers: values of `Idempotency-Key`.

    Raises:
        CommandError: invalid_message.

    Source: IETF draft "The Idempotency-Key HTTP Header Field".
    """
    if not headers:
        return in_body
    if len(headers) > 1:
        raise CommandError(ErrorCode.INVALID_MESSAGE, "`Idempotency-Key` is there twice.")
    in_header = _key_of(headers[0].strip(" \t"))
    if in_body is not None and in_body != in_header:
        raise CommandError(
            ErrorCode.INVALID_MESSAGE,
            "`Idempotency-Key` and `clientMessageId` differ: send one of them.",
        )
    return in_header


def _key_of(value: str) -> str:
    if quoted := _STRING.match(value):
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    else:
        key = value if _BARE.match(value) else ""
    if not 1 <= len(key) <= LENGTH_MAX:
        raise CommandError(
            ErrorCode.INVALID_MESSAGE,
            f"`Idempotency-Key` has to be 1 to {LENGTH_MAX} printable characters in quotes.",
        )
    return key

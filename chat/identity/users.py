"""What a user is called and shows of itself, wherever that comes from: a token or a back end."""

from typing import Any

import orjson

USER_ID_LENGTH_MAX = 128
DISPLAY_BYTES_MAX = 512


class UserError(Exception):
    """That is not a user; the text says why and may be shown."""


def check_user_id(user_id: str, name: str) -> None:
    """Refuse what is not a user id.

    Args:
        user_id: to be looked at.
        name: of the field, for the refusal.

    Raises:
        UserError: it is too long, empty, or holds what cannot be printed.
    """
    if not 1 <= len(user_id) <= USER_ID_LENGTH_MAX or not user_id.isprintable():
        raise UserError(f"{name} has to be 1 to {USER_ID_LENGTH_MAX} printable characters")


def display_of(value: Any, name: str) -> dict[str, Any] | None:
    """Return display data that can be sent to others; None if there is none.

    Raises:
        UserError: it is no object, too large, or cannot be sent.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        raise UserError(f"{name} is not an object")
    try:
        size = len(orjson.dumps(value))
    except orjson.JSONEncodeError:  # lone surrogates, integers beyond 64 bits
        raise UserError(f"{name} holds what cannot be sent") from None
    if size > DISPLAY_BYTES_MAX:
        raise UserError(f"{name} has more than {DISPLAY_BYTES_MAX} bytes")
    return value

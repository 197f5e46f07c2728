"""A query string as the fields of a command: one validation for both ways to ask."""

from typing import Any, TypeVar
from urllib.parse import parse_qsl

from msgspec import ValidationError, convert
from msgspec.structs import fields

from chat.protocol.commands import Command, check_room_id
from chat.protocol.errors import CommandError, ErrorCode

C = TypeVar("C", bound=Command)

MAX_FIELDS = 32
#: Fields of a command that no query sets: the room is in the path, an answer needs no `id`.
NOT_IN_QUERY = frozenset({"id", "roomId"})


def decode_query(query: bytes, room_id: str | None, kind: type[C], **in_path: str) -> C:
    """Build a command out of a path and a query; unknown fields are ignored, as elsewhere.

    Args:
        query: of the request.
        room_id: out of the path; None if there is none in it.
        kind: the command.
        in_path: other fields that the path says, and no query.

    Raises:
        CommandError: invalid_room, invalid_message.
    """
    if room_id is not None:
        check_room_id(room_id)
    values: dict[str, Any] = {}
    wanted = {field.name for field in fields(kind)} - NOT_IN_QUERY - in_path.keys()
    for name, text in _pairs(query):
        if name not in wanted:
            continue
        if name in values:
            raise CommandError(ErrorCode.INVALID_MESSAGE, f"`{name}` is there twice.")
        values[name] = text
    try:
        if room_id is not None:
            values["roomId"] = room_id
        return convert(values | in_path, kind, strict=False)
    except ValidationError as exc:
        raise CommandError(ErrorCode.INVALID_MESSAGE, str(exc)) from None


def value_of(query: bytes, name: str) -> str | None:
    """Return one field of a query, None if it is not there.

    Raises:
        CommandError: invalid_message.
    """
    values = [text for found, text in _pairs(query) if found == name]
    if len(values) > 1:
        raise CommandError(ErrorCode.INVALID_MESSAGE, f"`{name}` is there twice.")
    return values[0] if values else None


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:  # not ASCII, not UTF-8 behind the percent signs, or too many fields
        raise CommandError(ErrorCode.INVALID_MESSAGE, "The query is not well-formed.") from None

"""What fields of commands may hold, and what all commands have."""

import re
from typing import Annotated

from msgspec import Meta, Struct

from chat.protocol.errors import CommandError, ErrorCode

#: Largest integer that survives a JavaScript client (ECMAScript Number.MAX_SAFE_INTEGER).
MAX_SAFE_INTEGER = 2**53 - 1
_ROOM_ID = "[A-Za-z0-9_.:@+=~-]{1,128}"
ROOM_ID = re.compile(rf"{_ROOM_ID}\Z")
CommandId = (
    Annotated[int, Meta(ge=-MAX_SAFE_INTEGER, le=MAX_SAFE_INTEGER)]
    | Annotated[str, Meta(max_length=64)]
)
Seq = Annotated[int, Meta(ge=0, le=MAX_SAFE_INTEGER)]
Epoch = Annotated[str, Meta(min_length=1, max_length=32)]
#: `check_room_id` holds it against the pattern, to refuse it with a code of its own.
RoomId = Annotated[
    str, Meta(min_length=1, max_length=128, extra_json_schema={"pattern": f"^{_ROOM_ID}$"})
]
Token = Annotated[str, Meta(min_length=1, max_length=8192)]
MessageId = Annotated[str, Meta(min_length=1, max_length=64)]
ClientMessageId = Annotated[str, Meta(min_length=1, max_length=64)]
UserId = Annotated[str, Meta(min_length=1, max_length=128)]
Cursor = Annotated[str, Meta(max_length=32)]


class Since(Struct, frozen=True):
    """The last position in a room that the client has seen."""

    epoch: Epoch
    seq: Seq


class MessagePlace(Struct, frozen=True):
    """A message, by where it is and what it is called."""

    seq: Seq
    messageId: MessageId


class Command(Struct, frozen=True, kw_only=True, tag_field="type"):
    """Fields that every command has; the answer repeats `id`."""

    id: CommandId | None = None


def check_room_id(room_id: str) -> None:
    """Refuse what is not a room id.

    Raises:
        CommandError: invalid_room.
    """
    if not ROOM_ID.match(room_id):
        raise CommandError(
            ErrorCode.INVALID_ROOM,
            "A room id is 1 to 128 characters out of A-Z a-z 0-9 and _ . : @ + = ~ -",
        )

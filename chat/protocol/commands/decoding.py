"""From a text message to a command, decoded and validated once."""

from typing import Any

from msgspec import DecodeError, Struct, ValidationError, json

from chat.protocol.commands.connection import Authenticate, Ping, RefreshToken
from chat.protocol.commands.conversations import (
    AnswerInvitation,
    CreateRoom,
    InviteUser,
    ListRooms,
    OpenDirect,
    Participants,
    RemoveParticipant,
    SetRole,
)
from chat.protocol.commands.fields import MAX_SAFE_INTEGER, check_room_id
from chat.protocol.commands.messages import (
    AddReaction,
    ChatMessage,
    DeleteMessage,
    EditMessage,
    RemoveReaction,
    ReportMessage,
    Typing,
)
from chat.protocol.commands.moderation import BanUser, KickUser, MuteUser, UnbanUser, UnmuteUser
from chat.protocol.commands.rooms import ChangeRoom, History, JoinRoom, LeaveRoom, Presence
from chat.protocol.commands.users import MarkDelivered, MarkRead, SetPresence, Unread, Users
from chat.protocol.errors import CommandError, ErrorCode

AnyCommand = (
    Authenticate
    | JoinRoom
    | LeaveRoom
    | ChatMessage
    | EditMessage
    | DeleteMessage
    | AddReaction
    | RemoveReaction
    | Typing
    | History
    | Presence
    | MarkRead
    | MarkDelivered
    | SetPresence
    | Users
    | Unread
    | RefreshToken
    | Ping
    | KickUser
    | BanUser
    | UnbanUser
    | MuteUser
    | UnmuteUser
    | ReportMessage
    | ChangeRoom
    | CreateRoom
    | OpenDirect
    | InviteUser
    | AnswerInvitation
    | SetRole
    | RemoveParticipant
    | Participants
    | ListRooms
)

_decoder = json.Decoder(AnyCommand)


class _IdOnly(Struct):
    id: Any = None
    type: Any = None


_id_decoder = json.Decoder(_IdOnly)


def decode_command(text: str) -> AnyCommand:
    """Decode and validate one text message.

    Raises:
        CommandError: malformed_json, too_deep, unknown_type, invalid_message or invalid_room.
    """
    try:
        command: AnyCommand = _decoder.decode(text)
    except ValidationError as exc:
        sentence = str(exc)
        if sentence.endswith("at `$.type`") or "required field `type`" in sentence:
            raise CommandError(ErrorCode.UNKNOWN_TYPE, _unknown_type(text)) from None
        raise CommandError(ErrorCode.INVALID_MESSAGE, sentence) from None
    except DecodeError as exc:
        raise CommandError(ErrorCode.MALFORMED_JSON, str(exc)) from None
    except RecursionError:
        raise CommandError(ErrorCode.TOO_DEEP, "The message is nested too deeply.") from None
    room_id = getattr(command, "roomId", None)
    if room_id is not None:
        check_room_id(room_id)
    for room_id in getattr(command, "roomIds", ()):
        check_room_id(room_id)
    return command


def command_id_of(text: str) -> int | str | None:
    """Return the `id` of a message that could not be decoded, if it is a usable one."""
    found = _probe(text).id
    if isinstance(found, str) and len(found) <= 64:
        return found
    if isinstance(found, int) and not isinstance(found, bool) and abs(found) <= MAX_SAFE_INTEGER:
        return found
    return None


def _unknown_type(text: str) -> str:
    name = _probe(text).type
    if not isinstance(name, str):
        return "A message needs a field `type`, a string."
    return f"There is no command {name[:40]!r}."


def _probe(text: str) -> _IdOnly:
    try:
        return _id_decoder.decode(text)
    except (DecodeError, RecursionError):
        return _IdOnly()

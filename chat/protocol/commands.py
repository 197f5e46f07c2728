"""Commands, client to server: the typed schema and its decoder.

Unknown fields are ignored, so that a newer client can talk to an older server. Field names are
the wire's, which is why they are camelCase.
"""

import re
from enum import StrEnum
from typing import Annotated, Any

from msgspec import UNSET, DecodeError, Meta, Struct, UnsetType, ValidationError, json

from chat.protocol.about import HistoryMs, HistorySize, Milliseconds, Words
from chat.protocol.availability import STATUS_MAX, State
from chat.protocol.errors import CommandError, ErrorCode

#: Largest integer that survives a JavaScript client (ECMAScript Number.MAX_SAFE_INTEGER).
MAX_SAFE_INTEGER = 2**53 - 1

#: The most messages in a page of history.
HISTORY_LIMIT_MAX = 1000

#: The most files that come with one message.
ATTACHMENTS_MAX = 10

#: The most rooms that one `unread` asks about.
UNREAD_ROOMS_MAX = 100
#: Rooms asked about that cost as much as one command more.
UNREAD_ROOMS_PER_COMMAND = 10

#: The most users that one `users` asks about, and how many cost as much as one command more.
USERS_MAX = 100
USERS_PER_COMMAND = 10

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
FileId = Annotated[str, Meta(min_length=1, max_length=160)]
FileIds = Annotated[list[FileId], Meta(max_length=ATTACHMENTS_MAX)]


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


class Authenticate(Command, frozen=True, kw_only=True, tag="authenticate"):
    """First message of a connection whose handshake carried no token."""

    token: Token


class JoinRoom(Command, frozen=True, kw_only=True, tag="join_room"):
    """Become a member; with `since`, first receive what was missed."""

    roomId: RoomId
    since: Since | None = None


class LeaveRoom(Command, frozen=True, kw_only=True, tag="leave_room"):
    """Stop being a member on this connection."""

    roomId: RoomId


class ChatMessage(Command, frozen=True, kw_only=True, tag="chat_message"):
    """Publish to a room; `clientMessageId` makes a retry safe."""

    roomId: RoomId
    content: str
    clientMessageId: ClientMessageId | None = None
    replyTo: MessagePlace | None = None
    threadId: MessageId | None = None
    mentions: list[UserId] | None = None
    attachments: FileIds | None = None


class Change(Command, frozen=True, kw_only=True):
    """What all commands about one message have; the message is found by its place."""

    roomId: RoomId
    seq: Seq
    messageId: MessageId
    clientMessageId: ClientMessageId | None = None


class EditMessage(Change, frozen=True, kw_only=True, tag="edit_message"):
    """Replace the content and the mentions of one's own message."""

    content: str
    mentions: list[UserId] | None = None


class DeleteMessage(Change, frozen=True, kw_only=True, tag="delete_message"):
    """Take a message away: one's own, or with `moderate` anybody's."""


class AddReaction(Change, frozen=True, kw_only=True, tag="add_reaction"):
    """Put a reaction to a message, once per user."""

    reaction: str


class RemoveReaction(Change, frozen=True, kw_only=True, tag="remove_reaction"):
    """Take one's reaction back."""

    reaction: str


class Typing(Command, frozen=True, kw_only=True, tag="typing"):
    """Say that the user is typing, or no longer is."""

    roomId: RoomId
    isTyping: bool = True


class History(Command, frozen=True, kw_only=True, tag="history"):
    """Read a page of stored messages: the last ones, or those before or after a `seq`."""

    roomId: RoomId
    before: Seq | None = None
    after: Seq | None = None
    epoch: Epoch | None = None
    limit: Annotated[int, Meta(ge=1, le=HISTORY_LIMIT_MAX)] = 50
    threadId: MessageId | None = None


class Presence(Command, frozen=True, kw_only=True, tag="presence"):
    """List the members of a room, in pages."""

    roomId: RoomId
    cursor: Annotated[str, Meta(max_length=32)] = "0"
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class MarkRead(Command, frozen=True, kw_only=True, tag="mark_read"):
    """Say that one has read up to a place; the marker only moves forward.

    With `private` only one's own devices are told, whatever others are told of receipts.
    """

    roomId: RoomId
    seq: Seq
    epoch: Epoch | None = None
    private: bool = False


class MarkDelivered(Command, frozen=True, kw_only=True, tag="mark_delivered"):
    """Say that a device has got all up to a place; only where the operator turned that on."""

    roomId: RoomId
    seq: Seq
    epoch: Epoch | None = None


class Unread(Command, frozen=True, kw_only=True, tag="unread"):
    """Ask how much there is to read in rooms that one may join; one need not be in them."""

    roomIds: Annotated[list[RoomId], Meta(min_length=1, max_length=UNREAD_ROOMS_MAX)]


class SetPresence(Command, frozen=True, kw_only=True, tag="set_presence"):
    """Choose the state that others see, on all devices, and with `status` the text beside it.

    `online` takes a choice back. With `automatic` nothing is chosen: `away` says that nobody is at
    this device, `online` that somebody is again; a user is away when nobody is at any device.
    """

    state: State
    status: Annotated[str, Meta(max_length=STATUS_MAX)] | None = None
    automatic: bool = False


class Users(Command, frozen=True, kw_only=True, tag="users"):
    """Ask for the states of users of a room one is in, and when they were last seen."""

    roomId: RoomId
    userIds: Annotated[list[UserId], Meta(min_length=1, max_length=USERS_MAX)]


class RefreshToken(Command, frozen=True, kw_only=True, tag="refresh_token"):
    """Replace the token of a live connection."""

    token: Token


class Ping(Command, frozen=True, kw_only=True, tag="ping"):
    """Ask for a `pong`: an application-level proof of life."""


# --- moderation: the token has to allow `moderate` in the room

Reason = Annotated[str, Meta(max_length=500)]
DurationMs = Annotated[int, Meta(ge=1, le=MAX_SAFE_INTEGER)]


class ModerationCommand(Command, frozen=True, kw_only=True):
    """What all acts on a user in a room have."""

    roomId: RoomId
    userId: UserId
    reason: Reason | None = None


class KickUser(ModerationCommand, frozen=True, kw_only=True, tag="kick_user"):
    """Put a user out of a room, on all connections; the user may come back."""


class BanUser(ModerationCommand, frozen=True, kw_only=True, tag="ban_user"):
    """Put a user out of a room and keep the user out, for a while or for good."""

    durationMs: DurationMs | None = None


class UnbanUser(ModerationCommand, frozen=True, kw_only=True, tag="unban_user"):
    """Lift a ban."""


class MuteUser(ModerationCommand, frozen=True, kw_only=True, tag="mute_user"):
    """Let a user read a room and not write, for a while or for good."""

    durationMs: DurationMs | None = None


class UnmuteUser(ModerationCommand, frozen=True, kw_only=True, tag="unmute_user"):
    """Lift a mute."""


class ReportMessage(Command, frozen=True, kw_only=True, tag="report_message"):
    """Bring a message before the moderators, once per user; who sent it is not told."""

    roomId: RoomId
    seq: Seq
    messageId: MessageId
    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class ChangeRoom(Command, frozen=True, kw_only=True, tag="change_room"):
    """Set a room's title, topic and rules: null resets one, what is left out stays."""

    roomId: RoomId
    clientMessageId: ClientMessageId | None = None
    title: Words | UnsetType | None = UNSET
    topic: Words | UnsetType | None = UNSET
    slowModeMs: Milliseconds | UnsetType | None = UNSET
    historySize: HistorySize | UnsetType | None = UNSET
    historyMs: HistoryMs | UnsetType | None = UNSET
    readOnly: bool | UnsetType | None = UNSET
    large: bool | UnsetType | None = UNSET


# --- conversations: rooms with a roster

#: The most users that `create_room` invites at once.
INVITED_AT_ONCE_MAX = 50
#: The most users of a direct room beside the one who opens it.
DIRECT_OTHERS_MAX = 7

Cursor = Annotated[str, Meta(max_length=32)]


class Role(StrEnum):
    """What a participant is in a room: each may also do what those before it may."""

    MEMBER = "member"
    MODERATOR = "moderator"
    OWNER = "owner"


class CreateRoom(Command, frozen=True, kw_only=True, tag="create_room"):
    """Make a private room of one's own; without `roomId` the server names it."""

    roomId: RoomId | None = None
    title: Words | None = None
    topic: Words | None = None
    userIds: Annotated[list[UserId], Meta(max_length=INVITED_AT_ONCE_MAX)] = []


class OpenDirect(Command, frozen=True, kw_only=True, tag="open_direct"):
    """Open the direct room of oneself and others; the same users get the same room."""

    userIds: Annotated[list[UserId], Meta(min_length=1, max_length=DIRECT_OTHERS_MAX)]


class RosterCommand(Command, frozen=True, kw_only=True):
    """What all commands that change a roster have."""

    roomId: RoomId
    clientMessageId: ClientMessageId | None = None


class InviteUser(RosterCommand, frozen=True, kw_only=True, tag="invite_user"):
    """Ask a user to take part in a private room, as a member unless it says otherwise."""

    userId: UserId
    role: Role | None = None


class AnswerInvitation(RosterCommand, frozen=True, kw_only=True, tag="answer_invitation"):
    """Accept an invitation, or decline it."""

    accept: bool


class SetRole(RosterCommand, frozen=True, kw_only=True, tag="set_role"):
    """Make a participant something else."""

    userId: UserId
    role: Role


class RemoveParticipant(RosterCommand, frozen=True, kw_only=True, tag="remove_participant"):
    """Take a user out of a private room; oneself: leave it for good."""

    userId: UserId


class Participants(Command, frozen=True, kw_only=True, tag="participants"):
    """List who belongs to a room, present or not, in pages."""

    roomId: RoomId
    cursor: Cursor = "0"
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class ListRooms(Command, frozen=True, kw_only=True, tag="list_rooms"):
    """List the private and direct rooms of oneself, and invitations, in pages."""

    cursor: Cursor = "0"
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


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

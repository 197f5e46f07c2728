"""Every error code and every close code, each with what the client should do about it.

An *error* answers one command and the connection lives. A *close code* ends the connection, and
its range alone tells a client how to come back, so that a client needs no table of ours:

* 4000-4099: do not reconnect by yourself, a person or a program has to change something first;
* 4100-4199: reconnect with exponential back-off and full jitter;
* 4200-4299: reconnect at once and resume from the last `(epoch, seq)`.

Source: RFC 6455 section 7.4.2 leaves 4000-4999 to applications; the ranges are Pusher's.
"""

from enum import IntEnum, StrEnum
from typing import NamedTuple


class ErrorCode(StrEnum):
    """Stable names for refused commands. Names are never reused for another meaning."""

    MALFORMED_JSON = "malformed_json"
    TOO_DEEP = "too_deep"
    INVALID_MESSAGE = "invalid_message"
    UNKNOWN_TYPE = "unknown_type"
    BINARY_UNSUPPORTED = "binary_unsupported"
    INVALID_ROOM = "invalid_room"
    CONTENT_TOO_LONG = "content_too_long"
    NOT_AUTHENTICATED = "not_authenticated"
    ALREADY_AUTHENTICATED = "already_authenticated"
    INVALID_TOKEN = "invalid_token"  # noqa: S105 - a name, not a secret
    FORBIDDEN = "forbidden"
    NOT_JOINED = "not_joined"
    NOT_AUTHOR = "not_author"
    MESSAGE_GONE = "message_gone"
    TOO_LATE = "too_late"
    TOO_MANY_REACTIONS = "too_many_reactions"
    TOO_MANY_ROOMS = "too_many_rooms"
    EPOCH_CHANGED = "epoch_changed"
    RATE_LIMITED = "rate_limited"
    SLOW_MODE = "slow_mode"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    NOT_REPLICATED = "not_replicated"
    INTERNAL = "internal"
    BANNED = "banned"
    MUTED = "muted"
    CONTENT_REFUSED = "content_refused"
    NOT_ENABLED = "not_enabled"
    READ_ONLY = "read_only"
    ROOM_EXISTS = "room_exists"
    LAST_OWNER = "last_owner"
    TOO_MANY_PARTICIPANTS = "too_many_participants"
    NO_SUCH_FILE = "no_such_file"


class CloseCode(IntEnum):
    """WebSocket close codes this server sends."""

    NORMAL = 1000
    PROTOCOL_ERROR = 1002
    INVALID_DATA = 1007
    MESSAGE_TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TOO_MANY_ERRORS = 4000
    UNAUTHORIZED = 4001
    REVOKED = 4002
    DISCONNECTED = 4003
    OVERLOADED = 4100
    TOKEN_EXPIRED = 4101
    AUTH_TIMEOUT = 4102
    FLOOD = 4103
    SLOW_CONSUMER = 4200
    PING_TIMEOUT = 4201


#: What a client should know about each close code; the reason sent in the close frame.
CLOSE_REASONS: dict[CloseCode, str] = {
    CloseCode.NORMAL: "bye",
    CloseCode.PROTOCOL_ERROR: "websocket protocol error",
    CloseCode.INVALID_DATA: "text frame is not valid UTF-8",
    CloseCode.MESSAGE_TOO_BIG: "message too big",
    CloseCode.INTERNAL_ERROR: "internal error",
    CloseCode.SERVICE_RESTART: "worker is draining, reconnect",
    CloseCode.TOO_MANY_ERRORS: "too many refused commands in a row",
    CloseCode.UNAUTHORIZED: "token is missing or not valid",
    CloseCode.REVOKED: "signed out: the token was revoked",
    CloseCode.DISCONNECTED: "disconnected by a moderator",
    CloseCode.OVERLOADED: "server is overloaded, back off",
    CloseCode.TOKEN_EXPIRED: "token expired, reconnect with a fresh one",
    CloseCode.AUTH_TIMEOUT: "no token arrived in time",
    CloseCode.FLOOD: "too many frames, back off",
    CloseCode.SLOW_CONSUMER: "reading too slowly, resume from your last seq",
    CloseCode.PING_TIMEOUT: "no answer to ping, resume from your last seq",
}


class Meaning(NamedTuple):
    """Why a command is refused, and what a client should do about it."""

    why: str
    advice: str


#: For people who write clients, in Markdown; docs/protocol.md has the same table.
ERROR_MEANINGS: dict[ErrorCode, Meaning] = {
    ErrorCode.MALFORMED_JSON: Meaning("not JSON, or not Unicode text in it", "fix the client"),
    ErrorCode.TOO_DEEP: Meaning("nested too deeply", "fix the client"),
    ErrorCode.INVALID_MESSAGE: Meaning(
        "a field is missing, has a wrong type or value, or contradicts another",
        "fix the client",
    ),
    ErrorCode.UNKNOWN_TYPE: Meaning("no such command", "fix the client"),
    ErrorCode.BINARY_UNSUPPORTED: Meaning("a binary message", "send text"),
    ErrorCode.INVALID_ROOM: Meaning("not a room id", "fix the room id"),
    ErrorCode.CONTENT_TOO_LONG: Meaning("`content` is longer than is allowed", "shorten it"),
    ErrorCode.NOT_AUTHENTICATED: Meaning("a command before the token", "send `authenticate`"),
    ErrorCode.ALREADY_AUTHENTICATED: Meaning(
        "`authenticate` a second time",
        "send `refresh_token`",
    ),
    ErrorCode.INVALID_TOKEN: Meaning(
        "the token of `refresh_token` is not valid, or another user's; the old one stays",
        "get another token",
    ),
    ErrorCode.FORBIDDEN: Meaning(
        "the token does not allow it, or in a room with a roster your role",
        "get another token, or ask an owner",
    ),
    ErrorCode.NOT_JOINED: Meaning("the connection is not in that room", "send `join_room`"),
    ErrorCode.NOT_AUTHOR: Meaning("the message is someone else's", "offer it to its author only"),
    ErrorCode.MESSAGE_GONE: Meaning(
        "there is no such message at that place: it fell off the history, or it is deleted",
        "take it out",
    ),
    ErrorCode.TOO_LATE: Meaning(
        "the time in which the message may be edited or deleted is over", "leave it as it is"
    ),
    ErrorCode.TOO_MANY_REACTIONS: Meaning(
        "the message has as many reactions as it may have", "leave it as it is"
    ),
    ErrorCode.TOO_MANY_ROOMS: Meaning(
        "the connection is in as many rooms as it may be, or the user has as many private and "
        "direct rooms",
        "leave one",
    ),
    ErrorCode.EPOCH_CHANGED: Meaning(
        "the `epoch` of the command is gone",
        "start from the last page, or with the room's present epoch",
    ),
    ErrorCode.RATE_LIMITED: Meaning("too many commands, bytes or joins", "wait `retryAfterMs`"),
    ErrorCode.SLOW_MODE: Meaning(
        "the room allows one message per user and time",
        "wait `retryAfterMs`",
    ),
    ErrorCode.BUSY: Meaning(
        "the server has too much to do just now; nothing happened",
        "wait `retryAfterMs`",
    ),
    ErrorCode.UNAVAILABLE: Meaning(
        "the message store is away, or what checks messages before they are stored; with "
        "`uncertain` the outcome is unknown",
        "wait `retryAfterMs`",
    ),
    ErrorCode.NOT_REPLICATED: Meaning(
        "the message is stored and sent to all, but too few replicas have it yet, so a "
        "failover might lose it; only where the operator asks for that",
        "wait `retryAfterMs`, retry with the same `clientMessageId`: the `ack` comes "
        "once they have it",
    ),
    ErrorCode.INTERNAL: Meaning("a bug of ours", "back off, tell us"),
    ErrorCode.BANNED: Meaning(
        "a moderator banned you from the room", "wait `retryAfterMs`; without it ask a moderator"
    ),
    ErrorCode.MUTED: Meaning(
        "a moderator muted you in the room: read on",
        "wait `retryAfterMs`; without it ask a moderator",
    ),
    ErrorCode.CONTENT_REFUSED: Meaning(
        "it says what may not be said here", "show `message`, change the words"
    ),
    ErrorCode.NOT_ENABLED: Meaning("the operator has not turned this on", "do without it"),
    ErrorCode.READ_ONLY: Meaning(
        "in this room only moderators write", "read on; `room_changed` says when that ends"
    ),
    ErrorCode.ROOM_EXISTS: Meaning("a room of this id has participants", "choose another id"),
    ErrorCode.LAST_OWNER: Meaning(
        "the room would be left without an owner", "make somebody else an owner first"
    ),
    ErrorCode.TOO_MANY_PARTICIPANTS: Meaning(
        "the room has as many participants as it may have", "remove somebody first"
    ),
    ErrorCode.NO_SUCH_FILE: Meaning(
        "a file in `attachments` was not uploaded by you for this room, or too long ago",
        "upload it again",
    ),
}


class CommandError(Exception):
    """A refused command: becomes an `error` event, the connection lives.

    Args:
        code: stable name of the refusal.
        message: a sentence for a person; never contains internals or tokens.
        retry_after_ms: milliseconds after which the same command may succeed, where waiting helps.
        uncertain: true where the command may have taken effect all the same.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        retry_after_ms: int | None = None,
        uncertain: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after_ms = retry_after_ms
        self.uncertain = uncertain

"""Every error code and every close code, each with what the client should do about it.

An *error* answers one command and the connection lives. A *close code* ends the connection, and
its range alone tells a client how to come back, so that a client needs no table of ours:

* 4000-4099: do not reconnect by yourself, a person or a program has to change something first;
* 4100-4199: reconnect with exponential back-off and full jitter;
* 4200-4299: reconnect at once and resume from the last `(epoch, seq)`.

Source: RFC 6455 section 7.4.2 leaves 4000-4999 to applications; the ranges are Pusher's.
"""

from enum import IntEnum, StrEnum


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
    CloseCode.OVERLOADED: "server is overloaded, back off",
    CloseCode.TOKEN_EXPIRED: "token expired, reconnect with a fresh one",
    CloseCode.AUTH_TIMEOUT: "no token arrived in time",
    CloseCode.FLOOD: "too many frames, back off",
    CloseCode.SLOW_CONSUMER: "reading too slowly, resume from your last seq",
    CloseCode.PING_TIMEOUT: "no answer to ping, resume from your last seq",
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

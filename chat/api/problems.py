"""Errors as problem details (RFC 9457), with the protocol's codes where it has one."""

import math
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct, json

from chat.protocol.errors import CommandError, ErrorCode

MEDIA_TYPE = "application/problem+json"


class HttpCode(StrEnum):
    """Refusals that only HTTP knows."""

    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BODY_REFUSED = "body_refused"
    REQUEST_TIMEOUT = "request_timeout"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    TOO_MANY_STREAMS = "too_many_streams"
    NOT_CONFIGURED = "not_configured"
    FILE_TOO_LARGE = "file_too_large"
    FILE_TYPE_REFUSED = "file_type_refused"


class Kind(NamedTuple):
    """A kind of problem: its status, its title, and what a client should do about it."""

    status: int
    title: str
    advice: str


KINDS: dict[ErrorCode | HttpCode, Kind] = {
    ErrorCode.INVALID_MESSAGE: Kind(400, "The request is not valid", "fix the client"),
    ErrorCode.INVALID_ROOM: Kind(400, "That is not a room id", "fix the room id"),
    ErrorCode.NOT_AUTHENTICATED: Kind(
        401, "A token or an API key is needed", "send Authorization: Bearer"
    ),
    ErrorCode.INVALID_TOKEN: Kind(401, "The token or key is not valid", "get another one"),
    ErrorCode.FORBIDDEN: Kind(403, "That is not allowed", "get another token or key"),
    ErrorCode.BANNED: Kind(403, "A moderator banned you from the room", "wait for retryAfterMs"),
    ErrorCode.MUTED: Kind(403, "A moderator muted you in the room", "wait for retryAfterMs"),
    ErrorCode.READ_ONLY: Kind(403, "In this room only moderators write", "read on"),
    HttpCode.NOT_FOUND: Kind(404, "There is nothing here", "fix the address"),
    HttpCode.METHOD_NOT_ALLOWED: Kind(405, "That cannot be done here", "see the header Allow"),
    ErrorCode.EPOCH_CHANGED: Kind(409, "The epoch is gone", "start from the last page"),
    ErrorCode.ROOM_EXISTS: Kind(409, "There is such a room", "choose another id"),
    ErrorCode.LAST_OWNER: Kind(
        409, "The room would be left without an owner", "make somebody else an owner first"
    ),
    ErrorCode.TOO_MANY_PARTICIPANTS: Kind(409, "The room is full", "remove somebody first"),
    ErrorCode.TOO_MANY_ROOMS: Kind(
        409, "The user is in as many rooms as a user may be", "leave one"
    ),
    HttpCode.BODY_REFUSED: Kind(413, "The request is too large", "send less, or no body"),
    ErrorCode.RATE_LIMITED: Kind(429, "Too many requests", "wait for Retry-After seconds"),
    ErrorCode.INTERNAL: Kind(500, "Something went wrong on our side", "back off, tell us"),
    ErrorCode.BUSY: Kind(503, "The server is busy", "wait for Retry-After seconds"),
    ErrorCode.UNAVAILABLE: Kind(
        503, "The message store is away", "wait for Retry-After seconds, then back off"
    ),
    # of requests that act, and of streams
    ErrorCode.MALFORMED_JSON: Kind(400, "The body is not JSON", "fix the client"),
    ErrorCode.TOO_DEEP: Kind(400, "The body is nested too deeply", "fix the client"),
    HttpCode.REQUEST_TIMEOUT: Kind(408, "The request took too long", "send it again, faster"),
    ErrorCode.CONTENT_TOO_LONG: Kind(413, "The content is too long", "shorten it"),
    HttpCode.UNSUPPORTED_MEDIA_TYPE: Kind(
        415, "The body is of another type", "send Content-Type: application/json"
    ),
    ErrorCode.CONTENT_REFUSED: Kind(422, "The content is not allowed", "change the content"),
    ErrorCode.SLOW_MODE: Kind(429, "The room is in slow mode", "wait for Retry-After seconds"),
    HttpCode.TOO_MANY_STREAMS: Kind(
        429, "Too many event streams", "close one, or wait for Retry-After seconds"
    ),
    HttpCode.NOT_CONFIGURED: Kind(501, "This server is not set up for that", "ask who runs it"),
    # of changes
    ErrorCode.NOT_AUTHOR: Kind(403, "The message is someone else's", "leave it as it is"),
    ErrorCode.TOO_LATE: Kind(409, "The message is too old for that", "leave it as it is"),
    ErrorCode.TOO_MANY_REACTIONS: Kind(
        409, "The message has as many reactions as it may have", "take one that is there"
    ),
    ErrorCode.MESSAGE_GONE: Kind(410, "The message is not there any more", "forget it"),
    ErrorCode.NOT_REPLICATED: Kind(
        503, "The message is stored, but not safe yet", "send it again with the same id"
    ),
    # of files
    ErrorCode.NO_SUCH_FILE: Kind(404, "The file is not there any more", "upload it again"),
    HttpCode.FILE_TOO_LARGE: Kind(413, "The file is too large", "send a smaller one"),
    HttpCode.FILE_TYPE_REFUSED: Kind(
        415, "Files of that type are not taken", "see GET /api/v1/uploads"
    ),
}
_CHALLENGES = {
    ErrorCode.NOT_AUTHENTICATED: 'Bearer realm="chat"',
    ErrorCode.INVALID_TOKEN: 'Bearer realm="chat", error="invalid_token"',
}


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong with a request; `code` is stable, `detail` is for a person.

    `uncertain` says that the request may have taken effect all the same.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryAfterMs: int | None = None  # noqa: N815 - the wire's name
    uncertain: bool = False


class Refusal(NamedTuple):
    """An answer that is a problem: status, header fields, body."""

    status: int
    headers: dict[str, str]
    body: bytes


_encode = json.Encoder().encode


def refusal(
    code: ErrorCode | HttpCode,
    detail: str,
    *,
    retry_after_ms: int | None = None,
    uncertain: bool = False,
) -> Refusal:
    """Return the answer to a refused request; `detail` holds no internals and no token."""
    kind = KINDS[code]
    problem = Problem(
        type=f"/docs#{code}",
        title=kind.title,
        status=kind.status,
        detail=detail,
        code=code.value,
        retryAfterMs=retry_after_ms,
        uncertain=uncertain,
    )
    headers = {"Content-Type": MEDIA_TYPE}
    if retry_after_ms is not None:
        headers["Retry-After"] = str(max(1, math.ceil(retry_after_ms / 1000)))
    if challenge := _CHALLENGES.get(code) if isinstance(code, ErrorCode) else None:
        headers["WWW-Authenticate"] = challenge
    return Refusal(kind.status, headers, _encode(problem))


def refusal_of(error: CommandError) -> Refusal:
    """Return the answer to what the protocol refuses."""
    return refusal(
        error.code, error.message, retry_after_ms=error.retry_after_ms, uncertain=error.uncertain
    )


class RefusedError(Exception):
    """A request is refused for a reason that only HTTP knows."""

    def __init__(self, code: HttpCode, detail: str, *, retry_after_ms: int | None = None) -> None:
        super().__init__(detail)
        self.http_code = code
        self.refusal = refusal(code, detail, retry_after_ms=retry_after_ms)

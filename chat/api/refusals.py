"""How operations may be refused, by what they have in common."""

from chat.api.problems import HttpCode
from chat.protocol.errors import ErrorCode

#: Of everything that needs a token or an API key.
AUTHENTICATED = (
    ErrorCode.INVALID_MESSAGE,
    ErrorCode.NOT_AUTHENTICATED,
    ErrorCode.INVALID_TOKEN,
    ErrorCode.FORBIDDEN,
    ErrorCode.RATE_LIMITED,
)
#: Of what is done in a room.
IN_ROOM = (*AUTHENTICATED, ErrorCode.INVALID_ROOM, ErrorCode.UNAVAILABLE)
#: Of requests that carry a body.
WITH_BODY = (
    ErrorCode.MALFORMED_JSON,
    ErrorCode.TOO_DEEP,
    HttpCode.REQUEST_TIMEOUT,
    HttpCode.BODY_REFUSED,
    HttpCode.UNSUPPORTED_MEDIA_TYPE,
)

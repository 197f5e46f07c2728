"""Who asks, and whether they may: nothing of a room is shown without a token that allows it."""

import math
import time

from starlette.requests import Request

from chat.api.head import Head, head_of
from chat.api.services import ApiServices
from chat.identity.access import Action
from chat.identity.tokens import Identity, InvalidTokenError
from chat.protocol.errors import CommandError, ErrorCode


class Guard:
    """The gates of a request, in the order of what they cost."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    async def admit(self, request: Request) -> Identity:
        """Return who asks; the request counts as one command of that user.

        Raises:
            CommandError: forbidden, not_authenticated, invalid_token, rate_limited.
        """
        head = head_of(request.scope)
        if not self._services.origins.allows(head):
            raise CommandError(ErrorCode.FORBIDDEN, "This origin is not allowed.")
        try:
            identity = await self._services.verifier.verified(_token(head))
        except InvalidTokenError as exc:
            raise CommandError(ErrorCode.INVALID_TOKEN, f"{exc}.") from None
        self._charge(identity, len(request.scope["raw_path"]) + len(request.scope["query_string"]))
        return identity

    def require(self, identity: Identity, room_id: str, action: Action) -> None:
        """Check a capability.

        Raises:
            CommandError: forbidden.
        """
        if not identity.capabilities.allows(room_id, action):
            raise CommandError(
                ErrorCode.FORBIDDEN, f"Your token does not allow you to {action.value} here."
            )

    def _charge(self, identity: Identity, size: int) -> None:
        services = self._services
        wait_s = services.users.charge(identity.user_id, 1, size, 0, time.monotonic())
        if wait_s > 0.0:
            services.stats.rate_limited += 1
            raise CommandError(
                ErrorCode.RATE_LIMITED,
                "Too fast: the limit per user is reached.",
                retry_after_ms=math.ceil(wait_s * 1000),
            )


def _token(head: Head) -> str:
    """Return the token of the header; there is no other place for it.

    Source: RFC 6750 section 2.1.
    """
    values = head.headers.get_all("Authorization")
    if len(values) > 1:
        raise CommandError(ErrorCode.INVALID_MESSAGE, "`Authorization` is there twice.")
    scheme, _, token = values[0].partition(" ") if values else ("", "", "")
    if scheme.lower() != "bearer" or not token.strip():
        raise CommandError(
            ErrorCode.NOT_AUTHENTICATED, "Send your token as `Authorization: Bearer`."
        )
    return token.strip()

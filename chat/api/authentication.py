"""Who asks, and whether they may: nothing of a room is shown without a token that allows it.

A user asks with a token, a back end with an API key; both come as `Authorization: Bearer`, told
apart by the prefix of a key. An action in a room that a token has to allow is, for a key, a scope.
"""

import math
import time

from starlette.requests import Request

from chat.api.head import Head, head_of
from chat.api.query import value_of
from chat.api.services import ApiServices
from chat.conversations.kinds import has_roster, is_inbox, is_reserved
from chat.conversations.seats import grants
from chat.identity.access import Action
from chat.identity.apikeys import PREFIX, ApiKey, Scope
from chat.identity.tokens import Identity, InvalidTokenError
from chat.protocol.errors import CommandError, ErrorCode

#: Who asks: a user, or a back end.
Caller = Identity | ApiKey

#: Where a request's scope holds the body that came with it.
BODY = "chat.body"
_SCOPES = {
    Action.JOIN: Scope.READ,
    Action.PUBLISH: Scope.PUBLISH,
    Action.MODERATE: Scope.MODERATE,
}


class Guard:
    """The gates of a request, in the order of what they cost."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    async def admit(self, request: Request, *, joins: int = 0, in_query: bool = False) -> Caller:
        """Return who asks; the request counts as one command of that user, or of that key.

        Args:
            request: what is asked.
            joins: how many joins it counts as, besides.
            in_query: whether a token may be in the query, if the settings allow that at all.

        Raises:
            CommandError: forbidden, not_authenticated, invalid_token, rate_limited.
        """
        head = head_of(request.scope)
        if not self._services.origins.allows(head):
            raise CommandError(ErrorCode.FORBIDDEN, "This origin is not allowed.")
        in_query = in_query and self._services.settings.token_in_query
        secret = _bearer(head, request.scope["query_string"] if in_query else b"")
        if secret.startswith(PREFIX):
            return self._key(secret)
        try:
            identity = await self._services.verifier.verified(secret)
        except InvalidTokenError as exc:
            raise CommandError(ErrorCode.INVALID_TOKEN, f"{exc}.") from None
        self.charge_user(identity.user_id, _size(request), joins)
        return identity

    async def require(self, caller: Caller, room_id: str, action: Action) -> None:
        """Let pass who may do something in a room: by token and roster, or by an API key's scope.

        Raises:
            CommandError: forbidden.
            LinkError: Redis is away; asked only of rooms with a roster.
        """
        if not await self.permits(caller, room_id, action):
            owner = "API key" if isinstance(caller, ApiKey) else "token"
            raise CommandError(
                ErrorCode.FORBIDDEN, f"Your {owner} does not allow you to {action.value} here."
            )

    async def permits(self, caller: Caller, room_id: str, action: Action) -> bool:
        """Whether a caller may do something in a room.

        Raises:
            LinkError: Redis is away; asked only of rooms with a roster.
        """
        if not isinstance(caller, Identity):
            scope = _SCOPES.get(action)
            if is_inbox(room_id) and action is not Action.JOIN:
                return False  # only the server writes there, and nobody is put out
            return scope is not None and caller.allows(scope, room_id)
        by_token = caller.capabilities.allows(room_id, action)
        if not is_reserved(room_id):
            return by_token
        seat = None
        if has_roster(room_id):
            seat = await self._services.directory.seat(room_id, caller.user_id)
        return grants(room_id, caller.user_id, action, seat, by_token=by_token)

    async def confirm(self, caller: Caller, room_id: str) -> None:
        """Let pass who still has a seat: what was read before is then for that user to see.

        Raises:
            CommandError: forbidden.
            LinkError: Redis is away.
        """
        if isinstance(caller, Identity) and has_roster(room_id):
            await self._services.directory.require_seat(room_id, caller.user_id)

    def require_key(self, caller: Caller, scope: Scope) -> ApiKey:
        """Return the API key of what no user may ask.

        Raises:
            CommandError: forbidden.
        """
        if not isinstance(caller, ApiKey):
            raise CommandError(ErrorCode.FORBIDDEN, "This takes an API key, not a user's token.")
        if scope not in caller.scopes:
            raise CommandError(
                ErrorCode.FORBIDDEN, f"Your API key has not the scope {scope.value}."
            )
        return caller

    def charge_user(self, user_id: str, size: int, joins: int = 0) -> None:
        """Take one command from a user's budget.

        Raises:
            CommandError: rate_limited.
        """
        services = self._services
        wait_s = services.users.charge(user_id, 1, size, joins, time.monotonic())
        if wait_s > 0.0:
            services.stats.rate_limited += 1
            raise _too_fast("user", wait_s)

    def _key(self, secret: str) -> ApiKey:
        services = self._services
        key = services.keys.find(secret)
        if key is None:
            raise CommandError(ErrorCode.INVALID_TOKEN, "The API key is not known.")
        wait_s = services.key_budgets.charge(key.id, 1, 0, 0, time.monotonic())
        if wait_s > 0.0:
            services.stats.key_rate_limited += 1
            raise _too_fast("API key", wait_s)
        return key


def _too_fast(owner: str, wait_s: float) -> CommandError:
    return CommandError(
        ErrorCode.RATE_LIMITED,
        f"Too fast: the limit per {owner} is reached.",
        retry_after_ms=math.ceil(wait_s * 1000),
    )


def _size(request: Request) -> int:
    scope = request.scope
    return len(scope["raw_path"]) + len(scope["query_string"]) + len(scope.get(BODY, b""))


def _bearer(head: Head, query: bytes) -> str:
    """Return the token or key of the header, else the token of the query.

    Source: RFC 6750 sections 2.1 and 2.3.
    """
    values = head.headers.get_all("Authorization")
    if len(values) > 1:
        raise CommandError(ErrorCode.INVALID_MESSAGE, "`Authorization` is there twice.")
    if not values and (in_query := value_of(query, "token")):
        if in_query.startswith(PREFIX):
            raise CommandError(
                ErrorCode.NOT_AUTHENTICATED, "An API key does not belong into an address."
            )
        return in_query
    scheme, _, token = values[0].partition(" ") if values else ("", "", "")
    if scheme.lower() != "bearer" or not token.strip():
        raise CommandError(
            ErrorCode.NOT_AUTHENTICATED,
            "Send your token or API key as `Authorization: Bearer`.",
        )
    return token.strip()

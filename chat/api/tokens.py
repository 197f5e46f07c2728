"""Tokens for users, minted for back ends that do not sign them by themselves."""

from msgspec import json
from starlette.requests import Request
from starlette.responses import Response

from chat.api.authentication import BODY, Guard
from chat.api.body import decode_body
from chat.api.group import Group
from chat.api.operations import JSON, Operation
from chat.api.problems import HttpCode, RefusedError
from chat.api.refusals import AUTHENTICATED, WITH_BODY
from chat.api.services import ApiServices
from chat.identity.access import Action, CapabilitiesError, parse_capabilities
from chat.identity.apikeys import ApiKey, Scope
from chat.identity.tokens import InvalidTokenError, UnknownKeyError, mint
from chat.identity.users import UserError, check_user_id, display_of
from chat.ops.signing import SigningKey, signing_key
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.http import MintedToken, TokenBody
from chat.settings import Settings, SettingsError


class Tokens(Group):
    """The operation that mints."""

    def __init__(self, services: ApiServices, guard: Guard) -> None:
        super().__init__(services, guard)
        self._key = _signing_key(services.settings)

    def operations(self) -> list[Operation]:
        """Return what can be asked."""
        return [
            Operation(
                path="/api/v1/tokens",
                method="POST",
                handler=self.mint,
                name="mintToken",
                summary="Mint a token",
                description=(
                    "Signs a token for a user: `rooms` says what it allows in which rooms, "
                    "patterns with `*` and lists of actions, all within the rooms of the API key. "
                    "The action `moderate` takes a key that has that scope, too. It lives "
                    "`expiresInMs`, at most CHAT_API_TOKEN_MAX_LIFETIME, which is also the default."
                ),
                body=TokenBody,
                answer=MintedToken,
                answers={201: "The token."},
                errors=(*AUTHENTICATED, *WITH_BODY, HttpCode.NOT_CONFIGURED),
                scope=Scope.TOKENS,
                is_for_users=False,
            )
        ]

    async def mint(self, request: Request) -> Response:
        """Mint a token.

        Raises:
            CommandError: the request is refused.
            RefusedError: its body is, or there is no key to sign with.
        """
        caller = self._guard.require_key(await self._guard.admit(request), Scope.TOKENS)
        body = decode_body(request, request.scope[BODY], TokenBody)
        _check(caller, body)
        token = self._signed(body)
        return Response(json.encode(token), 201, media_type=JSON)

    def _signed(self, body: TokenBody) -> MintedToken:
        if self._key is None:
            raise RefusedError(
                HttpCode.NOT_CONFIGURED, "This server has public keys only, and those do not sign."
            )
        settings = self._services.settings
        token = mint(
            self._key.key,
            self._key.algorithm,
            body.userId,
            ttl_s=self._lifetime_s(body),
            rooms=body.rooms,
            user=body.user,
            kid=self._key.kid,
            issuer=settings.jwt_issuer or None,
            audience=settings.jwt_audience or None,
        )
        try:
            identity = self._services.verifier.verify(token)  # nobody gets what nobody accepts
        except (InvalidTokenError, UnknownKeyError) as exc:
            why = str(exc) or "its key is not known"
            raise RefusedError(
                HttpCode.NOT_CONFIGURED, f"What this server signs it does not accept: {why}."
            ) from None
        return MintedToken(token=token, userId=body.userId, expiresAt=identity.expires_at_s * 1000)

    def _lifetime_s(self, body: TokenBody) -> float:
        settings = self._services.settings
        most_s = min(settings.api_token_max_lifetime, settings.jwt_max_lifetime_s)
        if body.expiresInMs is None:
            return most_s
        if body.expiresInMs > most_s * 1000:
            raise CommandError(
                ErrorCode.INVALID_MESSAGE, f"`expiresInMs` is more than {int(most_s * 1000)}."
            )
        return body.expiresInMs / 1000


def _check(key: ApiKey, body: TokenBody) -> None:
    try:
        check_user_id(body.userId, "`userId`")
        display_of(body.user, "`user`")
        parse_capabilities(body.rooms)
    except (UserError, CapabilitiesError) as exc:
        raise CommandError(ErrorCode.INVALID_MESSAGE, f"{exc}.") from None
    if not all(map(key.covers, body.rooms)):
        raise CommandError(ErrorCode.FORBIDDEN, "Your API key does not cover all of these rooms.")
    grants_moderation = any(Action.MODERATE in actions for actions in body.rooms.values())
    if grants_moderation and Scope.MODERATE not in key.scopes:
        raise CommandError(
            ErrorCode.FORBIDDEN, "Your API key has not the scope moderate, so no token of it has."
        )


def _signing_key(settings: Settings) -> SigningKey | None:
    try:
        return signing_key(settings)
    except SettingsError:  # keys that only verify are enough for everything else
        return None

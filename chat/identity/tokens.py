"""Tokens: who someone is, proven by a signature. PyJWT verifies; we decide what must be there."""

import time
from base64 import urlsafe_b64decode
from typing import Any

import jwt
import orjson
from jwt.exceptions import InvalidSubjectError
from msgspec import Struct

from chat.identity.access import Capabilities, CapabilitiesError, parse_capabilities
from chat.identity.jwks import SUPPORTED
from chat.identity.keys import KeyRing
from chat.identity.users import UserError, check_user_id, display_of
from chat.settings import Settings, SettingsError


class InvalidTokenError(Exception):
    """The token is refused; the text says why and may be shown. It never holds the token."""


class UnknownKeyError(Exception):
    """The token names a key that may be at the JWKS URL by now."""


class Identity(Struct, frozen=True):
    """Who a connection belongs to, until when, and what it may do."""

    user_id: str
    user: dict[str, Any] | None
    expires_at_s: int
    capabilities: Capabilities


class Verifier:
    """Verifies tokens against a key ring.

    Raises:
        SettingsError: an algorithm in the settings is not one of ours, or has no key.
    """

    def __init__(self, settings: Settings, keyring: KeyRing) -> None:
        self._keyring = keyring
        self._algorithms = _algorithms(settings.jwt_algorithms)
        if not keyring.can_fetch and not any(map(keyring.has_key_for, self._algorithms)):
            raise SettingsError(
                "No key to verify tokens with is for an algorithm that CHAT_JWT_ALGORITHMS allows: "
                f"{', '.join(sorted(self._algorithms))}."
            )
        self._issuer = settings.jwt_issuer or None
        self._audience = settings.jwt_audience or None
        self._leeway_s = settings.jwt_leeway_s
        self._max_lifetime_s = settings.jwt_max_lifetime_s

    def verify(self, token: str) -> Identity:
        """Return whose token this is.

        Raises:
            InvalidTokenError: it is not valid.
            UnknownKeyError: its key is not here, but may be fetched.

        Source: RFC 7519; RFC 8725 (best current practices).
        """
        algorithm, kid = _peek(token)
        if algorithm not in self._algorithms:
            raise InvalidTokenError("the token's algorithm is not allowed")
        keys = self._keyring.find(kid, algorithm)
        if self._keyring.can_fetch and not (keys and self._keyring.knows(kid)):
            raise UnknownKeyError
        for key in keys:
            claims = self._claims(token, key, algorithm)
            if claims is not None:
                return self._identity(claims)
        raise InvalidTokenError("the token's signature is not valid")

    async def verified(self, token: str) -> Identity:
        """As `verify`, fetching keys once if the token's key is unknown.

        Raises:
            InvalidTokenError: it is not valid.
        """
        try:
            return self.verify(token)
        except UnknownKeyError:
            await self._keyring.refresh_for_unknown_key()
        try:
            return self.verify(token)
        except UnknownKeyError:
            raise InvalidTokenError("the key of this token is not known") from None

    def _claims(self, token: str, key: jwt.PyJWK, algorithm: str) -> dict[str, Any] | None:
        """Return the claims, or None if another key signed the token."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=self._issuer,
                audience=self._audience,
                leeway=self._leeway_s,
                options={"require": ["exp", "sub"]},
            )
        except jwt.InvalidSignatureError:
            return None
        except jwt.ExpiredSignatureError:
            raise InvalidTokenError("the token has expired") from None
        except jwt.PyJWTError as exc:
            raise InvalidTokenError(_reason(exc)) from None
        return claims

    def _identity(self, claims: dict[str, Any]) -> Identity:
        user_id, expires_at_s = claims["sub"], claims["exp"]
        if isinstance(expires_at_s, bool) or not isinstance(expires_at_s, (int, float)):
            raise InvalidTokenError("`exp` is not a time")
        if expires_at_s > time.time() + self._max_lifetime_s + self._leeway_s:
            raise InvalidTokenError("the token lives longer than is accepted here")
        try:
            check_user_id(user_id, "`sub`")
            capabilities = parse_capabilities(claims.get("rooms"))
            user = display_of(claims.get("user"), "the claim `user`")
        except (UserError, CapabilitiesError) as exc:
            raise InvalidTokenError(str(exc)) from None
        return Identity(user_id, user, int(expires_at_s), capabilities)


def mint(
    key: Any,
    algorithm: str,
    user_id: str,
    *,
    ttl_s: float,
    rooms: dict[str, list[str]],
    user: dict[str, Any] | None = None,
    kid: str | None = None,
    issuer: str | None = None,
    audience: str | None = None,
) -> str:
    """Sign a token: for development, and for back ends in Python.

    Args:
        key: a secret or private key, as PyJWT takes it.
        algorithm: HS256, RS256, ES256 or EdDSA.
        user_id: `sub`.
        ttl_s: seconds it is valid.
        rooms: patterns and what is allowed in rooms that match.
        user: display data that other members see.
        kid: id of the key, where there are several.
        issuer: `iss`.
        audience: `aud`.
    """
    now_s = int(time.time())
    claims: dict[str, Any] = {
        "sub": user_id,
        "iat": now_s,
        "exp": now_s + int(ttl_s),
        "rooms": rooms,
        "user": user,
        "iss": issuer,
        "aud": audience,
    }
    present = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(present, key, algorithm, headers={"kid": kid} if kid else None)


def _peek(token: str) -> tuple[str, str | None]:
    """Return `alg` and `kid` of a token, believed only as far as choosing keys to try.

    PyJWT reads and checks the header again; this spares a second pass over the whole token.
    """
    if not token.isascii():  # PyJWT raises no error of its own for what cannot be encoded
        raise InvalidTokenError("the token is malformed")
    try:
        head = token.split(".", 1)[0]
        header = orjson.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
        algorithm, kid = header.get("alg"), header.get("kid")
    except (ValueError, AttributeError):
        raise InvalidTokenError("the token is malformed") from None
    if not isinstance(algorithm, str) or not isinstance(kid, str | None):
        raise InvalidTokenError("the token is malformed")
    return algorithm, kid


def _algorithms(text: str) -> frozenset[str]:
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if not names or not names <= set(SUPPORTED):
        raise SettingsError(
            f"CHAT_JWT_ALGORITHMS: {text!r} must name some of {', '.join(SUPPORTED)}."
        )
    return names


def _reason(exc: jwt.PyJWTError) -> str:
    """Word PyJWT's verdict without repeating anything from the token."""
    if isinstance(exc, jwt.MissingRequiredClaimError):
        return f"the claim `{exc.claim}` is missing"
    for kind, reason in _REASONS:
        if isinstance(exc, kind):
            return reason
    return "the token is not valid"


_REASONS: tuple[tuple[type[jwt.PyJWTError], str], ...] = (
    (jwt.InvalidIssuerError, "the issuer is not ours"),
    (jwt.InvalidAudienceError, "the audience is not ours"),
    (jwt.ImmatureSignatureError, "the token is not valid yet"),
    (jwt.InvalidIssuedAtError, "`iat` is not a time"),
    (InvalidSubjectError, "`sub` is not text"),
)

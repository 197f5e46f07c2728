"""What the worker serves on its public port: /ws, the page, /readyz, and in local mode tokens."""

import logging
import math
import time
from collections.abc import Callable
from urllib.parse import parse_qs

import orjson
from websockets.http11 import Response

from chat.gateway.application import Refusal, Request
from chat.gateway.connection import Connection
from chat.gateway.http import response, sentence
from chat.gateway.origin import OriginPolicy, is_local_host
from chat.gateway.page import load_page
from chat.identity.access import MEMBER
from chat.identity.tokens import Identity, InvalidTokenError, UnknownKeyError, mint
from chat.protocol.errors import CloseCode
from chat.protocol.opening import PATH, TOKEN_SUBPROTOCOL
from chat.settings import SettingsError
from chat.worker.authentication import greet
from chat.worker.services import Services
from chat.worker.session import Session

log = logging.getLogger(__name__)

WEBSOCKET_PATHS = (PATH, f"{PATH}/")
LOCAL_TOKEN_TTL_S = 3600
MAX_LOGGED_ORIGIN = 256


class ChatApplication:
    """Admits WebSocket clients and answers plain HTTP.

    Args:
        services: the worker's.
        is_ready: whether this worker should get clients.

    Raises:
        SettingsError: local mode without a secret to sign with.
    """

    def __init__(self, services: Services, is_ready: Callable[[], bool]) -> None:
        if services.settings.local_mode and not services.settings.jwt_secret:
            raise SettingsError("CHAT_LOCAL_MODE needs CHAT_JWT_SECRET to sign tokens with.")
        self._services = services
        self._is_ready = is_ready
        self._origins = OriginPolicy(services.settings.allowed_origins)
        self._page = load_page()

    # ------------------------------------------------------------------ HTTP

    def is_websocket(self, path: str) -> bool:
        """Only /ws upgrades."""
        return path in WEBSOCKET_PATHS

    def respond(self, request: Request, address: str) -> Response:
        """Serve the page, readiness and, in local mode, tokens."""
        if request.method not in ("GET", "HEAD"):
            return sentence(405, "Only GET and HEAD are answered here.")
        path, _, query = request.path.partition("?")
        if path == "/local/token" and self._services.settings.local_mode:
            return self._local_token(request, address, query)
        if path == "/readyz":  # so that a balancer can ask the very worker it would choose
            return sentence(200, "ready") if self._is_ready() else sentence(503, "not ready")
        found = self._page.get(path)
        if found is None:
            return sentence(404, "There is nothing here.")
        content_type, body = found
        return response(200, body, content_type, cache="no-cache")

    def _local_token(self, request: Request, address: str, query: str) -> Response:
        """Mint a token for whoever sits at this machine; `make run` only.

        The Host header must name this machine, so that a page elsewhere cannot get here by
        pointing its own name at 127.0.0.1.
        """
        hosts = request.headers.get_all("Host")
        if len(hosts) != 1 or not is_local_host(hosts[0]) or address not in LOOPBACK:
            return sentence(403, "Tokens are given to this machine only.")
        if not self._origins.allows(request):
            return sentence(403, "This origin is not allowed.")
        users = parse_qs(query).get("user", [])
        if len(users) != 1 or not 1 <= len(users[0]) <= 64:
            return sentence(400, "Say who you are: ?user=NAME, 1 to 64 characters.")
        token = mint(
            self._services.settings.jwt_secret,
            "HS256",
            users[0],
            ttl_s=LOCAL_TOKEN_TTL_S,
            rooms={"*": list(MEMBER)},
            issuer=self._services.settings.jwt_issuer or None,
            audience=self._services.settings.jwt_audience or None,
        )
        body = {"token": token, "expiresAt": int((time.time() + LOCAL_TOKEN_TTL_S) * 1000)}
        return response(200, orjson.dumps(body), "application/json")

    # ------------------------------------------------------------- WebSocket

    def admit(
        self, request: Request, address: str, decide: Callable[[object | Refusal], None]
    ) -> None:
        """Check origin, address budget and token, in the order of what they cost."""
        services = self._services
        if not self._origins.allows(request):
            self._tell_developer(request)
            decide(Refusal(403, "This origin is not allowed.", "origin"))
            return
        wait_s = services.addresses.admit(address, time.monotonic())
        if wait_s > 0.0:
            services.stats.rate_limited.add("address")
            decide(
                Refusal(
                    429,
                    "Too many connections from your address.",
                    "address_rate",
                    retry_after_s=math.ceil(wait_s),
                )
            )
            return
        token, in_subprotocol = self._token_of(request)
        if token is None:
            decide(None)  # the first message has to bring it
            return
        try:
            decide(services.verifier.verify(token))
        except InvalidTokenError as exc:
            decide(_unauthorized(exc, in_subprotocol=in_subprotocol))
        except UnknownKeyError:
            services.tasks.start(
                self._verify_later(token, decide, in_subprotocol=in_subprotocol), "verify"
            )

    def _tell_developer(self, request: Request) -> None:
        """Say why a page was refused: its browser does not. Only where nobody can fill the log."""
        if self._services.settings.local_mode:
            origin = ", ".join(request.headers.get_all("Origin"))[:MAX_LOGGED_ORIGIN]
            setting = "CHAT_ALLOWED_ORIGINS"
            log.warning("origin_refused", extra={"origin": origin, "setting": setting})

    async def _verify_later(
        self, token: str, decide: Callable[[object | Refusal], None], *, in_subprotocol: bool
    ) -> None:
        try:
            identity = await self._services.verifier.verified(token)
        except InvalidTokenError as exc:
            decide(_unauthorized(exc, in_subprotocol=in_subprotocol))
        else:
            decide(identity)

    def _token_of(self, request: Request) -> tuple[str | None, bool]:
        """Return the token, and whether it came as a subprotocol (so from a browser)."""
        for value in request.headers.get_all("Sec-WebSocket-Protocol"):
            for offered in value.split(","):
                name = offered.strip()
                if name.startswith(TOKEN_SUBPROTOCOL):
                    return name[len(TOKEN_SUBPROTOCOL) :], True
        for value in request.headers.get_all("Authorization"):
            scheme, _, token = value.partition(" ")
            if scheme.lower() == "bearer":
                return token.strip(), False
        if self._services.settings.token_in_query:
            tokens = parse_qs(request.path.partition("?")[2]).get("token", [])
            if tokens:
                return tokens[0], False
        return None, False

    def opened(self, connection: Connection, admission: object, _address: str) -> Session:
        """Make the session of a new connection."""
        services = self._services
        session = Session(services, connection)
        connection.handler = session
        if isinstance(admission, Identity) and services.verifier.is_revoked(admission):
            connection.close(CloseCode.REVOKED)  # while the handshake was under way
        elif isinstance(admission, Identity):
            session.accept(admission)
            greet(session)
            connection.authenticated(admission.user_id)
        elif isinstance(admission, InvalidTokenError):
            connection.close(CloseCode.UNAUTHORIZED, str(admission))
        return session


LOOPBACK = ("127.0.0.1", "::1", "local")


def _unauthorized(exc: InvalidTokenError, *, in_subprotocol: bool) -> object:
    """A browser cannot see a status, only a close code: let it in and close with 4001."""
    if in_subprotocol:
        return exc
    return Refusal(401, f"{exc}.", "token")

"""The application factory: every route, and what becomes of an exception."""

from dataclasses import replace
from importlib.resources import files
from typing import NamedTuple

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chat.api.authentication import BODY, Guard
from chat.api.body import read_body
from chat.api.changing import Changing
from chat.api.conversations import Conversations
from chat.api.documentation import STYLE_PATH, documentation_page
from chat.api.edge import WITH_BODY, Edge, has_body
from chat.api.events import Events
from chat.api.head import head_of
from chat.api.health import HEALTH
from chat.api.messages import Messages
from chat.api.openapi import describe
from chat.api.operations import JSON, Handler, Operation, route, routes
from chat.api.participants import Rosters
from chat.api.presence import Presences
from chat.api.problems import HttpCode, Refusal, RefusedError, refusal, refusal_of
from chat.api.reporting import MessageReports
from chat.api.reports import Reporting
from chat.api.room import RoomAbout
from chat.api.rooms import Rooms
from chat.api.sanctions import Sanctioning
from chat.api.services import ApiServices
from chat.api.serving import FileServing
from chat.api.statistics import Cluster
from chat.api.tokens import Tokens
from chat.api.unread import Unread
from chat.api.uploading import Uploads
from chat.api.users import Users
from chat.broker.link import LinkError
from chat.broker.refusals import unavailable
from chat.gateway.page import content_type, load_page
from chat.protocol import asyncapi
from chat.protocol.errors import CommandError, ErrorCode

OPENAPI_PATH = "/api/openapi.json"
ASYNCAPI_PATH = "/api/asyncapi.json"


class File(NamedTuple):
    """Something that is the same for everyone, served from memory."""

    content_type: str
    body: bytes


def build_application(services: ApiServices) -> Edge:
    """Put the application together."""
    guard = Guard(services)
    operations = [
        HEALTH,
        *Messages(services, guard).operations(),
        *Changing(services, guard).operations(),
        *Events(services, guard).operations(),
        *Rooms(services, guard).operations(),
        *RoomAbout(services, guard).operations(),
        *Conversations(services, guard).operations(),
        *Rosters(services, guard).operations(),
        *Unread(services, guard).operations(),
        *Presences(services, guard).operations(),
        *Sanctioning(services, guard).operations(),
        *Users(services, guard).operations(),
        *MessageReports(services, guard).operations(),
        *Reporting(services, guard).operations(),
        *Tokens(services, guard).operations(),
        *Cluster(services.registry, guard).operations(),
        *Uploads(services, guard).operations(),
    ]
    routed = Starlette(
        routes=[
            *routes(replace(one, handler=_with_body(one, services)) for one in operations),
            *FileServing(services).routes(),
            *_page(),
            *_documents(operations),
        ],
        exception_handlers={
            HTTPException: _on_http_exception,
            RefusedError: _on_refused,
            CommandError: _on_command_error,
            LinkError: _on_link_error,
            Exception: _on_exception,
        },
    )
    routed.router.redirect_slashes = False  # one address per thing
    return Edge(routed, services)


def _with_body(operation: Operation, services: ApiServices) -> Handler:
    """Return a handler that has its body: a refusal behind it leaves nothing unread."""
    if operation.takes_bytes:
        return operation.handler
    if operation.body is None:
        return _without_body(operation) if operation.method in WITH_BODY else operation.handler
    settings = services.settings

    async def handle(request: Request) -> Response:
        request.scope[BODY] = await read_body(
            request, settings.max_message_bytes, settings.handshake_timeout
        )
        return await operation.handler(request)

    return handle


def _without_body(operation: Operation) -> Handler:
    """Return a handler that refuses a body, where the method alone does not say so."""

    async def handle(request: Request) -> Response:
        if has_body(head_of(request.scope)):
            raise RefusedError(HttpCode.BODY_REFUSED, f"{operation.method} takes no body here.")
        return await operation.handler(request)

    return handle


# -------------------------------------------------------------------- files


def _page() -> list[Route]:
    return [
        _file(path, File(*found), "/static/{file}" if path.startswith("/static/") else None)
        for path, found in load_page().items()
    ]


def _documents(operations: list[Operation]) -> list[Route]:
    document = describe(operations)
    style = files("chat.api").joinpath("style.css").read_bytes()
    page = documentation_page(document).encode()
    return [
        _file(OPENAPI_PATH, File(JSON, orjson.dumps(document))),
        _file(ASYNCAPI_PATH, File(JSON, orjson.dumps(asyncapi.describe()))),
        _file("/docs", File(content_type("docs.html"), page)),
        _file(STYLE_PATH, File(content_type("style.css"), style)),
    ]


def _file(path: str, file: File, template: str | None = None) -> Route:
    headers = {"Content-Type": file.content_type, "Cache-Control": "no-cache"}

    async def serve(_request: Request) -> Response:
        return Response(file.body, headers=headers)

    return route(path, serve, template)


# --------------------------------------------------------------- exceptions


async def _on_http_exception(_request: Request, exc: Exception) -> Response:
    """The router's own refusals: no such route, or not with this method."""
    if isinstance(exc, HTTPException) and exc.status_code == 405:
        allowed = ", ".join(sorted((exc.headers or {}).get("Allow", "").split(", ")))
        refused = refusal(HttpCode.METHOD_NOT_ALLOWED, f"What is answered here: {allowed}.")
        refused.headers["Allow"] = allowed
        return _response(refused)
    return _response(refusal(HttpCode.NOT_FOUND, "There is nothing here."))


async def _on_refused(_request: Request, exc: Exception) -> Response:
    if not isinstance(exc, RefusedError):
        raise exc
    return _response(exc.refusal)


async def _on_command_error(_request: Request, exc: Exception) -> Response:
    if not isinstance(exc, CommandError):
        raise exc
    return _response(refusal_of(exc))


async def _on_link_error(_request: Request, exc: Exception) -> Response:
    return _response(refusal_of(unavailable(exc)))


async def _on_exception(_request: Request, _exc: Exception) -> Response:
    """Answer a bug; it is raised on to the edge, which logs it."""
    return _response(refusal(ErrorCode.INTERNAL, "Something went wrong on our side."))


def _response(refused: Refusal) -> Response:
    return Response(refused.body, refused.status, refused.headers)

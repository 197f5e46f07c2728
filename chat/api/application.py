"""The application factory: every route, and what becomes of an exception."""

from importlib.resources import files
from typing import NamedTuple

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chat.api.authentication import Guard
from chat.api.documentation import STYLE_PATH, documentation_page
from chat.api.edge import Edge
from chat.api.health import HEALTH
from chat.api.openapi import describe
from chat.api.operations import Operation, route
from chat.api.problems import HttpCode, Refusal, refusal, refusal_of
from chat.api.rooms import Rooms
from chat.api.services import ApiServices
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
    operations = [HEALTH, *Rooms(services, Guard(services)).operations()]
    routes = [route(operation.path, operation.handler) for operation in operations]
    routes += _page()
    routes += _documents(operations)
    routed = Starlette(
        routes=routes,
        exception_handlers={
            HTTPException: _on_http_exception,
            CommandError: _on_command_error,
            LinkError: _on_link_error,
            Exception: _on_exception,
        },
    )
    routed.router.redirect_slashes = False  # one address per thing
    return Edge(routed, services)


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
        _file(OPENAPI_PATH, File("application/json", orjson.dumps(document))),
        _file(ASYNCAPI_PATH, File("application/json", orjson.dumps(asyncapi.describe()))),
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
        refused = refusal(HttpCode.METHOD_NOT_ALLOWED, "Only GET and HEAD are answered here.")
        refused.headers["Allow"] = "GET, HEAD"
        return _response(refused)
    return _response(refusal(HttpCode.NOT_FOUND, "There is nothing here."))


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

"""What an operation of the API is: one description that routes and documents it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chat.api.problems import HttpCode
from chat.protocol.commands import Command
from chat.protocol.errors import ErrorCode

Handler = Callable[[Request], Awaitable[Response]]

#: Where a request's scope holds the template of its route, for the metrics.
ROUTE = "chat.route"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One way to ask, with GET.

    Args:
        path: template of the path; its parameters are named like the command's fields.
        handler: what answers.
        name: `operationId`.
        summary: a few words.
        description: the rest.
        command: its fields are the parameters; None for an operation without any.
        parameters: a sentence for each parameter.
        answer: what the body of a 200 is.
        errors: how it may be refused, besides `internal` and `busy`.
        needs_token: whether nobody gets an answer without a token.
    """

    path: str
    handler: Handler
    name: str
    summary: str
    description: str
    answer: type[Struct]
    command: type[Command] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[ErrorCode | HttpCode, ...] = ()
    needs_token: bool = True


def route(path: str, handler: Handler, template: str | None = None) -> Route:
    """Return a route for GET and HEAD that notes its template in the scope."""

    async def answer(request: Request) -> Response:
        request.scope[ROUTE] = template or path
        return await handler(request)

    return Route(path, answer, methods=["GET"])

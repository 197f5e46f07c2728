"""What an operation of the API is: one description that routes and documents it."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chat.api.problems import HttpCode
from chat.identity.apikeys import Scope
from chat.protocol.commands import Command
from chat.protocol.errors import ErrorCode

Handler = Callable[[Request], Awaitable[Response]]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

#: Where a request's scope holds the template of its route, for the metrics.
ROUTE = "chat.route"
JSON = "application/json"
EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One way to ask.

    Args:
        path: template of the path; its parameters are named like the command's fields.
        method: GET answers HEAD too.
        handler: what answers.
        name: `operationId`.
        summary: a few words.
        description: the rest.
        command: its fields are the parameters; None for an operation without any.
        parameters: a sentence for each parameter.
        headers: a sentence for each header field that means something here.
        body: what a request carries.
        takes_bytes: whether it carries bytes of any kind, which the handler reads itself.
        answer: what the body of an answer is; for a stream, what its events may be.
        answers: a sentence for each status of an answer that is no refusal.
        media_type: of the answer.
        errors: how it may be refused, besides `internal` and `busy`.
        needs_token: whether nobody gets an answer without a token or an API key.
        scope: with which an API key may ask; None if none may.
        is_for_users: whether a user's token is enough.
    """

    path: str
    handler: Handler
    name: str
    summary: str
    description: str
    answer: type[Struct] | tuple[type[Struct], ...]
    method: Method = "GET"
    command: type[Command] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: type[Struct] | None = None
    takes_bytes: bool = False
    answers: Mapping[int, str] = field(default_factory=lambda: {200: "The answer."})
    media_type: str = JSON
    errors: tuple[ErrorCode | HttpCode, ...] = ()
    needs_token: bool = True
    scope: Scope | None = None
    is_for_users: bool = True

    @property
    def answer_types(self) -> tuple[type[Struct], ...]:
        """What answers may be, as a list."""
        return self.answer if isinstance(self.answer, tuple) else (self.answer,)


def routes(operations: Iterable[Operation]) -> list[Route]:
    """Return a route per path: what may be done there is said by one `Allow`."""
    by_path: dict[str, list[Operation]] = defaultdict(list)
    for operation in operations:
        by_path[operation.path].append(operation)
    return [_route_of(path, same) for path, same in by_path.items()]


def _route_of(path: str, operations: Sequence[Operation]) -> Route:
    handlers: dict[str, Handler] = {one.method: one.handler for one in operations}
    if "GET" in handlers:
        handlers["HEAD"] = handlers["GET"]

    async def answer(request: Request) -> Response:
        request.scope[ROUTE] = path
        return await handlers[request.method](request)

    return Route(path, answer, methods=list(handlers))


def route(path: str, handler: Handler, template: str | None = None) -> Route:
    """Return a route for GET and HEAD that notes its template in the scope."""

    async def answer(request: Request) -> Response:
        request.scope[ROUTE] = template or path
        return await handler(request)

    return Route(path, answer, methods=["GET"])

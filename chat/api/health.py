"""Whether the service answers at all: for outsiders, who get no details."""

from typing import Literal

from msgspec import Struct, json
from starlette.requests import Request
from starlette.responses import Response

from chat.api.operations import JSON, Operation


class Health(Struct, frozen=True, kw_only=True):
    """The HTTP side answers. Whether it is ready for more, the operations port knows."""

    status: Literal["ok"]


_BODY = json.encode(Health(status="ok"))


async def health(_request: Request) -> Response:
    """Say that this process lives."""
    return Response(_BODY, media_type=JSON)


HEALTH = Operation(
    path="/api/v1/health",
    handler=health,
    name="readHealth",
    summary="Whether the service answers",
    description="200 while the HTTP side lives. It says nothing about what is behind it.",
    answer=Health,
    needs_token=False,
)

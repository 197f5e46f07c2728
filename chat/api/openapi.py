"""The OpenAPI 3.1 document, made from the operations and the protocol's own types."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct, json

from chat import __version__
from chat.api.operations import Operation
from chat.api.problems import KINDS, MEDIA_TYPE, HttpCode, Problem
from chat.api.query import NOT_IN_QUERY
from chat.protocol.commands import Command
from chat.protocol.errors import ErrorCode
from chat.protocol.events import SCHEMA_REF as _REF
from chat.protocol.events import Message

_ROOM_ID = "^[A-Za-z0-9_.:@+=~-]{1,128}$"
_ALWAYS = (ErrorCode.INTERNAL, ErrorCode.BUSY)
_DESCRIPTION = (
    "Reading rooms without a connection. Live messages, joining and publishing go over the "
    "WebSocket at `/ws`; answers here have the shape of its events. Times are milliseconds since "
    "the Unix epoch. Fields and query parameters that are not known are to be ignored."
)


def describe(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the document.

    Source: OpenAPI Specification 3.1, whose schemas are JSON Schema 2020-12.
    """
    return {
        "openapi": "3.1.0",
        "info": {"title": "Chat", "version": __version__, "description": _DESCRIPTION},
        "paths": {operation.path: {"get": _operation(operation)} for operation in operations},
        "components": {
            "schemas": _schemas({operation.answer for operation in operations}),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The token that opens a WebSocket.",
                }
            },
        },
    }


def _schemas(answers: set[type[Struct]]) -> dict[str, Any]:
    _, schemas = json.schema_components({*answers, Message, Problem}, ref_template=_REF)
    for schema in schemas.values():
        fields = {name: _plain(of) for name, of in schema["properties"].items()}
        if "type" in fields:
            fields.pop("id", None)  # an event's repeats that of a command, and none was sent
        schema["properties"] = fields
    return dict(sorted(schemas.items()))


def _operation(operation: Operation) -> dict[str, Any]:
    answer = {"$ref": _REF.format(name=operation.answer.__name__)}
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": operation.description,
        "responses": {
            "200": {
                "description": "The answer.",
                "content": {"application/json": {"schema": answer}},
            },
            **_refusals((*operation.errors, *_ALWAYS)),
        },
    }
    if operation.command is not None:
        described["parameters"] = _parameters(operation, operation.command)
    if operation.needs_token:
        described["security"] = [{"token": []}]
    return described


def _parameters(operation: Operation, command: type[Command]) -> list[dict[str, Any]]:
    _, schemas = json.schema_components([command], ref_template=_REF)
    properties = schemas[command.__name__]["properties"]
    parameters = []
    for name, sentence in operation.parameters.items():
        in_path = f"{{{name}}}" in operation.path
        if not in_path and (name in NOT_IN_QUERY or name not in properties):
            raise ValueError(f"{operation.name} has no parameter {name}")
        schema = {"type": "string", "pattern": _ROOM_ID} if in_path else _plain(properties[name])
        parameters.append(
            {
                "name": name,
                "in": "path" if in_path else "query",
                "required": in_path,
                "description": sentence,
                "schema": schema,
            }
        )
    return parameters


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Leave out null: both ways it is said by leaving the field or parameter out."""
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    return dict(choices[0]) if len(choices) == 1 else schema


def _refusals(codes: Iterable[ErrorCode | HttpCode]) -> dict[str, Any]:
    by_status: dict[int, list[ErrorCode | HttpCode]] = {}
    for code in codes:
        by_status.setdefault(KINDS[code].status, []).append(code)
    return {
        str(status): {
            "description": "; ".join(f"`{code}`: {KINDS[code].title}" for code in same) + ".",
            "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(name=Problem.__name__)}}},
            **({"headers": _RETRY_AFTER} if status in (429, 503) else {}),
        }
        for status, same in sorted(by_status.items())
    }


_RETRY_AFTER = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
}

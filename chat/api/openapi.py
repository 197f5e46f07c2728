"""The OpenAPI 3.1 document, made from the operations and the protocol's own types."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from msgspec import Struct, json

from chat import __version__
from chat.api.operations import EVENT_STREAM, JSON, Operation
from chat.api.problems import KINDS, MEDIA_TYPE, HttpCode, Problem
from chat.api.query import NOT_IN_QUERY
from chat.protocol.commands import Command
from chat.protocol.errors import ErrorCode
from chat.protocol.events import SCHEMA_REF as _REF
from chat.protocol.events import Message

_ROOM_ID = "^[A-Za-z0-9_.:@+=~-]{1,128}$"
_ALWAYS = (ErrorCode.INTERNAL, ErrorCode.BUSY)
_DESCRIPTION = (
    "Rooms without a WebSocket: publishing from a back end, reading, following as a stream. "
    "Answers and events have the shape of those at `/ws`. Times are milliseconds since the Unix "
    "epoch, and durations where the name ends in `Ms`. Fields and query parameters that are not "
    "known are to be ignored."
)
_SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The token of a user, which also opens a WebSocket.",
    },
    "apiKey": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "chatkey",
        "description": "The API key of a back end, with the scope that is named.",
    },
}


def describe(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the document.

    Source: OpenAPI Specification 3.1, whose schemas are JSON Schema 2020-12.
    """
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    answers = {kind for operation in operations for kind in operation.answer_types}
    bodies = {operation.body for operation in operations if operation.body is not None}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Chat", "version": __version__, "description": _DESCRIPTION},
        "paths": paths,
        "components": {"schemas": _schemas(answers | bodies), "securitySchemes": _SCHEMES},
    }


def _schemas(kinds: Collection[type[Struct]]) -> dict[str, Any]:
    _, schemas = json.schema_components({*kinds, Message, Problem}, ref_template=_REF)
    for schema in schemas.values():
        if "properties" not in schema:
            continue  # a list of names
        required = schema.get("required", ())
        fields = {
            name: of if name in required else _plain(of)
            for name, of in schema["properties"].items()
        }
        if "type" in fields:
            fields.pop("id", None)  # an event's repeats that of a command, and none was sent
        schema["properties"] = fields
    return dict(sorted(schemas.items()))


def _operation(operation: Operation) -> dict[str, Any]:
    content = {operation.media_type: {"schema": _answer(operation)}}
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": operation.description,
        "responses": {
            **{
                str(status): {"description": sentence, "content": content}
                for status, sentence in operation.answers.items()
            },
            **_refusals((*operation.errors, *_ALWAYS)),
        },
    }
    parameters = _headers(operation)
    if operation.command is not None:
        parameters = _parameters(operation, operation.command) + parameters
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        body = {"schema": {"$ref": _REF.format(name=operation.body.__name__)}}
        described["requestBody"] = {"required": True, "content": {JSON: body}}
    if operation.takes_bytes:
        described["requestBody"] = {"required": True, "content": {"application/octet-stream": {}}}
    if operation.needs_token:
        described["security"] = _security(operation)
    return described


def _answer(operation: Operation) -> dict[str, Any]:
    """Return the schema of an answer; of a stream, that of the `data` of its events."""
    schemas = [{"$ref": _REF.format(name=kind.__name__)} for kind in operation.answer_types]
    if operation.media_type != EVENT_STREAM:
        return schemas[0]
    return {
        "type": "string",
        "contentMediaType": EVENT_STREAM,
        "contentSchema": {"anyOf": schemas},
    }


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    """Return the ways to prove who asks, any of which is enough."""
    ways: list[dict[str, list[str]]] = [{"token": []}] if operation.is_for_users else []
    if operation.scope is not None:
        ways.append({"apiKey": [operation.scope.value]})
    return ways


def _headers(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "header",
            "required": False,
            "description": sentence,
            "schema": {"type": "string"},
        }
        for name, sentence in operation.headers.items()
    ]


def _parameters(operation: Operation, command: type[Command]) -> list[dict[str, Any]]:
    _, schemas = json.schema_components([command], ref_template=_REF)
    properties = schemas[command.__name__]["properties"]
    required = schemas[command.__name__].get("required", [])
    parameters = []
    for name, sentence in operation.parameters.items():
        in_path = f"{{{name}}}" in operation.path
        if not in_path and (name in NOT_IN_QUERY or name not in properties):
            raise ValueError(f"{operation.name} has no parameter {name}")
        schema = _plain(properties[name])
        if name == "roomId":
            schema = {"type": "string", "pattern": _ROOM_ID}
        is_list = schema.get("type") == "array"  # with commas between: `a,b`
        parameters.append(
            {
                "name": name,
                "in": "path" if in_path else "query",
                "required": name in required,
                "description": sentence,
                "schema": schema,
                **({"style": "form", "explode": False} if is_list else {}),
            }
        )
    return parameters


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Leave out null where it is the default: that is said by leaving the field or parameter out.

    Elsewhere it means something: to reset what is set of a room.
    """
    if schema.get("default", ...) is not None:
        return schema
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

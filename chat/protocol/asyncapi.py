"""The AsyncAPI 3.0 document of the WebSocket, made from the commands, the events and their words.

Nothing about a single command or event is said here: a new one is in the document by being in the
schema. Source: AsyncAPI Specification 3.0.0, whose schemas are JSON Schema draft 7.
"""

from collections.abc import Iterable
from typing import Any, get_args

from msgspec import json

from chat import __version__
from chat.protocol.answers import answer_to, is_unasked
from chat.protocol.commands import AnyCommand, Command
from chat.protocol.errors import CLOSE_REASONS, ERROR_MEANINGS, CloseCode, ErrorCode
from chat.protocol.events import SCHEMA_REF, AnyEvent, Error, Event
from chat.protocol.opening import PATH, SUBPROTOCOL, TOKEN_SUBPROTOCOL
from chat.protocol.vocabulary import Word, word_for

Schema = dict[str, Any]

COMMANDS: tuple[type[Command], ...] = get_args(AnyCommand)
EVENTS: tuple[type[Event], ...] = get_args(AnyEvent)
_MESSAGES: tuple[type[Command | Event], ...] = (*COMMANDS, *EVENTS)

_CHANNEL = "chat"
_DESCRIPTION = f"""\
One connection carries JSON text messages in both directions: *commands* from the client, *events* \
from the server. Both have a field `type`. Fields and events that are not known are to be ignored.

Every command may have an `id`, which its answer repeats. A command that is refused is answered \
with an `error`, and the connection lives. The token that says who one is comes as the subprotocol \
`{TOKEN_SUBPROTOCOL}` followed by the token, beside `{SUBPROTOCOL}`; in the header \
`Authorization: Bearer`; or in the first message, `authenticate`.

Events with a `seq` are the room's order: after `(epoch, seq)` a client goes on by joining again \
with `since`. Times are milliseconds since the Unix epoch, names that end in `Ms` are durations."""
_CLOSE_CODES = """\
`x-close-codes` are those that the server closes connections with. Of the others, 4000 to 4099 ask \
not to come back before something has changed, 4100 to 4199 to come back with exponential back-off \
and full jitter, 4200 to 4299 to come back at once and resume."""


def describe() -> Schema:
    """Return the document."""
    schemas = _schemas()
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Chat", "version": __version__, "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": _SERVERS,
        "channels": {_CHANNEL: _channel()},
        "operations": {
            **{f"receive_{_tag(kind)}": _receive(kind) for kind in COMMANDS},
            **{f"send_{_tag(kind)}": _send(kind) for kind in EVENTS if is_unasked(kind)},
        },
        "components": {
            "messages": {kind.__name__: _message(kind, schemas) for kind in _MESSAGES},
            "schemas": schemas,
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


def _tag(kind: type[Command | Event]) -> str:
    return str(kind.__struct_config__.tag)


# ------------------------------------------------------------------- schemas


def _schemas() -> dict[str, Schema]:
    """Return the schema of every type, by its name."""
    _, events = json.schema_components(EVENTS, ref_template=SCHEMA_REF)
    for schema in events.values():
        for name, field in schema.get("properties", {}).items():
            if name not in schema.get("required", ()):
                schema["properties"][name] = _without_null(field)
    _, commands = json.schema_components(COMMANDS, ref_template=SCHEMA_REF)
    schemas = dict(sorted({**commands, **events}.items()))
    for schema in schemas.values():
        _describe(schema)
    schemas[ErrorCode.__name__]["x-meanings"] = {
        code.value: meaning._asdict() for code, meaning in ERROR_MEANINGS.items()
    }
    return schemas


def _without_null(field: Schema) -> Schema:
    """Leave out null: an event that has nothing to say leaves the field out."""
    if "anyOf" not in field:
        return field
    choices = [choice for choice in field["anyOf"] if choice != {"type": "null"}]
    rest = {name: value for name, value in field.items() if name not in ("anyOf", "default")}
    return {**choices[0], **rest} if len(choices) == 1 else {"anyOf": choices, **rest}


def _describe(schema: Schema) -> None:
    """Put in the words for a type's fields; what is a reference is described where it points."""
    if "description" in schema:
        schema["description"] = _unwrapped(schema["description"])
    for name, field in schema.get("properties", {}).items():
        word = word_for(schema["title"], name)
        if word is not None and "$ref" not in field:
            field.setdefault("description", word.meaning)


def _unwrapped(text: str) -> str:
    """Return the paragraphs of a docstring, each on a line of its own."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


# ------------------------------------------------------------------ messages


def _message(kind: type[Command | Event], schemas: dict[str, Schema]) -> Schema:
    summary, _, rest = schemas[kind.__name__]["description"].partition("\n\n")
    message: Schema = {
        "name": _tag(kind),
        "title": kind.__name__,
        "summary": summary,
        **({"description": rest} if rest else {}),
        "tags": [{"name": "command" if issubclass(kind, Command) else "event"}],
        "payload": {"$ref": SCHEMA_REF.format(name=kind.__name__)},
        "examples": [{"name": _tag(kind), "payload": _example(schemas[kind.__name__], schemas)}],
    }
    if "id" in kind.__struct_fields__:
        message["correlationId"] = {"location": "$message.payload#/id"}
    return message


def _example(schema: Schema, schemas: dict[str, Schema]) -> Schema:
    """Return an object with a value in every field that one can be found for."""
    found = {}
    for name, field in schema["properties"].items():
        value = _value(word_for(schema["title"], name), field, schemas)
        if value is not None:
            found[name] = value
    return found


def _value(word: Word | None, field: Schema, schemas: dict[str, Schema]) -> Any:
    for choice in field.get("anyOf", ()):
        if "$ref" in choice:
            return _value(word, choice, schemas)
    if "$ref" in field:
        field = schemas[field["$ref"].rpartition("/")[2]]
    if "properties" in field:
        return _example(field, schemas)
    example = None if word is None else word.example
    if "enum" in field:
        return example if example in field["enum"] else field["enum"][0]
    if example is None and "$ref" in field.get("items", {}):
        return [_value(word, field["items"], schemas)]
    return example


# ---------------------------------------------------- channel and operations


def _channel() -> Schema:
    return {
        "address": PATH,
        "title": "The WebSocket",
        "description": _CLOSE_CODES,
        "servers": [{"$ref": f"#/servers/{name}"} for name in _SERVERS],
        "messages": {
            kind.__name__: {"$ref": f"#/components/messages/{kind.__name__}"} for kind in _MESSAGES
        },
        "bindings": {"ws": _WEBSOCKET_BINDING},
        "x-close-codes": {str(int(code)): CLOSE_REASONS[code] for code in CloseCode},
    }


def _in_channel(kinds: Iterable[type[Command | Event]]) -> list[Schema]:
    return [{"$ref": f"#/channels/{_CHANNEL}/messages/{kind.__name__}"} for kind in kinds]


def _receive(command: type[Command]) -> Schema:
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{_CHANNEL}"},
        "summary": f"A client sends `{_tag(command)}`.",
        "messages": _in_channel([command]),
        "reply": {
            "channel": {"$ref": f"#/channels/{_CHANNEL}"},
            "messages": _in_channel([answer_to(command), Error]),
        },
    }


def _send(event: type[Event]) -> Schema:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{_CHANNEL}"},
        "summary": f"The server sends `{_tag(event)}` by itself.",
        "messages": _in_channel([event]),
    }


# ---------------------------------------------------------- where, and who may

_SECURITY_SCHEMES: dict[str, Schema] = {
    "subprotocol": {
        "type": "httpApiKey",
        "in": "header",
        "name": "Sec-WebSocket-Protocol",
        "description": f"For browsers, which cannot set headers: `{SUBPROTOCOL}, "
        f"{TOKEN_SUBPROTOCOL}` and the token. The server chooses `{SUBPROTOCOL}`.",
    },
    "header": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "query": {
        "type": "httpApiKey",
        "in": "query",
        "name": "token",
        "description": "Only where the server is configured for it (`CHAT_TOKEN_IN_QUERY`).",
    },
}
_SECURITY = [{"$ref": f"#/components/securitySchemes/{name}"} for name in _SECURITY_SCHEMES]
_SERVERS: dict[str, Schema] = {
    "production": {
        "host": "{host}",
        "protocol": "wss",
        "protocolVersion": "13",
        "description": "Behind a front with TLS.",
        "variables": {"host": {"default": "chat.example", "description": "Yours."}},
        "security": _SECURITY,
    },
    "local": {
        "host": "localhost:8080",
        "protocol": "ws",
        "protocolVersion": "13",
        "description": "What `make run` starts.",
        "security": _SECURITY,
    },
}
_WEBSOCKET_BINDING: Schema = {
    "method": "GET",
    "query": {
        "type": "object",
        "properties": {
            "room": {
                "type": "string",
                "description": "The room that most of the connection will be about: a hint for a "
                "balancer, which then brings the members of a room together. It joins nothing.",
            },
            "token": {"type": "string", "description": _SECURITY_SCHEMES["query"]["description"]},
        },
    },
    "headers": {
        "type": "object",
        "properties": {
            "Authorization": {"type": "string", "pattern": "^Bearer "},
            "Sec-WebSocket-Protocol": {
                "type": "string",
                "description": _SECURITY_SCHEMES["subprotocol"]["description"],
            },
        },
    },
    "bindingVersion": "0.1.0",
}

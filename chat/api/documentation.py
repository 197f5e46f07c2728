"""The readable page at /docs: the OpenAPI document as HTML. No script, nothing from elsewhere."""

import re
from collections.abc import Iterable
from html import escape
from typing import Any

from chat.api.problems import KINDS

STYLE_PATH = "/docs/style.css"

_FRAME = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="/static/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="{style}">
</head>
<body>
<main>
{body}</main>
</body>
</html>
"""


def documentation_page(document: dict[str, Any]) -> str:
    """Return the page for an OpenAPI document of ours."""
    info = document["info"]
    title = f"{info['title']} API"
    parts = [
        f"<h1>{escape(title)} <small>{escape(info['version'])}</small></h1>\n",
        f"<p>{_prose(info['description'])}</p>\n",
        "<p>The same for programs, as OpenAPI 3.1: "
        '<a href="/api/openapi.json">/api/openapi.json</a>.</p>\n',
        "<p>What the WebSocket at <code>/ws</code> takes and sends, as AsyncAPI 3.0: "
        '<a href="/api/asyncapi.json">/api/asyncapi.json</a>.</p>\n',
        _contents(document["paths"]),
        "<h2>Authentication</h2>\n",
        "<p>A user sends the JWT that also opens a WebSocket, a back end its API key; both as "
        "<code>Authorization: Bearer</code>. Nothing is taken from the query, but for event "
        "streams where the server is set up so.</p>\n",
    ]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parts.append(_operation(path, method, operation))
    parts.append(_errors())
    parts.append("<h2>Bodies and events</h2>\n")
    parts += [_schema(name, of) for name, of in document["components"]["schemas"].items()]
    return _FRAME.format(title=escape(title), style=STYLE_PATH, body="".join(parts))


def _contents(paths: dict[str, Any]) -> str:
    rows = [
        f'<li><a href="#{escape(operation["operationId"])}">{escape(operation["summary"])}</a> '
        f"<code>{method.upper()} {escape(path)}</code></li>\n"
        for path, methods in paths.items()
        for method, operation in methods.items()
    ]
    return f'<nav aria-label="Operations"><ul>\n{"".join(rows)}</ul></nav>\n'


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    name = operation["operationId"]
    answers = operation["responses"]
    rows = [
        (f"<code>{escape(status)}</code>", _answer(answer)) for status, answer in answers.items()
    ]
    parts = [
        f'<section id="{escape(name)}">\n<h2>{escape(operation["summary"])}</h2>\n',
        f'<p class="request"><b>{method.upper()}</b> <code>{escape(path)}</code></p>\n',
        f"<p>{_prose(operation['description'])}</p>\n",
        f"<p>{_security(operation)}</p>\n",
    ]
    if body := operation.get("requestBody"):
        [content] = body["content"].values()
        said = f"JSON: {_value(content['schema'])}" if content else "the bytes of the file"
        parts.append(f"<p>The body is {said}.</p>\n")
    if parameters := operation.get("parameters"):
        parts.append(_table(("parameter", "in", "value", "meaning"), map(_parameter, parameters)))
    parts.append(_table(("status", "answer"), rows))
    parts.append("</section>\n")
    return "".join(parts)


def _security(operation: dict[str, Any]) -> str:
    ways = {name: scopes for way in operation.get("security", []) for name, scopes in way.items()}
    words = ["a user's token"] if "token" in ways else []
    words += [
        f"an API key with the scope <code>{escape(scope)}</code>"
        for scope in ways.get("apiKey", [])
    ]
    return f"It takes {' or '.join(words)}." if words else "No token is needed."


def _parameter(parameter: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"<code>{escape(parameter['name'])}</code>",
        escape(parameter["in"]),
        _value(parameter["schema"]),
        _prose(parameter["description"]),
    )


def _answer(answer: dict[str, Any]) -> str:
    [content] = answer["content"].values()
    return f"{_value(content['schema'])} {_prose(answer['description'])}"


def _errors() -> str:
    rows = [
        (
            f'<code id="{escape(code)}">{escape(code)}</code>',
            str(kind.status),
            escape(kind.title),
            escape(kind.advice),
        )
        for code, kind in KINDS.items()
    ]
    return (
        "<h2>Errors</h2>\n"
        "<p>Refusals are problem details (RFC 9457): <code>code</code> is stable, "
        "<code>detail</code> is for a person and may change.</p>\n"
        f"{_table(('code', 'status', 'why', 'what to do'), rows)}"
    )


def _schema(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = [
        (
            f"<code>{escape(field)}</code>",
            _value(of),
            "always" if field in required else "where there is one",
        )
        for field, of in schema.get("properties", {}).items()
    ]
    return (
        f'<section id="schema-{escape(name)}">\n<h3>{escape(name)}</h3>\n'
        f"<p>{_prose(schema.get('description', ''))}</p>\n"
        f"{_table(('field', 'value', 'there'), rows)}</section>\n"
    )


def _value(schema: dict[str, Any]) -> str:
    """Word a schema in a few words."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(
            _value(choice) for choice in schema["anyOf"] if choice != {"type": "null"}
        )
    if "contentSchema" in schema:
        return f"events: {_value(schema['contentSchema'])}"
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_value(schema['items'])}"
    words = escape(str(schema.get("type", "anything")))
    for keyword, wording in _BOUNDS.items():
        if keyword in schema:
            words += f", {wording} <code>{escape(str(schema[keyword]))}</code>"
    return words


_BOUNDS = {
    "pattern": "like",
    "minimum": "from",
    "maximum": "to",
    "maxLength": "at most this long:",
    "default": "default",
}


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in rows)
    return (
        f'<div class="table"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}</tbody>\n</table></div>\n"
    )


def _prose(text: str) -> str:
    """Return text as HTML, with `code` between backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))

"""The description: true for programs, readable for people, and nothing of it from elsewhere."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from chat.api.problems import KINDS
from chat.protocol.asyncapi import describe
from chat.protocol.errors import ErrorCode
from tests.api.conftest import Site
from tests.api.site import Answer
from tests.support import http
from tests.support.client import ChatClient
from tests.support.tokens import token


@pytest.fixture
async def document(site: Site) -> dict[str, Any]:
    answer = await site.api.ask("/api/openapi.json", None)
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = answer.body
    return body


#: Bodies that are right, and ones that are wrong, by operation.
BODIES: dict[str, list[Any]] = {
    "publishMessage": [
        {"content": "x", "userId": "ann", "user": {"name": "Ann"}, "clientMessageId": "c"},
        {"content": ""},
        {"content": "x" * 9000, "userId": "ann"},
        b"{",
    ],
    "editMessage": [{"content": "y", "mentions": ["ben"]}, {"content": ""}, b"{"],
    "changeRoom": [{"title": "Lobby", "large": None}, {"title": 5}],
    "mintToken": [{"userId": "ann", "rooms": {"lobby": ["join"]}}, {"userId": "ann"}, b"["],
    **{
        f"{act}User": [{"userId": "nobody", "reason": "x"}, {"userId": "nobody", "reason": 1}]
        for act in ("kick", "ban", "unban", "mute", "unmute", "disconnect", "revoke")
    },
    "revokeToken": [{"tokenId": "t"}, {}],
    "uploadFile": [b"words", b"", b"\x7fELF" + bytes(64)],
    "resolveReport": [{"note": "x"}, {"note": 1}],
    "createRoom": [{"userId": "ann", "userIds": ["ben"]}, {"roomId": "lobby", "userId": "ann"}],
    "setParticipant": [{"role": "member"}, {"role": "king"}],
}
WITH_BODY = ("POST", "PATCH")
#: What a token may ask about its own user.
OF_ONESELF = {"readUserPresence"}
#: A token may publish in no name but its own.
NOT_WITH_TOKEN = {"publishMessage": {"userId", "user"}, "createRoom": {"userId"}}
#: What has to be in a query.
QUERIES = {"readUnread": "?roomIds=lobby&userId=ann", "uploadFile": "?userId=ann"}
EVERYTHING = {"*": ["join", "publish", "edit", "delete", "react", "moderate", "create"]}


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return (path, method, operation) of all that can be asked."""
    return [
        (path, method.upper(), operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


async def asked(site: Site, method: str, path: str, body: Any, bearer: str | None) -> Answer:
    """Ask; of a stream, only that it is one."""
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    if method in ("POST", "PATCH") or body is not None:
        return await site.api.send(path, body, bearer, method=method)
    if method in ("PUT", "DELETE"):
        found = await http.request(method, site.api.port, path, headers=headers)
        return Answer(found.status, found.headers, json.loads(found.body))
    if not path.endswith("/events"):
        return await site.api.ask(path, None, headers)
    found = await http.request("HEAD", site.api.port, path, headers=headers)
    if found.status != 200:
        return await site.api.ask(path, None, headers)
    kind, _, _ = found.headers["content-type"].partition(";")
    return Answer(200, {"content-type": kind}, "")


async def address(site: Site, path: str, operation: dict[str, Any]) -> str:
    """Return where to ask, with the query without which there is no answer.

    Where it is about a message, that is a new one.
    """
    if "{reportId}" in path:
        return path.format(reportId=await reported(site))
    if "participants" in path:
        made = await site.api.send("/api/v1/rooms", {}, token("ann", rooms=EVERYTHING))
        return path.format(roomId=made.body["roomId"], userId="nobody")
    if path == "/api/v1/users/{userId}/rooms":
        return path.format(userId="ann")
    if "{messageId}" not in path:
        name = operation["operationId"]
        user_id = "ann" if name in OF_ONESELF else "nobody"
        return path.format(roomId="lobby", userId=user_id) + QUERIES.get(name, "")
    said = (await site.api.publish("lobby", "x")).body
    place = path.format(roomId="lobby", messageId=said["messageId"], reaction="x")
    return f"{place}?seq={said['seq']}"


async def bodies(site: Site, operation: dict[str, Any]) -> list[Any]:
    """Return bodies for an operation; what is reported is a new message."""
    if operation["operationId"] != "reportMessage":
        return BODIES.get(operation["operationId"], [None])
    said = (await site.api.publish("lobby", "x")).body
    place = {"seq": said["seq"], "messageId": said["messageId"]}
    return [{**place, "reason": "x", "userId": "ann"}, {**place, "reason": ""}]


async def reported(site: Site) -> str:
    """Report a new message and return the id of the report."""
    async with await ChatClient.connect(site.worker.url, token("rita")) as rita:
        await rita.join("lobby")
        said = await rita.say("lobby", "x")
        place = {"roomId": "lobby", "seq": said["seq"], "messageId": said["messageId"]}
        await rita.command("report_message", **place, reason="x")
    page = (await site.api.read("/api/v1/reports?limit=1", site.keys.all)).body
    newest: str = page["reports"][0]["reportId"]
    return newest


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def checked(value: Any, schema: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Compare a value with as much of JSON Schema as our document uses."""
    if "$ref" in schema:
        checked(value, schemas[schema["$ref"].rpartition("/")[2]], schemas)
    elif schema.get("type") == "object" and "properties" in schema:
        assert set(schema["required"]) <= value.keys() <= schema["properties"].keys()
        for name, part in value.items():
            checked(part, schema["properties"][name], schemas)
    elif schema.get("type") == "array":
        for part in value:
            checked(part, schema["items"], schemas)
    elif "enum" in schema:
        assert value in schema["enum"]
    elif "type" in schema:
        kinds = {"string": str, "integer": int, "boolean": bool, "object": dict, "null": type(None)}
        assert isinstance(value, kinds[schema["type"]])


def test_the_document_is_complete(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    schemas = document["components"]["schemas"]
    for reference in references(document):
        prefix, _, name = reference.rpartition("/")
        assert prefix == "#/components/schemas"
        assert name in schemas
    schemes = document["components"]["securitySchemes"].keys()
    found = [operation for _, _, operation in operations(document)]
    assert len({operation["operationId"] for operation in found}) == len(found)
    for operation in found:
        assert {"500", "503"} <= operation["responses"].keys()
        assert {"200", "201"} & operation["responses"].keys()
        needs_token = "security" in operation
        assert ("401" in operation["responses"]) == needs_token
        assert all(way.keys() <= schemes for way in operation.get("security", []))
        for parameter in operation.get("parameters", []):
            assert parameter["schema"]["type"] in ("string", "integer", "array")
            assert parameter["description"]


async def test_the_description_of_the_websocket_is_served_beside_it(site: Site) -> None:
    answer = await site.api.ask("/api/asyncapi.json", None)
    assert answer.headers["content-type"] == "application/json"
    assert answer.body == describe()


async def test_every_operation_is_in_the_document(site: Site, document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        where = await address(site, path, next(iter(methods.values())))
        answer = await http.request("BREW", site.api.port, where)
        allowed = {method.lower() for method in answer.headers["allow"].split(", ")} - {"head"}
        assert allowed == methods.keys()


async def test_answers_are_what_the_document_says(site: Site, document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for path, method, operation in operations(document):
        for bearer in (site.keys.all, token("ann"), "x", None):
            for body in await bodies(site, operation):
                answer = await asked(
                    site, method, await address(site, path, operation), body, bearer
                )
                described = operation["responses"][str(answer.status)]
                [content] = described["content"].items()
                assert answer.headers["content-type"] == content[0]
                checked(answer.body, content[1]["schema"], schemas)


async def test_who_may_ask_is_what_the_document_says(site: Site, document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        ways = {name for way in operation.get("security", [{}]) for name in way}
        whole = (await bodies(site, operation))[0]
        without = NOT_WITH_TOKEN.get(operation["operationId"], set())
        own = whole
        if isinstance(whole, dict):
            own = {name: of for name, of in whole.items() if name not in without}
        by_token = token("ann", rooms=EVERYTHING)
        for way, bearer, body in (("token", by_token, own), ("apiKey", site.keys.all, whole)):
            where = await address(site, path, operation)
            answer = await asked(site, method, where, body, bearer)
            assert (answer.status in (200, 201)) == (not ways or way in ways), operation


async def test_events_of_a_stream_are_what_the_document_says(
    site: Site, document: dict[str, Any], room: str
) -> None:
    schemas = document["components"]["schemas"]
    operation = document["paths"]["/api/v1/rooms/{roomId}/events"]["get"]
    [content] = operation["responses"]["200"]["content"].items()
    assert content[0] == "text/event-stream"
    kinds = {
        schemas[choice["$ref"].rpartition("/")[2]]["properties"]["type"]["enum"][0]: choice
        for choice in content[1]["schema"]["contentSchema"]["anyOf"]
    }
    async with await site.api.stream(room) as stream:
        await site.api.publish(room, "x")
        await stream.wait_for("chat_message")
        for event in stream.received:
            checked(event.json, kinds[event.type], schemas)


def test_bodies_have_to_be_what_the_document_says(document: dict[str, Any]) -> None:
    for _, method, operation in operations(document):
        has_body = "requestBody" in operation
        assert has_body or method not in ("POST", "PATCH")
        assert ("415" in operation["responses"]) == has_body


def test_null_is_in_the_document_where_it_means_something(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    null = {"type": "null"}
    about = schemas["About"]["properties"]
    for name, field in schemas["RoomBody"]["properties"].items():
        assert (null in field.get("anyOf", [])) == (name in about)
    assert "anyOf" not in schemas["MessageBody"]["properties"]["user"]


async def test_parameters_are_the_ones_that_are_understood(
    site: Site, document: dict[str, Any]
) -> None:
    for path, methods in document["paths"].items():
        for parameter in methods.get("get", {}).get("parameters", []):
            if parameter["in"] == "query" and parameter["schema"]["type"] == "integer":
                least = parameter["schema"]["minimum"]
                base = await address(site, path, methods["get"])
                where = f"{base}{'&' if '?' in base else '?'}{parameter['name']}="
                assert (await site.api.ask(f"{where}{least}", rooms=EVERYTHING)).status == 200
                assert (
                    await site.api.ask(f"{where}{least - 1}", rooms=EVERYTHING)
                ).code == "invalid_message"


class Page(HTMLParser):
    """Collects what a page refers to, and whether its tags are balanced."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in ("meta", "link"):
            self.open.append(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            assert name != "style"
            if name == "id":
                assert value not in self.ids
                self.ids.add(str(value))
            if name in ("href", "src"):
                self.links.append(str(value))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def test_the_readable_page_needs_no_script_and_nobody_else(
    site: Site, document: dict[str, Any]
) -> None:
    answer = await http.get(site.api.port, "/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = Page()
    page.feed(answer.body)
    assert page.open == []
    assert not page.tags & {"script", "style", "iframe", "img"}
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids
        else:
            assert (await http.get(site.api.port, link)).status == 200
    for path in document["paths"]:
        assert path in answer.body


async def test_every_code_of_a_problem_is_explained_where_its_type_points(site: Site) -> None:
    page = Page()
    page.feed((await http.get(site.api.port, "/docs")).body)
    assert {str(code) for code in KINDS} <= page.ids


def test_codes_are_the_protocols_or_ones_of_http_alone() -> None:
    protocol = {code.value for code in ErrorCode}
    for code, kind in KINDS.items():
        assert isinstance(code, ErrorCode) == (code.value in protocol)
        assert 400 <= kind.status < 600
        assert re.fullmatch(r"[a-z_]+", code.value)

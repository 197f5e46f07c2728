"""docs/asyncapi.json: what the schema says, whole, and by AsyncAPI's own measure a document."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft7Validator

from chat.protocol.answers import answer_to, is_unasked
from chat.protocol.asyncapi import COMMANDS, EVENTS, describe
from chat.protocol.commands import decode_command
from chat.protocol.errors import CLOSE_REASONS, ERROR_MEANINGS, ErrorCode
from chat.protocol.events import Error
from chat.protocol.vocabulary import word_for

ROOT = Path(__file__).resolve().parents[2]
OFFICIAL = ROOT / ".venv/node_modules/@asyncapi/specs/schemas/3.0.0.json"

DOCUMENT = json.loads((ROOT / "docs" / "asyncapi.json").read_text())
MESSAGES = DOCUMENT["components"]["messages"]
SCHEMAS = DOCUMENT["components"]["schemas"]


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def found(reference: str) -> Any:
    node = DOCUMENT
    for name in reference.removeprefix("#/").split("/"):
        node = node[name]
    return node


def validator(schema: dict[str, Any]) -> Draft7Validator:
    return Draft7Validator({**schema, "components": {"schemas": SCHEMAS}})


def test_the_committed_document_is_what_the_schema_says() -> None:
    assert describe() == DOCUMENT, "run `make docs`"


@pytest.mark.skipif(not OFFICIAL.exists(), reason="`make asyncapi-schema`, which needs npm")
def test_it_keeps_to_the_official_schema_of_asyncapi() -> None:
    official = Draft7Validator(json.loads(OFFICIAL.read_text()))
    assert [f"{e.instance_path}: {e.message}" for e in official.iter_errors(DOCUMENT)] == []
    assert not official.is_valid({**DOCUMENT, "channels": {"chat": {"address": 1}}})


def test_every_reference_leads_somewhere() -> None:
    assert all(found(reference) for reference in references(DOCUMENT))


def test_schemas_are_json_schema_and_say_nothing_beside_a_reference() -> None:
    for schema in SCHEMAS.values():
        validator(schema)
        for field in schema.get("properties", {}).values():
            assert "$ref" not in field or len(field) == 1, "draft 7 ignores what is beside a $ref"


def test_every_command_has_an_operation_with_its_answer_and_the_refusal() -> None:
    operations = DOCUMENT["operations"]
    for command in COMMANDS:
        operation = operations[f"receive_{command.__struct_config__.tag}"]
        assert operation["action"] == "receive"
        assert [found(found(m["$ref"])["$ref"])["title"] for m in operation["messages"]] == [
            command.__name__
        ]
        answers = [found(found(m["$ref"])["$ref"])["title"] for m in operation["reply"]["messages"]]
        assert answers == [answer_to(command).__name__, Error.__name__]
        assert "id" in answer_to(command).__struct_fields__


def test_every_event_answers_something_or_comes_by_itself() -> None:
    answers = {answer_to(command) for command in COMMANDS} | {Error}
    for event in EVENTS:
        by_itself = f"send_{event.__struct_config__.tag}" in DOCUMENT["operations"]
        assert by_itself == is_unasked(event)
        assert by_itself or event in answers
    assert len(DOCUMENT["operations"]) == len(COMMANDS) + sum(map(is_unasked, EVENTS))


def test_every_field_is_explained() -> None:
    fields = [(kind, name) for kind in SCHEMAS for name in SCHEMAS[kind].get("properties", {})]
    unexplained = [f"{kind}.{name}" for kind, name in fields if word_for(kind, name) is None]
    assert unexplained == [], "chat/protocol/vocabulary.py lacks these"


@pytest.mark.parametrize("name", MESSAGES)
def test_examples_are_what_their_schema_says(name: str) -> None:
    message = MESSAGES[name]
    for example in message["examples"]:
        validator({"$ref": message["payload"]["$ref"]}).validate(example["payload"])


@pytest.mark.parametrize("command", COMMANDS, ids=lambda kind: kind.__name__)
def test_examples_of_commands_are_taken_by_the_server(command: type) -> None:
    for example in MESSAGES[command.__name__]["examples"]:
        assert type(decode_command(json.dumps(example["payload"]))) is command


def test_events_have_no_null_and_ids_are_the_only_choice() -> None:
    for event in EVENTS:
        for name, field in SCHEMAS[event.__name__]["properties"].items():
            assert name == "id" or "anyOf" not in field


def test_every_code_has_its_meaning() -> None:
    assert ERROR_MEANINGS.keys() == set(ErrorCode)
    assert SCHEMAS["ErrorCode"]["x-meanings"].keys() == {code.value for code in ErrorCode}
    assert DOCUMENT["channels"]["chat"]["x-close-codes"] == {
        str(int(code)): reason for code, reason in CLOSE_REASONS.items()
    }

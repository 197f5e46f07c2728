"""Every frame that tests exchange with workers, held against docs/asyncapi.json on its way.

What the server sends has to be what the document says and nothing besides. What a test sends may
be wrong on purpose: then the server has to refuse it, so that the document and the server agree
on what is right. Breaches are collected, and fail the test that exchanged the frame.
"""

import json
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft7Validator

from chat.protocol.commands import command_id_of

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "asyncapi.json"
SHOWN_CHARS = 300

Event = dict[str, Any]
Schema = dict[str, Any]
Id = int | str | None


class Contract:
    """What the document says, and how it was kept so far.

    `seen` counts frames that keep it, by "command" or "event" and the type.
    """

    def __init__(self, document: Schema) -> None:
        schemas = document["components"]["schemas"]
        self.seen: Counter[tuple[str, str]] = Counter()
        self.answers = _answers(document)
        self._validators = {
            "command": dict(_validators(document, "command", schemas)),
            "event": dict(_validators(document, "event", _closed(schemas))),
        }
        self._breaches: list[str] = []
        self._unrefused: dict[tuple[Witness, Id], str] = {}

    def unseen(self) -> list[tuple[str, str]]:
        """Return the commands and events that no test has exchanged."""
        known = {(kind, name) for kind, named in self._validators.items() for name in named}
        return sorted(known - self.seen.keys())

    def take_breaches(self) -> list[str]:
        """Return what broke the contract since the last call."""
        left = [
            f"sent, against the document and not refused: {wrong}"
            for wrong in self._unrefused.values()
        ]
        found, self._breaches, self._unrefused = [*self._breaches, *left], [], {}
        return found

    def fault(self, kind: str, frame: Any) -> str:
        """Return what is wrong with a frame; nothing is, and it is counted, if that is empty."""
        name = frame.get("type") if isinstance(frame, dict) else None
        validator = self._validators[kind].get(name) if isinstance(name, str) else None
        if validator is None:
            return f"there is no {kind} {name!r}"
        if validator.is_valid(frame):
            self.seen[kind, str(name)] += 1
            return ""
        return "; ".join(error.message for error in validator.iter_errors(frame))

    def breach(self, what: str) -> None:
        """Note a breach."""
        self._breaches.append(what)

    def must_be_refused(self, witness: "Witness", command_id: Id, what: str) -> None:
        """Note a wrong command."""
        self._unrefused[witness, command_id] = what

    def was_refused(self, witness: "Witness", command_id: Id) -> None:
        """Note a refusal."""
        self._unrefused.pop((witness, command_id), None)


class Witness:
    """Hears the frames of one connection, in order."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._answers: dict[Id, frozenset[str]] = {}

    def sent(self, text: str) -> None:
        """Hear what the client is about to send."""
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            return  # no frame of ours, and the document is not about JSON
        fault = self._contract.fault("command", frame)
        command_id = command_id_of(text)
        if fault:
            self._contract.must_be_refused(self, command_id, _shown(text, fault))
            return
        # An id may be used twice; which answer is whose is not known then.
        known = self._answers.get(command_id, frozenset())
        self._answers[command_id] = known | {"error", self._contract.answers[frame["type"]]}

    def received(self, event: Event) -> None:
        """Hear what the server has sent."""
        fault = self._contract.fault("event", event)
        if fault:
            self._contract.breach(f"received, against the document: {_shown(event, fault)}")
            return
        answers = self._answers.get(event.get("id"))
        if "id" in event and answers is not None and event["type"] not in answers:
            self._contract.breach(f"received, as an answer: {_shown(event, str(set(answers)))}")
        if event["type"] == "error":
            self._contract.was_refused(self, event.get("id"))
            if answers is not None and event["code"] == "unknown_type":
                self._contract.breach(f"refused, though the document has it: {_shown(event, '')}")


def _answers(document: Schema) -> dict[str, str]:
    """Return the type of the event that answers each type of command."""
    messages = document["components"]["messages"]

    def name(reference: Schema) -> str:
        return str(messages[reference["$ref"].rpartition("/")[2]]["name"])

    return {
        name(operation["messages"][0]): name(operation["reply"]["messages"][0])
        for operation in document["operations"].values()
        if operation["action"] == "receive"
    }


def _validators(
    document: Schema, tag: str, schemas: dict[str, Schema]
) -> Iterator[tuple[str, Draft7Validator]]:
    for message in document["components"]["messages"].values():
        if message["tags"] == [{"name": tag}]:
            schema = {**message["payload"], "components": {"schemas": schemas}}
            yield message["name"], Draft7Validator(schema)


def _closed(schemas: dict[str, Schema]) -> dict[str, Schema]:
    """Return the schemas with nothing allowed that they do not list."""
    closed = deepcopy(schemas)
    for schema in closed.values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return closed


def _shown(frame: Any, fault: str) -> str:
    return f"{str(frame)[:SHOWN_CHARS]} ({fault[:SHOWN_CHARS]})"


CONTRACT = Contract(json.loads(DOCUMENT.read_text()))

"""The contract finds what it is there to find; each test is about one made-up connection."""

import json
from typing import Any

import pytest

from tests.support.contract import DOCUMENT, Contract, Witness

JOINED = {"type": "room_joined", "roomId": "a", "memberCount": 1, "epoch": "e", "seq": 0}


@pytest.fixture
def contract() -> Contract:
    return Contract(json.loads(DOCUMENT.read_text()))


@pytest.fixture
def witness(contract: Contract) -> Witness:
    return Witness(contract)


def send(witness: Witness, **frame: Any) -> None:
    witness.sent(json.dumps(frame))


def test_what_keeps_to_the_document_is_counted(contract: Contract, witness: Witness) -> None:
    send(witness, type="join_room", id=1, roomId="a")
    witness.received({**JOINED, "id": 1})
    witness.received({**JOINED, "id": "b"})
    assert contract.take_breaches() == []
    assert contract.seen == {("command", "join_room"): 1, ("event", "room_joined"): 2}
    unseen = contract.unseen()
    assert ("event", "pong") in unseen
    assert ("event", "room_joined") not in unseen


@pytest.mark.parametrize(
    "event",
    [
        {"type": "news"},
        {"no": "type"},
        {**JOINED, "surprise": 1},
        {**JOINED, "recovered": None},
        {**JOINED, "seq": "0"},
        {name: value for name, value in JOINED.items() if name != "epoch"},
        {"type": "error", "code": "a_new_code", "message": ""},
        {"type": "gap", "roomId": "a", "reason": "why not", "epoch": "e", "fromSeq": 1, "toSeq": 1},
        {
            "type": "history",
            "roomId": "a",
            "epoch": "e",
            "headSeq": 0,
            "more": False,
            "messages": [{"type": "chat_message"}],
        },
    ],
    ids=str,
)
def test_an_event_that_the_document_does_not_have_is_a_breach(
    contract: Contract, witness: Witness, event: dict[str, Any]
) -> None:
    witness.received(event)
    [breach] = contract.take_breaches()
    assert str(event)[:40] in breach
    assert not contract.seen
    assert contract.take_breaches() == []


@pytest.mark.parametrize("frame", [{"type": "fly"}, {"type": "join_room", "roomId": 5}, [], 1])
@pytest.mark.parametrize("command_id", [None, 7])
def test_a_wrong_command_has_to_be_refused(
    contract: Contract, witness: Witness, frame: Any, command_id: int | None
) -> None:
    if isinstance(frame, dict) and command_id is not None:
        frame = {**frame, "id": command_id}
    answer = {"id": frame["id"]} if isinstance(frame, dict) and "id" in frame else {}
    witness.sent(json.dumps(frame))
    witness.received({"type": "error", "code": "invalid_message", "message": "", **answer})
    assert contract.take_breaches() == []
    witness.sent(json.dumps(frame))
    Witness(contract).received({"type": "error", "code": "invalid_message", "message": ""})
    [breach] = contract.take_breaches()
    assert "not refused" in breach


def test_an_answer_of_another_kind_is_a_breach(contract: Contract, witness: Witness) -> None:
    send(witness, type="ping", id=1)
    witness.received({**JOINED, "id": 1})
    [breach] = contract.take_breaches()
    assert "as an answer" in breach


def test_any_command_may_be_refused_but_not_as_unknown(
    contract: Contract, witness: Witness
) -> None:
    refusal = {"type": "error", "id": 1, "message": ""}
    send(witness, type="ping", id=1)
    witness.received({**refusal, "code": "rate_limited"})
    assert contract.take_breaches() == []
    witness.received({**refusal, "code": "unknown_type"})
    [breach] = contract.take_breaches()
    assert "though the document has it" in breach


def test_what_is_no_json_is_no_matter_of_the_document(contract: Contract, witness: Witness) -> None:
    witness.sent("{")
    assert contract.take_breaches() == []

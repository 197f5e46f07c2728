"""Bodies of deliveries."""

import json

from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.records import decode_record, encode_body
from chat.webhooks.delivery import Event, fitting, gap, of_logged, of_record, pack
from chat.webhooks.kinds import KINDS


def message(seq: int, content: str = "Hi") -> Event:
    body = encode_body(f"msg_{seq}", "ada", {"name": "Ada"}, None, content)
    return of_record("lobby", decode_record(b"m0a1b:%d:1767225600123:%s" % (seq, body)))


def test_an_event_is_that_of_the_protocol_with_an_id() -> None:
    assert json.loads(message(7).data) == {
        "eventId": "lobby:0a1b:7",
        "type": "chat_message",
        "roomId": "lobby",
        "epoch": "0a1b",
        "seq": 7,
        "timestamp": 1767225600123,
        "messageId": "msg_7",
        "userId": "ada",
        "user": {"name": "Ada"},
        "content": "Hi",
    }


def test_every_letter_of_history_is_a_kind_that_can_be_asked_for() -> None:
    change = b'"userId":"ada","messageSeq":1,"messageId":"m"}'
    for letter in (b"e", b"d", b"a", b"r"):
        event = of_record("lobby", decode_record(letter + b"0a1b:2:5:" + change))
        assert event.kind in KINDS
        assert json.loads(event.data)["type"] == event.kind


def test_an_event_of_a_log_has_its_time_in_its_id() -> None:
    event = of_logged("77", 3, b'1767225600123:"type":"user_left","roomId":"a:b","userId":"ada"}')
    assert (event.kind, event.room_id, event.event_id) == ("user_left", "a:b", "77:3:1767225600123")
    assert json.loads(event.data)["timestamp"] == 1767225600123


def test_a_delivery_of_the_same_events_has_the_same_id_and_that_of_others_another() -> None:
    events = [message(1), message(2)]
    assert pack("crm", events) == pack("crm", events)
    ids = {
        pack("crm", events).delivery_id,
        pack("audit", events).delivery_id,
        pack("crm", events[:1]).delivery_id,
        pack("crm", [message(1), message(3)]).delivery_id,
    }
    assert len(ids) == 4


def test_the_body_is_an_event_of_the_specification() -> None:
    hole = gap("lobby", "lobby", "0a1b", 1, 4, reason="trimmed", at_ms=5)
    body = json.loads(pack("crm", [hole, message(5)]).body)
    assert body["type"] == "events"
    assert body["timestamp"] == "2026-01-01T00:00:00.123Z"
    assert [event["type"] for event in body["data"]["events"]] == ["gap", "chat_message"]


@given(st.lists(st.text(max_size=50), min_size=1, max_size=20), st.integers(1, 3000))
def test_a_delivery_is_no_larger_than_it_may_be_and_one_event_always_fits(
    contents: list[str], most: int
) -> None:
    events = [message(seq, content) for seq, content in enumerate(contents, 1)]
    chosen = fitting(events, most)
    assert list(chosen) == events[: len(chosen)]
    assert len(chosen) >= 1
    size = sum(len(event.data) + 1 for event in chosen)
    assert len(chosen) == 1 or size <= most
    assert len(chosen) == len(events) or size + len(events[len(chosen)].data) + 1 > most

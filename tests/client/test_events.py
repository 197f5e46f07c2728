"""The client knows all that a server of its version says, and bears what a newer one adds."""

import json
from typing import get_args

import msgspec
import pytest

from chat.client import errors, events
from chat.client.events import ChatMessage, RoomLeft, Unknown, decode, encode
from chat.protocol import events as server
from chat.protocol.errors import ErrorCode
from tests.client.made import message

OURS = {kind.__struct_config__.tag: kind for kind in get_args(events.AnyEvent)}
THEIRS = {kind.__struct_config__.tag: kind for kind in get_args(server.AnyEvent)}


@pytest.mark.parametrize("tag", THEIRS)
def test_every_event_of_the_server_has_its_type_here_with_every_field(tag: str) -> None:
    theirs = {field.encode_name: field for field in msgspec.structs.fields(THEIRS[tag])}
    ours = {field.encode_name: field for field in msgspec.structs.fields(OURS[tag])}
    assert theirs.keys() <= ours.keys()
    optional = {name for name, field in theirs.items() if not field.required}
    assert not {name for name in optional if ours[name].required}, "the server may leave these out"


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_code_of_the_server_has_its_family_here(code: ErrorCode) -> None:
    assert code.value in errors.FAMILIES
    assert isinstance(errors.refusal(code, "why"), errors.FAMILIES[code])


def test_a_code_of_a_newer_server_is_a_plain_refusal() -> None:
    refused = errors.refusal("of_tomorrow", "No.", retry_after_ms=5, room_id="r")
    assert type(refused) is errors.RefusedError
    assert (refused.code, refused.retry_after_ms, str(refused)) == (
        "of_tomorrow",
        5,
        "No. (of_tomorrow)",
    )


def test_an_event_comes_back_as_it_was_on_the_wire() -> None:
    text = encode(message(3, "Hi", client_message_id="c", thread_id="m1"))
    assert json.loads(text) == {
        "type": "chat_message",
        "roomId": "r",
        "epoch": "e",
        "seq": 3,
        "timestamp": 3,
        "userId": "ann",
        "messageId": "m3",
        "clientMessageId": "c",
        "content": "Hi",
        "threadId": "m1",
    }
    assert decode(text) == message(3, "Hi", client_message_id="c", thread_id="m1")


def test_unknown_fields_are_ignored() -> None:
    fields = json.loads(encode(message(3))) | {"colour": "red"}
    assert isinstance(decode(json.dumps(fields)), ChatMessage)


def test_who_is_put_out_for_a_reason_of_tomorrow_is_put_out() -> None:
    event = decode('{"type":"room_left","roomId":"r","reason":"moved"}')
    assert event == RoomLeft(room_id="r", reason="moved")


def test_an_event_of_an_unknown_type_keeps_its_place() -> None:
    event = decode('{"type":"poll","roomId":"r","epoch":"e","seq":9,"options":[]}')
    assert event == Unknown(type="poll", room_id="r", epoch="e", seq=9)


def test_an_event_of_an_unknown_shape_keeps_its_place_too() -> None:
    event = decode('{"type":"chat_message","roomId":"r","epoch":"e","seq":9,"content":{"a":1}}')
    assert event == Unknown(type="chat_message", room_id="r", epoch="e", seq=9)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"type":1}', "[" * 5000])
def test_what_is_no_event_is_none(text: str) -> None:
    assert decode(text) is None

"""The client's fold and the server's are one rule, written twice."""

import json
from typing import Any

from hypothesis import given

from chat.client.events import Amendment, ChatMessage, encode
from chat.client.fold import amended
from chat.protocol.folding import fold
from tests.client.test_fold import Happening, rooms


def wire(event: Happening) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(encode(event))
    return fields


@given(rooms())
def test_client_and_server_make_the_same_of_every_message(events: list[Happening]) -> None:
    for first in events:
        if not isinstance(first, ChatMessage):
            continue
        ours, theirs = first, wire(first)
        for event in events:
            if isinstance(event, Amendment) and event.message_id == first.message_id:
                ours, theirs = amended(ours, event), fold(theirs, wire(event))
        assert wire(ours) == theirs

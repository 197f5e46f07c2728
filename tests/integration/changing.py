"""What tests of edits, deletions and reactions say and look at."""

from typing import Any

from chat.protocol.folding import fold_all
from tests.support.client import PLACED, ChatClient, Event
from tests.support.waiting import until


def place(ack: Event) -> dict[str, Any]:
    return {"seq": ack["seq"], "messageId": ack["messageId"]}


def placed(client: ChatClient, room: str) -> list[Event]:
    return [
        event for event in client.received if event["type"] in PLACED and event["roomId"] == room
    ]


async def heard_up_to(client: ChatClient, room: str, seq: int) -> None:
    await until(
        lambda: any(event["seq"] >= seq for event in placed(client, room)),
        30.0,
        what=f"the event {seq} of {room}",
    )


async def history(client: ChatClient, room: str, **fields: Any) -> Event:
    page = await client.command("history", roomId=room, **fields)
    assert page["type"] == "history", page
    return page


def folded(client: ChatClient, room: str) -> list[Event]:
    """What a client makes of all it has received."""
    events = placed(client, room)
    return [fold_all(message, events) for message in events if message["type"] == "chat_message"]


async def changed(client: ChatClient, kind: str, room: str, ack: Event, /, **fields: Any) -> Event:
    answer = await client.command(kind, roomId=room, **place(ack), **fields)
    assert answer["type"] == "ack", answer
    return answer

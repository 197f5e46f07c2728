"""What several integration tests say and ask."""

import asyncio
from collections.abc import Iterable, Sequence

from tests.support.client import ChatClient, Event
from tests.support.waiting import until


def contents(events: Iterable[Event]) -> list[str]:
    return [event["content"] for event in events]


def positions(client: ChatClient, room: str) -> list[tuple[str, int]]:
    return [(message["epoch"], message["seq"]) for message in client.messages(room)]


def seqs(client: ChatClient, room: str) -> list[int]:
    return [message["seq"] for message in client.messages(room)]


async def heard(client: ChatClient, room: str, content: str, timeout_s: float = 30.0) -> None:
    """Wait until a client has a message with this content."""
    await until(
        lambda: content in contents(client.messages(room)), timeout_s, what=f"message {content!r}"
    )


async def said(client: ChatClient, room: str, texts: Sequence[str]) -> list[Event]:
    """Publish messages one after the other; each must be acknowledged."""
    acks = []
    for text in texts:
        ack = await client.say(room, text)
        assert ack["type"] == "ack", ack
        acks.append(ack)
    return acks


async def insist(client: ChatClient, room: str, text: str, timeout_s: float = 30.0) -> Event:
    """Publish as a good client does: with a client message id, again and again until it is in."""
    async with asyncio.timeout(timeout_s):
        while True:
            answer = await client.say(room, text, f"only-{text}")
            if answer["type"] == "ack":
                return answer
            assert answer["code"] in ("unavailable", "busy"), answer
            await asyncio.sleep(0.05)


async def insist_on_joining(
    client: ChatClient, room: str, since: tuple[str, int] | None = None, timeout_s: float = 30.0
) -> Event:
    """Join as a good client does: again while the server says that it cannot just now."""
    async with asyncio.timeout(timeout_s):
        while True:
            answer = await client.join(room, since)
            if answer["type"] == "room_joined":
                return answer
            assert answer["code"] in ("unavailable", "busy"), answer
            await asyncio.sleep(0.05)


async def member_count(client: ChatClient, room: str) -> int:
    page = await client.command("presence", roomId=room)
    count: int = page["memberCount"]
    return count


async def members(client: ChatClient, room: str) -> set[str]:
    page = await client.command("presence", roomId=room)
    return {member["userId"] for member in page["members"]}


async def members_become(
    client: ChatClient, room: str, wanted: set[str], timeout_s: float = 30.0
) -> None:
    async def are() -> bool:
        return await members(client, room) == wanted

    await until(are, timeout_s, what=f"members of {room} to be {sorted(wanted)}", interval_s=0.1)


def of_type(client: ChatClient, kind: str) -> list[Event]:
    return [event for event in client.received if event["type"] == kind]

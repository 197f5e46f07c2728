"""Reading what a client hands to its program."""

import asyncio
from typing import TypeVar

from chat.client import Event, Room, UserJoined

T = TypeVar("T", bound=Event)

TIMEOUT_S = 30.0


async def take(room: Room, kind: type[T], count: int, *, timeout_s: float = TIMEOUT_S) -> list[T]:
    """Return the next so many events of a kind; others are passed over."""
    found: list[T] = []
    async with asyncio.timeout(timeout_s):
        async for event in room.events():
            if isinstance(event, kind):
                found.append(event)
            if len(found) == count:
                return found
    raise AssertionError(f"the events ended after {len(found)} of {count}")


async def next_of(room: Room, kind: type[T]) -> T:
    """Return the next event of a kind."""
    [event] = await take(room, kind, 1)
    return event


async def arrival(room: Room, user_id: str) -> UserJoined:
    """Return the next arrival of a user; one may hear of one's own, or not."""
    while True:
        came = await next_of(room, UserJoined)
        if came.user_id == user_id:
            return came


async def rest(room: Room) -> list[Event]:
    """Return all events to the end."""
    async with asyncio.timeout(TIMEOUT_S):
        return [event async for event in room.events()]

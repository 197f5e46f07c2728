"""Events on their way to the program: bounded, in order, to one reader."""

import asyncio

import pytest

from chat.client.buffer import EventBuffer, Events
from chat.client.errors import StoppedError
from chat.client.events import Event, RoomLeft, UserLeft
from tests.client.made import message

LEFT = UserLeft(room_id="r", user_id="ann", member_count=1)


def buffer(limit: int = 8, on_space: list[str] | None = None) -> EventBuffer:
    return EventBuffer(limit, lambda: (on_space if on_space is not None else []).append("space"))


async def test_what_is_put_is_got_in_order() -> None:
    made = buffer()
    events = [message(seq) for seq in range(1, 4)]
    assert all(made.put(event) for event in events)
    assert [await made.get() for _ in events] == events


async def test_a_full_one_takes_nothing_and_passing_events_are_left_out_before() -> None:
    made = buffer(8)
    for seq in range(6):
        assert made.put(message(seq))
    made.put_passing(LEFT)
    assert made.put(message(6))
    assert made.put(message(7))
    assert not made.put(message(8))
    got = [await made.get() for _ in range(8)]
    assert LEFT not in got


async def test_it_tells_once_when_half_is_worked_off() -> None:
    told: list[str] = []
    made = buffer(4, told)
    for seq in range(4):
        made.put(message(seq))
    await made.get()
    assert not told
    await made.get()
    await made.get()
    assert told == ["space"]


async def test_a_waiting_reader_is_woken() -> None:
    made = buffer()
    reader = asyncio.create_task(anext(Events(made, lambda _: None)))
    await asyncio.sleep(0)
    made.put(message(1))
    assert await reader == message(1)


async def test_the_end_comes_after_what_has_arrived() -> None:
    made = buffer(1)
    handed: list[Event] = []
    left = RoomLeft(room_id="r", reason="kicked")
    made.put(message(1))
    made.end(left)
    assert not made.put(message(2))
    assert [event async for event in Events(made, handed.append)] == [message(1), left]
    assert handed == [message(1), left]


async def test_an_end_with_an_error_is_raised_each_time_one_looks() -> None:
    made = buffer()
    made.end(None, StoppedError("no more"))
    made.end(None, None)
    for _ in range(2):
        with pytest.raises(StoppedError):
            await made.get()


async def test_a_second_reader_is_told_that_there_is_one() -> None:
    made = buffer()
    reader = asyncio.create_task(made.get())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError):
        await made.get()
    made.put(message(1))
    assert await reader == message(1)


async def test_a_cancelled_reader_loses_no_event() -> None:
    made = buffer()
    reader = asyncio.create_task(made.get())
    await asyncio.sleep(0)
    made.put(message(1))
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert await made.get() == message(1)

"""Places for the hook: bounded, fair between rooms, and never lost."""

import asyncio

import pytest

from chat.screening.slots import FullError, Slots


async def test_a_room_has_no_more_than_its_share() -> None:
    slots = Slots(total=4, share=2, queue=10)
    for _ in range(2):
        await slots.take("slow", 0.01)
    with pytest.raises(FullError):
        await slots.take("slow", 0.01)
    await slots.take("other", 0.01)


async def test_beyond_the_queue_nobody_waits_at_all() -> None:
    slots = Slots(total=1, share=1, queue=1)
    await slots.take("a", 60.0)
    waiting = asyncio.create_task(slots.take("a", 60.0))
    await asyncio.sleep(0)
    with pytest.raises(FullError):
        await slots.take("a", 60.0)
    slots.give("a")
    await waiting


async def test_rooms_take_turns_however_long_their_lines_are() -> None:
    slots = Slots(total=1, share=1, queue=10)
    await slots.take("a", 60.0)
    order: list[str] = []

    async def one(room: str) -> None:
        await slots.take(room, 60.0)
        order.append(room)
        await asyncio.sleep(0)
        slots.give(room)

    async with asyncio.TaskGroup() as group:
        for room in "aaaab":
            group.create_task(one(room))
        await asyncio.sleep(0)
        slots.give("a")
    assert order == ["a", "b", "a", "a", "a"]


@pytest.mark.parametrize("is_granted", [True, False])
async def test_who_gives_up_waiting_leaves_no_place_behind(is_granted: bool) -> None:
    slots = Slots(total=1, share=1, queue=10)
    await slots.take("a", 60.0)
    waiting = asyncio.create_task(slots.take("b", 60.0))
    await asyncio.sleep(0)
    if is_granted:
        slots.give("a")
        waiting.cancel()
    else:
        waiting.cancel()
        slots.give("a")
    await asyncio.gather(waiting, return_exceptions=True)
    assert slots.waiting == 0
    await slots.take("b", 0.01)

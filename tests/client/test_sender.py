"""Commands whose outcome is in doubt: sent again only where that can not store them twice."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chat.client.errors import StoppedError, UncertainError
from chat.client.outbox import SAFE_RETRY_S, Outbox, Outgoing
from chat.client.published import Published
from chat.client.sender import Sender
from tests.client.made import message


class Old:
    """A command that was sent long ago and never answered."""

    def __init__(self, sender: Sender, outbox: Outbox, saying: asyncio.Task[Published]) -> None:
        self.sender = sender
        self.outbox = outbox
        self.saying = saying

    @property
    def item(self) -> Outgoing:
        [item] = self.outbox.of("r")
        return item


@pytest.fixture
async def old() -> AsyncIterator[Old]:
    outbox = Outbox(10, 10_000)
    sender = Sender("r", outbox, lambda: None)
    command = {"type": "chat_message", "content": "Hi"}
    saying = asyncio.create_task(sender.submit(command, "name"))
    await asyncio.sleep(0)
    made = Old(sender, outbox, saying)
    outbox.sent(made.item, asyncio.get_running_loop().time() - SAFE_RETRY_S - 1.0)
    outbox.unanswered("r")
    yield made
    saying.cancel()


async def test_nothing_is_decided_before_what_was_missed_has_arrived(old: Old) -> None:
    assert not old.sender.settle_doubts(overdue=False, complete=False)
    assert old.item.doubt_since is not None


async def test_a_command_that_was_seen_in_the_room_is_stored(old: Old) -> None:
    event = message(7, user_id="")
    old.sender.echoed(event, "name")
    assert old.sender.settle_doubts(overdue=True, complete=True)
    stored = await old.saying
    assert (stored.position, stored.message_id, stored.duplicate) == (event.position, "m7", True)


async def test_a_command_that_was_not_seen_although_everything_was_is_sent_again(old: Old) -> None:
    assert old.sender.settle_doubts(overdue=True, complete=True)
    assert old.item.doubt_since is None


async def test_a_command_that_may_lie_in_a_gap_is_told_to_be_uncertain(old: Old) -> None:
    old.sender.lose_sight()
    assert old.sender.settle_doubts(overdue=True, complete=True)
    with pytest.raises(UncertainError):
        await old.saying


async def test_a_command_of_a_room_that_could_not_catch_up_is_uncertain_too(old: Old) -> None:
    assert old.sender.settle_doubts(overdue=True, complete=False)
    with pytest.raises(UncertainError):
        await old.saying


async def test_a_room_that_ends_fails_what_waits(old: Old) -> None:
    old.sender.fail(StoppedError("no more"))
    with pytest.raises(StoppedError):
        await old.saying
    assert old.outbox.count == 0

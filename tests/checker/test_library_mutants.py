"""A library that is broken on purpose is found out: the silence of the rules says something."""

from collections.abc import Callable

import pytest

from chat.client.events import Position
from chat.client.fold import Conversation
from chat.client.intake import Intake
from chat.client.outbox import Outbox
from chat.client.walk import Walk
from tests.checker.nemesis import Harm, Nemesis
from tests.checker.setting import nemesis_of
from tests.checker.suspicion import found_out
from tests.checker.verdict import Report, run
from tests.checker.workload import Plan
from tests.support.redis_server import RedisServer

Breaks = Callable[[pytest.MonkeyPatch], None]

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(400)]


def forgets_its_position(patch: pytest.MonkeyPatch) -> None:
    """After a reconnect it goes on from where the room is now."""

    def joined(self: Walk, at: Position, since: Position | None) -> None:
        del since
        self.position = at
        self.listening = True

    patch.setattr(Walk, "joined", joined)
    patch.setattr(Intake, "ask_since", lambda _: None)


def retries_under_another_name(patch: pytest.MonkeyPatch) -> None:
    """What was on its way when the connection broke is sent again as something new."""
    original = Outbox.unanswered

    def unanswered(self: Outbox, room_id: str) -> None:
        for item in self.of(room_id):
            if item.sending:
                name = f"{item.client_message_id}-again"
                item.command = {**item.command, "clientMessageId": name}
        original(self, room_id)

    patch.setattr(Outbox, "unanswered", unanswered)


def forgets_reactions(patch: pytest.MonkeyPatch) -> None:
    """What it makes of a message misses what happened to it."""
    patch.setattr(Conversation, "_amend", lambda *_: False)


async def a_long_pause(nemesis: Nemesis) -> None:
    """Longer than the library waits: it retries elsewhere what the paused worker still holds."""
    await nemesis.pause_worker(7.0)


@pytest.mark.parametrize(
    ("breaks", "harm", "rule"),
    [
        (forgets_its_position, Nemesis.kill_worker, "R5"),
        (retries_under_another_name, a_long_pause, "R3"),
        (forgets_reactions, Nemesis.kill_worker, "R11"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
async def test_a_broken_library_is_found_out(
    fresh_redis: RedisServer, monkeypatch: pytest.MonkeyPatch, breaks: Breaks, harm: Harm, rule: str
) -> None:
    breaks(monkeypatch)

    async def attempt(seed: int) -> Report:
        async with nemesis_of(fresh_redis) as nemesis:
            return await run(nemesis, harm, Plan(seed=seed, sdk=5), settle_s=5.0)

    await found_out(fresh_redis, {rule}, attempt)

"""How long a question is asked again."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from chat.client.asking import ask
from chat.client.connection import Answer, Connection
from chat.client.errors import ConnectionLostError, LimitError, RefusedError, refusal
from chat.client.events import Pong

PING = {"type": "ping"}


class Script:
    """Answers, refusals and losses of connections in a row, in place of a server's."""

    def __init__(self, *outcomes: Answer | Exception) -> None:
        self.outcomes = list(outcomes)

    async def live(self) -> Connection:
        return cast("Connection", self)

    async def request(self, _command: Mapping[str, Any]) -> Answer:
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def too_often(retry_after_ms: int) -> RefusedError:
    return refusal("rate_limited", "Slower.", retry_after_ms=retry_after_ms)


async def test_a_short_wait_is_waited_out_and_an_hour_is_not() -> None:
    script = Script(too_often(1), too_often(1), Pong(timestamp=1))
    assert await ask(script.live, PING, again=False) == Pong(timestamp=1)
    with pytest.raises(LimitError) as caught:
        await ask(Script(too_often(3_600_000)).live, PING, again=True)
    assert caught.value.retry_after_ms == 3_600_000


async def test_what_may_have_happened_is_asked_again_only_where_that_does_no_harm() -> None:
    lost = ConnectionLostError("gone")
    assert await ask(Script(lost, Pong(timestamp=1)).live, PING, again=True) == Pong(timestamp=1)
    with pytest.raises(ConnectionLostError):
        await ask(Script(lost, Pong(timestamp=1)).live, PING, again=False)

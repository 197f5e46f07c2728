"""Waiting for what becomes of a publication, and finding out what became of an earlier one."""

import asyncio

from chat.broker.broker import Broker
from chat.broker.outcomes import Outcome, Raced
from chat.broker.publication import EXEMPT, Fold, Publication


async def stored(broker: Broker, publication: Publication) -> Outcome:
    """Store and publish, for who can wait.

    Cancellation: safe; it is stored or it is not.
    """
    outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def done(found: Outcome) -> None:
        if not outcome.done():
            outcome.set_result(found)

    broker.publish(publication, done)
    return await outcome


async def stored_before(
    broker: Broker, room_id: str, user_id: str, client_message_id: str | None
) -> Outcome | None:
    """Return the answer to what was stored already under a client id; None if it was not.

    Who is banned or muted gets that for an answer, and a failure of Redis is one too: in both cases
    a new attempt would end in the same way.
    """
    if client_message_id is None:
        return None
    # A fold that fits no record: the script gets no further than looking for the client id.
    nothing = Fold(b"e", 0, "", b"", False, 0, 0)
    asked = Publication(room_id, user_id, "-", b"", client_message_id, EXEMPT, nothing)
    outcome = await stored(broker, asked)
    return None if isinstance(outcome, Raced) else outcome

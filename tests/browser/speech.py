"""Messages of somebody who is in no window, many at once."""

import asyncio
from collections.abc import Sequence

from tests.support.client import ChatClient
from tests.support.cluster import Supervised
from tests.support.tokens import token
from tests.support.waiting import until

AT_ONCE = 100
TIMEOUT_S = 40.0  # for all of them


async def publish(site: Supervised, room: str, texts: Sequence[str], user: str = "Grace") -> None:
    """Say these in this order over a plain connection, without waiting for each to be stored."""
    client = await ChatClient.connect(site.url, token(user))

    async def joined() -> bool:  # a worker that has just started may not have its Redis yet
        return bool((await client.join(room))["type"] == "room_joined")

    await until(joined, 40.0, what="the join")
    for start in range(0, len(texts), AT_ONCE):
        batch = texts[start : start + AT_ONCE]
        said = [
            client.command("chat_message", roomId=room, content=text, timeout_s=TIMEOUT_S)
            for text in batch
        ]
        assert {answer["type"] for answer in await asyncio.gather(*said)} == {"ack"}
    await client.close()

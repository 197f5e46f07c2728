"""One connection of the client, against a real worker."""

import pytest
from websockets.protocol import State

from chat.client.connection import Connection
from chat.client.errors import ConnectionLostError
from chat.client.options import Options
from tests.support.cluster import Cluster
from tests.support.tokens import token
from tests.support.waiting import until

PING = {"type": "ping"}


async def test_a_connection_is_over_for_who_asks_before_its_reader_has_noticed(
    pair: Cluster,
) -> None:
    """Else who asks again at once would do so for ever, and the reader would not have its turn."""
    connection = await Connection.open(pair[0].url, token("ann"), Options(), lambda _event: None)
    connection.abort()
    await until(lambda: connection._websocket.state is State.CLOSED, what="the end")
    with pytest.raises(ConnectionLostError):
        await connection.request(PING)
    assert connection.over
    assert (await connection.read()).reason == "the connection was lost"

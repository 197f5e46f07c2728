"""WebSockets over HTTP/2 (RFC 8441), through the front to workers that know HTTP/1.1 only."""

from tests.front.conftest import Front
from tests.front.http2 import Http2Client
from tests.support.tokens import token


async def test_two_websockets_chat_over_one_http_2_connection(front: Front) -> None:
    client = await Http2Client.connect(front.haproxy.port, front.certificates.client())
    assert client.takes_websockets
    streams = []
    for user in ("ann", "bob"):
        offered = ["chat.v1", f"chat.token.{token(user)}"]
        stream = await client.open("/ws?room=lobby", offered)
        assert client.answers[stream][":status"] == "200"
        assert client.answers[stream]["sec-websocket-protocol"] == "chat.v1"
        assert (await client.hear(stream, "connected"))["userId"] == user
        await client.say(stream, {"type": "join_room", "id": 1, "roomId": "lobby"})
        await client.hear(stream, "room_joined")
        streams.append(stream)
    ann, bob = streams
    await client.say(ann, {"type": "chat_message", "id": 2, "roomId": "lobby", "content": "hi"})
    assert (await client.hear(ann, "ack"))["id"] == 2
    assert (await client.hear(bob, "chat_message"))["content"] == "hi"
    await client.close()


async def test_a_worker_that_refuses_is_heard_over_http_2(front: Front) -> None:
    client = await Http2Client.connect(front.haproxy.port, front.certificates.client())
    stream = await client.open("/ws", ["chat.v1"])
    assert client.answers[stream][":status"] == "200"  # the first message has to bring a token
    await client.say(stream, {"type": "join_room", "id": 1, "roomId": "lobby"})
    assert (await client.hear(stream, "error"))["code"] == "not_authenticated"
    await client.close()

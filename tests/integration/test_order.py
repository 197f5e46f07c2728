"""One order for all, acknowledgements that tell the truth, and retries that store once."""

import asyncio

from tests.integration.conftest import Connect
from tests.integration.talk import contents, heard, positions, said, seqs
from tests.support.client import ChatClient
from tests.support.cluster import Cluster
from tests.support.waiting import until


async def test_all_members_on_both_workers_see_one_order(
    pair: Cluster, connect: Connect, room: str
) -> None:
    clients = [await connect(pair[n % 2], f"user{n}", room) for n in range(6)]

    async def chatter(client: ChatClient, name: str) -> None:
        await said(client, room, [f"{name}-{n}" for n in range(20)])

    await asyncio.gather(*(chatter(client, f"c{n}") for n, client in enumerate(clients)))
    await until(lambda: all(len(client.messages(room)) == 120 for client in clients))
    orders = {tuple(positions(client, room)) for client in clients}
    assert len(orders) == 1
    assert seqs(clients[0], room) == list(range(1, 121))
    assert len({tuple(contents(client.messages(room))) for client in clients}) == 1


async def test_messages_of_one_sender_keep_their_order_without_waiting_for_acks(
    pair: Cluster, connect: Connect, room: str
) -> None:
    sender = await connect(pair[0], "ann", room)
    reader = await connect(pair[1], "ben", room)
    for n in range(200):
        await sender.send(type="chat_message", roomId=room, content=str(n))
    await heard(reader, room, "199")
    assert contents(reader.messages(room)) == [str(n) for n in range(200)]


async def test_the_ack_names_the_place_at_which_everyone_gets_the_message(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    ben = await connect(pair[1], "ben", room)
    ack = await ann.say(room, "hello", "mine-1")
    for client in (ann, ben):
        await heard(client, room, "hello")
        (message,) = client.messages(room)
        for field in ("epoch", "seq", "messageId", "timestamp", "clientMessageId"):
            assert message[field] == ack[field]
        assert message["userId"] == "ann"


async def test_the_sender_gets_its_message_once_like_everyone(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    await said(ann, room, ["one", "two"])
    await heard(ann, room, "two")
    assert contents(ann.messages(room)) == ["one", "two"]


async def test_nobody_else_gets_an_ack(pair: Cluster, connect: Connect, room: str) -> None:
    ann = await connect(pair[0], "ann", room)
    ben = await connect(pair[0], "ben", room)
    await said(ann, room, ["one"])
    await heard(ben, room, "one")
    assert not [event for event in ben.received if event["type"] == "ack"]


async def test_a_message_without_id_and_client_message_id_gets_no_ack(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    await ann.send(type="chat_message", roomId=room, content="quiet")
    await heard(ann, room, "quiet")
    await ann.command("ping")
    assert not [event for event in ann.received if event["type"] == "ack"]


async def test_a_client_message_id_alone_gets_an_ack(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    await ann.send(type="chat_message", roomId=room, content="x", clientMessageId="m-1")
    ack = await ann.wait_for("ack")
    assert ack["clientMessageId"] == "m-1"
    assert "id" not in ack


async def test_a_retry_is_stored_once_also_on_another_worker(
    pair: Cluster, connect: Connect, room: str
) -> None:
    phone = await connect(pair[0], "ann", room)
    first = await phone.say(room, "once", "m-1")
    assert "duplicate" not in first
    again = await phone.say(room, "once", "m-1")
    elsewhere = await (await connect(pair[1], "ann", room)).say(room, "once", "m-1")
    for retry in (again, elsewhere):
        assert retry["duplicate"] is True
        for field in ("epoch", "seq", "messageId", "timestamp", "clientMessageId"):
            assert retry[field] == first[field]
    await said(phone, room, ["next"])
    await heard(phone, room, "next")
    assert contents(phone.messages(room)) == ["once", "next"]
    page = await phone.command("history", roomId=room)
    assert contents(page["messages"]) == ["once", "next"]


async def test_client_message_ids_of_different_users_do_not_meet(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    ben = await connect(pair[1], "ben", room)
    await ann.say(room, "from ann", "1")
    answer = await ben.say(room, "from ben", "1")
    assert "duplicate" not in answer
    await heard(ben, room, "from ben")
    assert contents(ben.messages(room)) == ["from ann", "from ben"]


async def test_join_and_publish_in_one_breath_work(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann")
    await ann.send(type="join_room", roomId=room)
    for n in range(50):
        await ann.send(type="chat_message", roomId=room, content=str(n))
    await heard(ann, room, "49")
    assert contents(ann.messages(room)) == [str(n) for n in range(50)]
    kinds = [event["type"] for event in ann.received]
    assert kinds.index("room_joined") < kinds.index("chat_message")


async def test_who_left_gets_nothing_more(pair: Cluster, connect: Connect, room: str) -> None:
    ann = await connect(pair[0], "ann", room)
    ben = await connect(pair[0], "ben", room)
    await said(ann, room, ["one"])
    left = await ben.command("leave_room", roomId=room)
    assert left["type"] == "room_left"
    await said(ann, room, ["two"])
    await heard(ann, room, "two")
    await ben.command("ping")
    assert "two" not in contents(ben.messages(room))


async def test_client_message_ids_do_not_meet_through_colons(
    pair: Cluster, connect: Connect, room: str
) -> None:
    """`a` with `b:c` is not `a:b` with `c`: else one user could swallow another's message."""
    one = await connect(pair[0], "a", room)
    other = await connect(pair[1], "a:b", room)
    await one.say(room, "from a", "b:c")
    answer = await other.say(room, "from a:b", "c")
    assert "duplicate" not in answer


async def test_who_gets_a_descriptor_gets_nothing_of_the_one_before(
    pair: Cluster, connect: Connect, room: str
) -> None:
    sender = await connect(pair[0], "ann", room)
    sending = asyncio.create_task(said(sender, room, [str(n) for n in range(300)]))
    strangers = []
    for n in range(30):
        leaver = await connect(pair[0], f"leaver-{n}", room)
        leaver.websocket.transport.abort()
        strangers.append(await connect(pair[0], f"stranger-{n}"))  # its socket reuses the number
    await sending
    for stranger in strangers:
        assert (await stranger.command("ping"))["type"] == "pong"
        assert {event["type"] for event in stranger.received} == {"connected", "pong"}

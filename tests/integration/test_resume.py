"""Coming back: history and live meet without a hole or a duplicate, or a gap says what is gone."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

from tests.integration.conftest import Connect
from tests.integration.talk import contents, heard, of_type, positions, said, seqs
from tests.support.client import ChatClient
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.redis_server import RedisServer
from tests.support.tokens import token
from tests.support.waiting import until

StartCluster = Callable[..., Awaitable[Cluster]]


async def test_resuming_gives_what_was_missed_and_then_live(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    ben = await connect(pair[0], "ben", room)
    await said(ann, room, ["1", "2"])
    await heard(ben, room, "2")
    since = ben.position(room)
    await ben.abort()
    await said(ann, room, ["3", "4", "5"])
    again = await connect(pair[1], "ben")
    answer = await again.join(room, since)
    assert answer["recovered"] is True
    assert answer["seq"] == 5
    await said(ann, room, ["6"])
    await heard(again, room, "6")
    assert contents(again.messages(room)) == ["3", "4", "5", "6"]
    assert not of_type(again, "gap")


async def test_a_join_without_a_position_starts_at_the_head(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    await said(ann, room, ["1", "2"])
    ben = await connect(pair[1], "ben")
    answer = await ben.join(room)
    assert answer["seq"] == 2
    assert "recovered" not in answer
    await said(ann, room, ["3"])
    await heard(ben, room, "3")
    assert contents(ben.messages(room)) == ["3"]


async def test_a_client_that_hops_between_workers_sees_each_message_once(
    pair: Cluster, connect: Connect, room: str
) -> None:
    """Others publish as fast as they can meanwhile, on both workers."""
    writers = [await connect(pair[n], f"writer{n}", room) for n in range(2)]
    hopper = await connect(pair[0], "hopper", room)
    position = hopper.position(room)
    over = asyncio.Event()

    async def chatter(writer: ChatClient) -> int:
        for n in itertools.count(1):
            await said(writer, room, [f"{writer.connected['userId']}-{n}"])
            if over.is_set():
                return n
        return 0

    chatters = [asyncio.create_task(chatter(writer)) for writer in writers]
    seen: list[tuple[str, int]] = []
    for hop in range(12):
        before = len(hopper.messages(room))
        await until(lambda: len(hopper.messages(room)) >= before + 5)  # noqa: B023
        await hopper.abort()
        seen += positions(hopper, room)
        position = hopper.position(room) or position
        hopper = await connect(pair[(hop + 1) % 2], "hopper")
        answer = await hopper.join(room, position)
        assert answer["recovered"] is True
    over.set()
    total = sum(await asyncio.gather(*chatters))
    await until(lambda: len(seen) + len(hopper.messages(room)) >= total)
    seen += positions(hopper, room)
    assert [seq for _, seq in seen] == list(range(1, total + 1))
    assert not of_type(hopper, "gap")


async def test_joining_again_with_a_position_repeats_what_followed_it(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann")
    joined = await ann.join(room)
    await said(ann, room, ["1", "2", "3"])
    await heard(ann, room, "3")
    answer = await ann.join(room, (joined["epoch"], 1))
    assert answer["recovered"] is True
    await said(ann, room, ["4"])
    await heard(ann, room, "4")
    assert contents(ann.messages(room)) == ["1", "2", "3", "2", "3", "4"]


async def test_a_position_beyond_the_cap_gets_a_gap_and_the_rest(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(2, history_size=20, **NO_LIMITS)
    ann = await connect(workers[0], "ann")
    joined = await ann.join(room)
    await said(ann, room, [str(n) for n in range(1, 51)])
    ben = await connect(workers[1], "ben")
    answer = await ben.join(room, (joined["epoch"], 10))
    assert answer["recovered"] is False
    assert answer["seq"] == 50
    await heard(ben, room, "50")
    (gap,) = of_type(ben, "gap")
    assert gap == {
        "type": "gap",
        "roomId": room,
        "reason": "trimmed",
        "epoch": joined["epoch"],
        "fromSeq": 11,
        "toSeq": 30,
    }
    assert seqs(ben, room) == list(range(31, 51))
    order = [event["type"] for event in ben.received if event.get("roomId") == room]
    assert order.index("room_joined") < order.index("gap") < order.index("chat_message")


async def test_a_position_at_the_edge_of_the_cap_gets_everything(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(1, history_size=20, **NO_LIMITS)
    ann = await connect(workers[0], "ann")
    joined = await ann.join(room)
    await said(ann, room, [str(n) for n in range(1, 51)])
    ben = await connect(workers[0], "ben")
    answer = await ben.join(room, (joined["epoch"], 30))
    assert answer["recovered"] is True
    await heard(ben, room, "50")
    assert seqs(ben, room) == list(range(31, 51))


async def test_a_position_of_an_unknown_epoch_gets_a_reset_and_all_there_is(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    await said(ann, room, ["1", "2"])
    ben = await connect(pair[1], "ben")
    answer = await ben.join(room, ("no-such-epoch", 7))
    assert answer["recovered"] is False
    await heard(ben, room, "2")
    (gap,) = of_type(ben, "gap")
    assert gap["reason"] == "reset"
    assert gap["previousEpoch"] == "no-such-epoch"
    assert gap["epoch"] == answer["epoch"]
    assert gap["fromSeq"] == gap["toSeq"] == 0
    assert contents(ben.messages(room)) == ["1", "2"]


async def test_a_position_that_was_never_given_out_is_not_called_recovered(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    await said(ann, room, ["1", "2"])
    epoch, seq = ann.position(room) or ("", 0)
    ben = await connect(pair[1], "ben")
    answer = await ben.join(room, (epoch, seq + 1000))
    assert answer["recovered"] is False
    assert (await ben.wait_for("gap"))["reason"] == "reset"
    await said(ann, room, ["3"])
    await heard(ben, room, "3")
    assert contents(ben.messages(room)) == ["3"]


async def test_history_is_capped_exactly(
    cluster: StartCluster,
    connect: Connect,
    room: str,
    redis_server: RedisServer,
    redis_prefix: str,
) -> None:
    workers = await cluster(1, history_size=20, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    lengths = set()
    for n in range(60):
        await said(ann, room, [str(n)])
        lengths.add(redis_server.run("LLEN", f"{redis_prefix}:{{{room}}}:history"))
    assert lengths == set(range(1, 21))
    page = await ann.command("history", roomId=room, limit=1000)
    assert contents(page["messages"]) == [str(n) for n in range(40, 60)]
    assert page["more"] is False


async def test_the_default_cap_is_a_thousand(
    pair: Cluster, connect: Connect, room: str, redis_server: RedisServer
) -> None:
    ann = await connect(pair[0], "ann", room)
    for n in range(1050):
        await ann.send(type="chat_message", roomId=room, content=str(n))
    await heard(ann, room, "1049")
    prefix = pair[0].settings["redis_prefix"]
    assert redis_server.run("LLEN", f"{prefix}:{{{room}}}:history") == 1000


async def test_history_pages_backwards_without_overlap(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    await said(ann, room, [str(n) for n in range(1, 26)])
    pages = [await ann.command("history", roomId=room, limit=10)]
    while pages[-1]["more"]:
        first = pages[-1]["messages"][0]["seq"]
        pages.append(await ann.command("history", roomId=room, limit=10, before=first))
    assert [[m["seq"] for m in page["messages"]] for page in pages] == [
        list(range(16, 26)),
        list(range(6, 16)),
        list(range(1, 6)),
    ]
    assert {page["headSeq"] for page in pages} == {25}


async def test_history_pages_forwards_without_overlap(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    await said(ann, room, [str(n) for n in range(1, 26)])
    pages = [await ann.command("history", roomId=room, limit=10, after=0)]
    while pages[-1]["more"]:
        last = pages[-1]["messages"][-1]["seq"]
        pages.append(await ann.command("history", roomId=room, limit=10, after=last))
    assert [[m["seq"] for m in page["messages"]] for page in pages] == [
        list(range(1, 11)),
        list(range(11, 21)),
        list(range(21, 26)),
    ]


async def test_history_and_live_messages_are_the_same(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    await said(ann, room, ["1", "2", 'ü \U0001f600 "quoted" \\ \n'])
    await until(lambda: len(ann.messages(room)) == 3)
    page = await ann.command("history", roomId=room)
    assert page["messages"] == ann.messages(room)


async def test_an_empty_room_has_an_empty_history(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    page = await ann.command("history", roomId=room)
    assert (page["messages"], page["more"], page["headSeq"]) == ([], False, 0)


async def test_a_page_of_another_epoch_is_refused(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    await said(ann, room, ["1"])
    answer = await ann.command("history", roomId=room, after=0, epoch="another")
    assert answer["code"] == "epoch_changed"


async def test_many_members_come_back_at_once_and_miss_nothing(
    pair: Cluster, connect: Connect, room: str
) -> None:
    """As after a worker died: all of them read history while the room goes on."""
    ann = await connect(pair[0], "ann", room)
    epoch = (await said(ann, room, [str(n) for n in range(1, 301)]))[0]["epoch"]

    async def come_back(n: int) -> ChatClient:
        client = await ChatClient.connect(pair[n % 2].url, token(f"back{n}"))
        answer = await client.join(room, (epoch, n))
        assert answer["recovered"] is True
        return client

    back, _ = await asyncio.gather(
        asyncio.gather(*(come_back(n) for n in range(40))),
        said(ann, room, [str(n) for n in range(301, 351)]),
    )
    for n, client in enumerate(back):
        await heard(client, room, "350")
        assert seqs(client, room) == list(range(n + 1, 351))
        await client.close()


async def test_a_page_before_a_position_beyond_the_head_is_the_last_page(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    await said(ann, room, [str(n) for n in range(1, 6)])
    page = await ann.command("history", roomId=room, before=1_000_000, limit=3)
    assert contents(page["messages"]) == ["3", "4", "5"]
    assert page["more"] is True


async def test_pages_over_the_edge_of_the_cap_end_there(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(1, history_size=20, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    await said(ann, room, [str(n) for n in range(1, 51)])
    backwards = await ann.command("history", roomId=room, before=35, limit=10)
    assert [m["seq"] for m in backwards["messages"]] == [31, 32, 33, 34]
    assert backwards["more"] is False
    forwards = await ann.command("history", roomId=room, after=5, limit=10)
    assert [m["seq"] for m in forwards["messages"]] == list(range(31, 41))
    assert forwards["more"] is True


async def test_a_page_of_long_messages_does_not_cost_the_connection(
    pair: Cluster, connect: Connect, room: str
) -> None:
    """A thousand long messages are more than a connection may have unsent."""
    ann = await connect(pair[0], "ann", room)
    for n in range(600):
        await ann.send(type="chat_message", roomId=room, content=f"{n:08000}")
    await heard(ann, room, f"{599:08000}")
    reader = await ChatClient.connect(pair[0].url, token("reader"), max_size=None)
    await reader.join(room)
    got: list[int] = []
    await reader.send(type="history", id="page", roomId=room, after=0, limit=1000)
    for n in range(20):
        await ann.say(room, f"live {n}")
    page = await reader.wait_for(lambda event: event.get("id") == "page")
    got += [m["seq"] for m in page["messages"]]
    while page["more"]:
        page = await reader.command("history", roomId=room, after=got[-1], limit=1000)
        got += [m["seq"] for m in page["messages"]]
    await heard(reader, room, "live 19")
    assert got[:600] == list(range(1, 601))
    await reader.close()

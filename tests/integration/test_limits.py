"""How much and how fast: every refusal says when to try again, and waiting that long helps."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from websockets.exceptions import InvalidStatus

from tests.integration.conftest import Connect
from tests.integration.talk import contents, heard, of_type
from tests.support.client import ChatClient, Event
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.tokens import token
from tests.support.waiting import until

StartCluster = Callable[..., Awaitable[Cluster]]


async def flood(client: ChatClient, count: int) -> list[Event]:
    """Send pings without waiting; return the answers in order."""
    for n in range(count):
        await client.send(type="ping", id=f"flood-{n}")
    await client.wait_for(lambda event: event.get("id") == f"flood-{count - 1}", 30.0)
    return [e for e in client.received if str(e.get("id", "")).startswith("flood-")]


async def test_a_burst_is_allowed_and_then_refused_with_a_time_to_wait(
    cluster: StartCluster, connect: Connect
) -> None:
    limits = {"connection_messages_per_s": 2.0, "connection_messages_burst": 10}
    workers = await cluster(1, **NO_LIMITS | limits)
    ann = await connect(workers[0], "ann")
    answers = await flood(ann, 28)  # more than a slow machine earns while it sends them
    assert [answer["type"] for answer in answers[:10]] == ["pong"] * 10
    refused = answers[-1]
    assert (refused["type"], refused["code"]) == ("error", "rate_limited")
    assert 0 < refused["retryAfterMs"] <= 1000
    await asyncio.sleep(refused["retryAfterMs"] / 1000)  # what the answer promises to suffice
    assert (await ann.command("ping"))["type"] == "pong"


async def test_one_flooding_connection_does_not_slow_another_user(
    cluster: StartCluster, connect: Connect
) -> None:
    limits = {"connection_messages_per_s": 1.0, "connection_messages_burst": 5}
    workers = await cluster(1, **NO_LIMITS | limits)
    ann = await connect(workers[0], "ann")
    await flood(ann, 10)
    ben = await connect(workers[0], "ben")
    assert (await ben.command("ping"))["type"] == "pong"


async def test_bytes_are_limited_too(cluster: StartCluster, connect: Connect, room: str) -> None:
    limits = {"connection_bytes_per_s": 100.0, "connection_bytes_burst": 5000}
    workers = await cluster(1, **NO_LIMITS | limits)
    ann = await connect(workers[0], "ann", room)
    answers = [await ann.say(room, "x" * 1000) for _ in range(8)]
    kinds = [answer["type"] for answer in answers]
    assert kinds[:4] == ["ack"] * 4
    refused = next(answer for answer in answers if answer["type"] == "error")
    assert refused["code"] == "rate_limited"
    assert refused["retryAfterMs"] > 0


async def test_joins_are_limited_too(cluster: StartCluster, connect: Connect, room: str) -> None:
    limits = {"connection_joins_per_s": 0.05, "connection_joins_burst": 3}
    workers = await cluster(1, **NO_LIMITS | limits)
    ann = await connect(workers[0], "ann")
    answers = [await ann.join(f"{room}-{n}") for n in range(5)]
    assert [answer["type"] for answer in answers[:3]] == ["room_joined"] * 3
    assert answers[-1]["code"] == "rate_limited"
    assert 0 < answers[-1]["retryAfterMs"] <= 20_000
    assert answers[-1]["roomId"] == f"{room}-4"


async def test_a_user_is_limited_across_connections(
    cluster: StartCluster, connect: Connect
) -> None:
    limits = {"user_messages_per_s": 0.2, "user_messages_burst": 10}
    workers = await cluster(1, **NO_LIMITS | limits)
    devices = [await connect(workers[0], "ann") for _ in range(3)]
    answers = [answer for device in devices for answer in await flood(device, 6)]
    assert [answer["type"] for answer in answers[:10]] == ["pong"] * 10
    assert answers[-1]["code"] == "rate_limited"
    ben = await connect(workers[0], "ben")
    assert (await ben.command("ping"))["type"] == "pong"


async def test_a_user_is_limited_across_workers(cluster: StartCluster, connect: Connect) -> None:
    """What is spent on one worker is missing on the other, once the two have settled."""
    limits = {"user_messages_per_s": 0.5, "user_messages_burst": 16, "limits_sync_interval": 0.1}
    workers = await cluster(2, **NO_LIMITS | limits)
    here = await connect(workers[0], "ann")
    there = await connect(workers[1], "ann")
    assert (await flood(here, 20))[-1]["code"] == "rate_limited"

    async def refused() -> bool:
        answer = await there.command("ping")
        return bool(answer["type"] == "error" and answer["code"] == "rate_limited")

    # Slowly: the burst is to outlast a worker that gets no turn to settle.
    await until(refused, what="the budget spent elsewhere to be missed here", interval_s=0.3)
    spent = len([e for e in there.received if e["type"] == "pong"])
    assert spent < 16  # alone it would have had the whole burst


async def test_refused_commands_count_as_abuse_in_the_end(
    cluster: StartCluster, connect: Connect
) -> None:
    limits = {"connection_messages_per_s": 0.01, "connection_messages_burst": 2}
    workers = await cluster(1, **NO_LIMITS | limits, max_errors_in_a_row=8)
    ann = await connect(workers[0], "ann")
    for _ in range(10):
        await ann.send(type="ping")
    assert (await ann.wait_closed()).code == 4000


async def test_slow_mode_holds_a_user_back_per_room_and_says_for_how_long(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(2, slow_mode=f"{room}*=60,brief=1", **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    elsewhere = await connect(workers[1], "ann", room)
    ben = await connect(workers[1], "ben", room)
    assert (await ann.say(room, "1"))["type"] == "ack"
    for client in (ann, elsewhere):
        refused = await client.say(room, "2")
        assert refused["code"] == "slow_mode"
        assert 0 < refused["retryAfterMs"] <= 60_000
    assert (await ben.say(room, "from ben"))["type"] == "ack"
    await ann.join("fast")
    assert [(await ann.say("fast", str(n)))["type"] for n in range(3)] == ["ack"] * 3

    await heard(ben, room, "from ben")
    assert contents(ben.messages(room)) == ["1", "from ben"]

    await ann.join("brief")
    assert (await ann.say("brief", "1"))["type"] == "ack"

    async def accepted() -> bool:
        return bool((await ann.say("brief", "2"))["type"] == "ack")

    await until(accepted, interval_s=0.1)


async def test_a_retry_of_a_stored_message_is_not_held_back_by_slow_mode(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(1, slow_mode=f"{room}=60", **NO_LIMITS)
    ann = await connect(workers[0], "ann", room)
    first = await ann.say(room, "1", "m-1")
    assert (await ann.say(room, "1", "m-1"))["messageId"] == first["messageId"]


async def test_a_moderator_is_not_held_back_by_slow_mode(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(1, slow_mode=f"{room}=60", **NO_LIMITS)
    rooms = {room: ["join", "publish", "moderate"]}
    chief = await connect(workers[0], "chief", room, rooms=rooms)
    assert [(await chief.say(room, str(n)))["type"] for n in range(3)] == ["ack"] * 3


async def test_new_connections_of_an_address_are_limited(cluster: StartCluster) -> None:
    limits = {"address_connects_per_s": 0.05, "address_connects_burst": 3}
    workers = await cluster(1, **NO_LIMITS | limits)
    with pytest.raises(InvalidStatus) as refused:
        await _connect_again_and_again(workers[0].url)
    assert refused.value.response.status_code == 429
    assert int(refused.value.response.headers["Retry-After"]) > 0


async def _connect_again_and_again(url: str) -> None:
    for n in range(50):
        try:
            client = await ChatClient.connect(url, token("ann"))
        except InvalidStatus:
            assert n >= 3  # the burst
            raise
        await client.close()


async def test_a_rate_of_zero_is_no_limit(pair: Cluster, connect: Connect) -> None:
    ann = await connect(pair[0], "ann")
    answers = await flood(ann, 500)
    assert {answer["type"] for answer in answers} == {"pong"}
    assert not of_type(ann, "error")

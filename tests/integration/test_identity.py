"""Tokens at the door and on a live connection: who is let in, with what, and until when."""

from collections.abc import Awaitable, Callable

import pytest
from websockets.exceptions import InvalidStatus

from tests.integration.conftest import Connect
from tests.integration.talk import members_become, of_type
from tests.support.client import ChatClient, ClosedError
from tests.support.cluster import NO_LIMITS, Cluster
from tests.support.tokens import SECRET, token
from tests.support.waiting import until

StartCluster = Callable[..., Awaitable[Cluster]]

BAD_TOKENS = {
    "another key": token("ann", secret="another key, which is also long enough"),
    "expired": token("ann", ttl_s=-60.0),
    "no expiry": token("ann", exp=None),
    "not yet valid": token("ann", nbf=4e9),
    "not a token": "this-is-no-token",
    "no subject": token("ann", sub=None),
    "an audience nobody asked for": token("ann", aud="elsewhere"),
    "an action nobody knows": token("ann", rooms={"*": ["fly"]}),
    "display data of another shape": token("ann", user="Ann"),
}


async def refused_with(url: str, **options: object) -> int:
    with pytest.raises(InvalidStatus) as caught:
        await ChatClient.connect(url, **options)  # type: ignore[arg-type]
    assert caught.value.response.body
    return caught.value.response.status_code


async def test_a_token_in_the_subprotocol_list_opens_the_connection(pair: Cluster) -> None:
    async with await ChatClient.connect(pair[0].url, token("ann")) as client:
        assert client.websocket.subprotocol == "chat.v1"
        connected = client.connected
        assert connected["userId"] == "ann"
        assert connected["protocol"] == "chat.v1"
        assert connected["maxMessageBytes"] == 16384


async def test_a_token_in_the_authorization_header_opens_the_connection(pair: Cluster) -> None:
    headers = {"Authorization": f"Bearer {token('ann')}"}
    async with await ChatClient.connect(pair[0].url, headers=headers) as client:
        assert (await client.wait_for("connected"))["userId"] == "ann"


async def test_a_token_in_the_first_message_opens_the_connection(pair: Cluster) -> None:
    async with await ChatClient.connect(pair[0].url) as client:
        answer = await client.command("authenticate", token=token("ann"))
        assert (answer["type"], answer["userId"]) == ("connected", "ann")
        assert (await client.command("authenticate", token=token("ann")))["code"] == (
            "already_authenticated"
        )


async def test_a_token_in_the_query_is_ignored_unless_configured(
    pair: Cluster, cluster: StartCluster
) -> None:
    async with await ChatClient.connect(f"{pair[0].url}?token={token('ann')}") as client:
        assert (await client.command("join_room", roomId="r"))["code"] == "not_authenticated"
    workers = await cluster(1, token_in_query=True, **NO_LIMITS)
    async with await ChatClient.connect(f"{workers[0].url}?token={token('ann')}") as client:
        assert (await client.wait_for("connected"))["userId"] == "ann"


@pytest.mark.parametrize("bad", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
async def test_a_bad_token_is_refused_wherever_it_comes(pair: Cluster, bad: str) -> None:
    with pytest.raises(ClosedError) as by_subprotocol:
        await ChatClient.connect(pair[0].url, bad)
    assert by_subprotocol.value.code == 4001
    assert by_subprotocol.value.reason
    headers = {"Authorization": f"Bearer {bad}"}
    assert await refused_with(pair[0].url, headers=headers) == 401
    client = await ChatClient.connect(pair[0].url)
    await client.send(type="authenticate", token=bad)
    assert (await client.wait_closed()).code == 4001


async def test_before_the_token_nothing_but_ping_is_answered(pair: Cluster) -> None:
    async with await ChatClient.connect(pair[0].url) as client:
        assert (await client.command("ping"))["type"] == "pong"
        for kind in (
            "join_room",
            "chat_message",
            "history",
            "presence",
            "typing",
            "leave_room",
            "refresh_token",
        ):
            answer = await client.command(kind, roomId="r", content="x", token=token("ann"))
            assert (answer["type"], answer["code"]) == ("error", "not_authenticated")


async def test_who_brings_no_token_in_time_is_closed(cluster: StartCluster) -> None:
    workers = await cluster(1, handshake_timeout=3.0, **NO_LIMITS)
    client = await ChatClient.connect(workers[0].url)
    assert (await client.wait_closed(30.0)).code == 4102


async def test_an_origin_must_be_the_own_host_unless_one_is_configured(
    pair: Cluster, cluster: StartCluster
) -> None:
    own = pair[0]
    assert await refused_with(own.url, origin="https://evil.example") == 403
    assert await refused_with(own.url, origin="null") == 403
    for origin in (None, f"http://127.0.0.1:{own.port}"):
        async with await ChatClient.connect(own.url, token("ann"), origin=origin):
            pass
    workers = await cluster(1, allowed_origins="https://chat.example", **NO_LIMITS)
    async with await ChatClient.connect(
        workers[0].url, token("ann"), origin="https://chat.example"
    ):
        pass
    assert await refused_with(workers[0].url, origin=f"http://127.0.0.1:{workers[0].port}") == 403


async def test_capabilities_decide_what_is_allowed_where(
    pair: Cluster, connect: Connect, room: str
) -> None:
    rooms = {f"{room}-read-*": ["join"], f"{room}-open": ["join", "publish"]}
    ann = await connect(pair[0], "ann", rooms=rooms)
    assert (await ann.join(f"{room}-open"))["type"] == "room_joined"
    assert (await ann.say(f"{room}-open", "x"))["type"] == "ack"
    assert (await ann.join(f"{room}-read-1"))["type"] == "room_joined"
    for answer in (
        await ann.say(f"{room}-read-1", "x"),
        await ann.command("typing", roomId=f"{room}-read-1"),
        await ann.join(f"{room}-other"),
        await ann.join(room),
    ):
        assert answer["code"] == "forbidden"
    assert (await ann.command("history", roomId=f"{room}-read-1"))["type"] == "history"


async def test_a_token_without_rooms_allows_none(pair: Cluster, connect: Connect) -> None:
    ann = await connect(pair[0], "ann", rooms=None)
    assert (await ann.join("anything"))["code"] == "forbidden"


@pytest.mark.slow
async def test_an_expiring_token_is_warned_of_and_then_closes(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(1, token_warning_s=4.0, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room, ttl_s=6.0)
    warning = await ann.wait_for("token_expiring", 30.0)
    assert 0 < warning["expiresInMs"] <= 4000
    assert warning["expiresAt"] == ann.connected["expiresAt"]
    assert (await ann.wait_closed(30.0)).code == 4101
    assert len(of_type(ann, "token_expiring")) == 1


async def test_a_refreshed_token_keeps_the_connection(
    cluster: StartCluster, connect: Connect, room: str
) -> None:
    workers = await cluster(1, token_warning_s=1.0, **NO_LIMITS)
    ann = await connect(workers[0], "ann", room, ttl_s=5.0)
    short = await connect(workers[0], "short", room, ttl_s=5.0)
    answer = await ann.command("refresh_token", token=token("ann", ttl_s=600.0))
    warned_before = of_type(ann, "token_expiring")
    assert answer["type"] == "token_refreshed"
    assert answer["expiresAt"] > ann.connected["expiresAt"]
    assert (await short.wait_closed(30.0)).code == 4101
    assert (await ann.say(room, "still here"))["type"] == "ack"
    assert of_type(ann, "token_expiring") == warned_before


async def test_a_refreshed_token_is_warned_of_again(
    cluster: StartCluster, connect: Connect
) -> None:
    workers = await cluster(1, token_warning_s=30.0, **NO_LIMITS)
    ann = await connect(workers[0], "ann", ttl_s=20.0)
    await ann.wait_for("token_expiring", 30.0)
    await ann.command("refresh_token", token=token("ann", ttl_s=25.0))
    await ann.wait_for("token_expiring", 30.0)


async def test_a_refresh_that_loses_a_room_ends_the_membership(
    pair: Cluster, connect: Connect, room: str
) -> None:
    kept, lost = f"{room}-kept", f"{room}-lost"
    ann = await connect(pair[0], "ann", kept)
    await ann.join(lost)
    ben = await connect(pair[1], "ben", lost)
    await ann.command("refresh_token", token=token("ann", rooms={kept: ["join", "publish"]}))
    left = await ann.wait_for("room_left")
    assert (left["roomId"], left["reason"]) == (lost, "forbidden")
    assert (await ann.say(lost, "x"))["code"] == "not_joined"
    assert (await ann.say(kept, "x"))["type"] == "ack"
    await members_become(ben, lost, {"ben"})


async def test_a_refresh_with_a_bad_or_foreign_token_changes_nothing(
    pair: Cluster, connect: Connect, room: str
) -> None:
    ann = await connect(pair[0], "ann", room)
    for bad in (*BAD_TOKENS.values(), token("ben")):
        answer = await ann.command("refresh_token", token=bad)
        assert (answer["type"], answer["code"]) == ("error", "invalid_token")
    assert (await ann.say(room, "still here"))["type"] == "ack"


async def test_no_token_and_no_secret_is_ever_logged(cluster: StartCluster, room: str) -> None:
    workers = await cluster(
        1, log_level="debug", token_in_query=True, token_warning_s=100.0, **NO_LIMITS
    )
    url = workers[0].url
    good, bad = token("ann", ttl_s=60.0), token("ann", secret=SECRET[::-1])
    async with await ChatClient.connect(url, good) as client:
        await client.join(room)
        await client.command("refresh_token", token=bad)
        await client.command("refresh_token", token=good)
        await client.send_raw(f'{{"type":"refresh_token","token":"{good}"')
        await client.wait_for("error")
    async with await ChatClient.connect(f"{url}?token={good}"):
        pass
    for worse in ({"headers": {"Authorization": f"Bearer {bad}"}}, {"origin": "https://evil"}):
        assert await refused_with(f"{url}?token={bad}", **worse) in (401, 403)
    with pytest.raises(ClosedError):
        await ChatClient.connect(url, bad)
    await workers[0].terminate()
    await until(lambda: "drain" in workers[0].log())
    log = workers[0].log()
    for secret in (SECRET, *good.split("."), *bad.split(".")):
        assert secret not in log

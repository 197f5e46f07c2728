"""Following a room as an event stream: the same events as over a WebSocket, in the same order."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from chat.identity.apikeys import Scope
from tests.api.conftest import Site, StartApi
from tests.api.keys import Keys
from tests.api.site import Api
from tests.support import http
from tests.support.client import ChatClient
from tests.support.sse import Event, EventStream
from tests.support.tokens import token
from tests.support.waiting import until

Enter = Callable[..., Awaitable[ChatClient]]


def at(room: str, query: str = "") -> str:
    return f"/api/v1/rooms/{room}/events{query}"


async def shows(api: Api, line: str) -> bool:
    return f"\n{line}\n" in (await http.get(api.ops_port, "/metrics")).body


async def said(site: Site, room: str, *contents: str) -> None:
    for content in contents:
        assert (await site.api.publish(room, content, "ben")).status == 201


async def test_a_stream_begins_with_where_the_room_is(site: Site, room: str) -> None:
    await said(site, room, "before")
    async with await site.api.stream(room) as stream:
        opened = await stream.next()
        assert opened.type == "stream_opened"
        assert opened.json == {
            "type": "stream_opened",
            "roomId": room,
            "epoch": opened.json["epoch"],
            "headSeq": 1,
            "memberCount": 0,
        }
        assert opened.id == f"{opened.json['epoch']}:1"
        assert 1000 <= (stream.parser.retry_ms or 0) <= 3000
        assert stream.headers["cache-control"] == "no-store"
        assert stream.headers["x-accel-buffering"] == "no"
        assert "content-length" not in stream.headers


async def test_events_are_those_of_a_member(site: Site, enter: Enter, room: str) -> None:
    ann = await enter("ann")
    async with await site.api.stream(room, "reader") as stream:
        await stream.wait_for("stream_opened")

        async def everybody_hears(kind: str) -> Event:
            """Only messages have an order; the rest may be overtaken on a busy process."""
            here, there = await stream.wait_for(kind), await ann.wait_for(kind)
            assert here.json == there
            return here

        ben = await enter("ben", user={"name": "Ben"})
        await everybody_hears("user_joined")
        await ben.send(type="typing", roomId=room)
        await everybody_hears("typing")
        await ben.say(room, "Hello\n\u2028!")
        await everybody_hears("chat_message")
        await ben.command("leave_room", roomId=room)
        left = await everybody_hears("user_left")
        here = [event.json for event in stream.received if event.json.get("userId") == "ben"]
        there = [event for event in ann.received if event.get("userId") == "ben"]
        assert [event["type"] for event in here] == [
            "user_joined",
            "typing",
            "chat_message",
            "user_left",
        ]
        assert here == there
        assert left.id == f"{here[2]['epoch']}:1"


async def test_changes_of_a_message_have_their_place_and_are_resumed(
    site: Site, enter: Enter, room: str
) -> None:
    ann = await enter("ann")
    async with await site.api.stream(room, "reader") as stream:
        position = (await stream.next()).id
    ack = await ann.say(room, "helo")
    of_it = {"roomId": room, "seq": ack["seq"], "messageId": ack["messageId"]}
    await ann.command("edit_message", content="hello", **of_it)
    await ann.command("add_reaction", reaction="👍", **of_it)
    await ann.command("delete_message", **of_it)
    async with await site.api.stream(room, "reader", position) as stream:
        await stream.wait_for("stream_opened")
        events = [await stream.next() for _ in range(4)]
        assert [event.type for event in events] == [
            "chat_message",
            "message_edited",
            "reaction_added",
            "message_deleted",
        ]
        assert [event.id for event in events] == [f"{ack['epoch']}:{seq}" for seq in range(1, 5)]


async def test_who_reads_is_no_member(site: Site, enter: Enter, room: str) -> None:
    ann = await enter("ann")
    async with await site.api.stream(room, "reader") as stream:
        assert (await stream.next()).json["memberCount"] == 1
        presence = await site.api.ask(f"/api/v1/rooms/{room}/presence")
        assert [member["userId"] for member in presence.body["members"]] == ["ann"]
    await ann.say(room, "x")
    assert not any(event["type"] == "user_joined" for event in ann.received)


@pytest.mark.parametrize("by_header", [True, False])
async def test_what_was_missed_comes_first_and_once(site: Site, room: str, by_header: bool) -> None:
    await said(site, room, "1", "2", "3")
    async with await site.api.stream(room) as stream:
        position = (await stream.next()).id
        await said(site, room, "4", "5")
        assert await stream.contents(2) == ["4", "5"]  # so the process knows where the room is
    if by_header:
        again = await EventStream.open(site.api.port, at(room), token("ann"), last_id=position)
    else:
        path = at(room, f"?since={position}")
        again = await EventStream.open(site.api.port, path, token("ann"))
    async with again:
        opened = await again.next()
        assert (opened.json["headSeq"], opened.json["recovered"]) == (5, True)
        assert opened.id == position
        assert await again.contents(2) == ["4", "5"]
        await said(site, room, "6")
        assert await again.contents(1) == ["6"]
        assert [event.id.rpartition(":")[2] for event in again.received] == ["3", "4", "5", "6"]


async def test_the_header_goes_before_the_address(site: Site, room: str) -> None:
    await said(site, room, "1", "2", "3")
    async with await site.api.stream(room) as stream:
        epoch = (await stream.next()).json["epoch"]
    path = at(room, f"?since={epoch}:0")
    async with await EventStream.open(
        site.api.port, path, token("ann"), last_id=f"{epoch}:2"
    ) as again:
        assert await again.contents(1) == ["3"]


async def test_from_the_beginning_everything_comes(site: Site, room: str) -> None:
    contents = [str(number) for number in range(300)]
    await asyncio.gather(*(site.api.publish(room, content) for content in contents))
    async with await site.api.stream(room) as stream:
        epoch = (await stream.next()).json["epoch"]
    path = at(room, f"?since={epoch}:0")
    async with await EventStream.open(site.api.port, path, token("ann")) as again:
        assert sorted(await again.contents(300), key=int) == contents


async def test_a_position_of_another_time_is_told_as_a_gap(site: Site, room: str) -> None:
    await said(site, room, "1")
    async with await EventStream.open(
        site.api.port, at(room), token("ann"), last_id="beef:7"
    ) as stream:
        opened = await stream.next()
        assert opened.json["recovered"] is False
        gap = await stream.next()
        assert (gap.type, gap.json["reason"]) == ("gap", "reset")
        assert gap.id == f"{opened.json['epoch']}:{gap.json['toSeq']}"
        assert await stream.contents(1) == ["1"]


async def test_what_fell_off_the_history_is_told_as_a_gap(start_api: StartApi, room: str) -> None:
    api = await start_api(history_size=3)
    for number in range(1, 8):
        await api.publish(room, str(number))
    async with await api.stream(room) as stream:
        epoch = (await stream.next()).json["epoch"]
    async with await api.stream(room, "ann", f"{epoch}:1") as again:
        gap = await again.wait_for("gap")
        assert (gap.json["reason"], gap.json["fromSeq"], gap.json["toSeq"]) == ("trimmed", 2, 4)
        assert gap.id == f"{epoch}:4"
        assert await again.contents(3) == ["5", "6", "7"]


async def test_streams_that_come_and_go_while_others_publish_miss_nothing(
    site: Site, room: str
) -> None:
    count = 200

    async def follow() -> list[int]:
        seqs: list[int] = []
        last_id: str | None = None
        while not seqs or seqs[-1] < count:
            async with await site.api.stream(room, "ann", last_id) as stream:
                for _ in range(17):
                    event = await stream.next(20.0)
                    if event.type == "chat_message":
                        seqs.append(event.json["seq"])
                    if seqs and seqs[-1] == count:
                        break
                last_id = stream.last_id
        return seqs

    followers = [asyncio.create_task(follow()) for _ in range(4)]
    for number in range(count):
        await site.api.publish(room, str(number), "ben")
    for follower in followers:
        seqs = await follower
        assert seqs == list(range(seqs[0], count + 1))


# ------------------------------------------------------------------------ who may


async def test_a_back_end_with_a_key_may_follow(start_api: StartApi, keys: Keys, room: str) -> None:
    read, publish = keys.make(Scope.READ), keys.make(Scope.PUBLISH)
    api = await start_api(api_keys_file=str(keys.path), api_max_streams_per_user=1)
    streams = [await EventStream.open(api.port, at(room), read) for _ in range(3)]
    await api.publish(room, "x")
    for stream in streams:
        assert await stream.contents(1) == ["x"]
        await stream.close()
    assert (await api.read(at(room), publish)).code == "forbidden"


async def test_the_token_has_to_allow_joining(site: Site, room: str) -> None:
    for rooms in (None, {"*": ["publish"]}, {"other": ["join"]}):
        answer = await site.api.ask(at(room), "ann", rooms=rooms)
        assert (answer.status, answer.code) == (403, "forbidden")
    assert (await site.api.ask(at(room), None)).code == "not_authenticated"


async def test_a_token_in_the_query_is_taken_only_where_that_is_allowed(
    site: Site, start_api: StartApi, room: str
) -> None:
    path = at(room, f"?token={token('ann')}")
    assert (await site.api.ask(path, None)).code == "not_authenticated"
    api = await start_api(token_in_query=True)
    async with await EventStream.open(api.port, path, None) as stream:
        assert (await stream.next()).type == "stream_opened"
    wrong = await api.ask(at(room, "?token=x"), None)
    assert (wrong.status, wrong.code) == (401, "invalid_token")
    await until(lambda: "events" in api.log())
    assert "eyJ" not in api.log()


@pytest.mark.parametrize("query", ["?since=", "?since=7", "?since=a:b", "?since=a:-1", "?since=:1"])
async def test_what_is_no_position_is_refused(site: Site, room: str, query: str) -> None:
    answer = await site.api.ask(at(room, query))
    assert (answer.status, answer.code) == (400, "invalid_message")


async def test_a_room_id_is_judged_as_elsewhere(site: Site) -> None:
    assert (await site.api.ask(at("a%20b"))).code == "invalid_room"


async def test_head_tells_the_type_and_ends(site: Site, room: str) -> None:
    headers = {"Authorization": f"Bearer {token('ann')}"}
    answer = await http.request("HEAD", site.api.port, at(room), headers=headers)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


# ------------------------------------------------------------------------- limits


async def test_a_user_has_so_many_streams_and_no_more(start_api: StartApi, room: str) -> None:
    api = await start_api(api_max_streams_per_user=2)
    first, second = await api.stream(room), await api.stream(room)
    refused = await api.ask(at(room))
    assert (refused.status, refused.code) == (429, "too_many_streams")
    assert refused.headers["retry-after"] == "1"
    await (await api.stream(room, "ben")).close()
    await first.close()

    async def is_free() -> bool:
        return "\nchat_api_streams 1.0" in (await http.get(api.ops_port, "/metrics")).body

    await until(is_free)
    await (await api.stream(room)).close()
    await second.close()


async def test_a_process_has_so_many_streams_and_no_more(start_api: StartApi, room: str) -> None:
    api = await start_api(api_max_streams=1)
    async with await api.stream(room, "ann"):
        refused = await api.ask(at(room), "ben")
        assert (refused.status, refused.code) == (503, "busy")
        assert (await api.ask(f"/api/v1/rooms/{room}/history", "ben")).status == 200


async def test_opening_a_stream_counts_as_a_join(start_api: StartApi, room: str) -> None:
    api = await start_api(user_joins_per_s=0.01, user_joins_burst=2)
    for _ in range(2):
        await (await api.stream(room)).close()
    refused = await api.ask(at(room))
    assert (refused.status, refused.code) == (429, "rate_limited")
    assert (await api.ask(f"/api/v1/rooms/{room}/history")).status == 200


# ---------------------------------------------------------------------- its life


async def test_a_quiet_stream_is_kept_alive(start_api: StartApi, room: str) -> None:
    api = await start_api(api_heartbeat_interval=0.1, handshake_timeout=2.0)
    async with await api.stream(room) as stream:
        await stream.wait_for("stream_opened")
        reading = asyncio.create_task(stream.next(30.0))
        await until(lambda: stream.parser.comments >= 22)  # longer than a request may take
        await api.publish(room, "x", "ben")
        assert (await reading).json["content"] == "x"


async def test_a_stream_ends_with_its_token(start_api: StartApi, room: str) -> None:
    api = await start_api()
    async with await api.stream(room, "ann", ttl_s=5.0) as stream:
        *_, last = await stream.rest()
        assert last.json == {"type": "stream_closed", "roomId": room, "reason": "token_expired"}
        assert stream.is_over
    await until(lambda: shows(api, 'chat_api_streams_ended_total{reason="token_expired"} 1.0'))


async def test_a_client_that_leaves_is_noticed_and_the_room_left(
    start_api: StartApi, room: str
) -> None:
    api = await start_api(subscription_linger=0.5)
    stream = await api.stream(room)
    assert await shows(api, "chat_api_streams 1.0")
    assert await shows(api, "chat_api_stream_rooms 1.0")
    await stream.close()
    await until(lambda: shows(api, "chat_api_streams 0.0"))
    await until(lambda: shows(api, "chat_api_stream_rooms 0.0"))
    await until(lambda: shows(api, 'chat_api_streams_ended_total{reason="client"} 1.0'))


async def test_readers_of_a_room_share_one_subscription(
    start_api: StartApi, redis_prefix: str, room: str, site: Site
) -> None:
    api = await start_api()
    streams = [await api.stream(room, f"user-{number}") for number in range(5)]
    channel = f"{redis_prefix}:0:{{{room}}}:live"
    assert site.redis.run("PUBSUB", "NUMSUB", channel)[1] == 1
    await api.publish(room, "x", "ben")
    for stream in streams:
        assert await stream.contents(1) == ["x"]
        await stream.close()

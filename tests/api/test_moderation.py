"""Moderating over HTTP: acts in rooms, acts on users, and the trail of both."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.api.conftest import Site
from tests.api.site import Answer
from tests.support.client import ChatClient, ClosedError
from tests.support.tokens import token
from tests.support.waiting import until

Enter = Callable[..., Awaitable[ChatClient]]
MODERATOR = token("mod", rooms={"*": ["join", "publish", "moderate"]})
EARLIER = int(time.time()) - 60
#: On a busy machine; who finds out by looking takes longer, `head_check_interval`.
SOON_S = 10.0


async def done(site: Site, path: str, **body: Any) -> Answer:
    answer = await site.api.send(path, body, MODERATOR)
    assert (answer.status, answer.body["type"]) == (200, "ack"), answer
    return answer


async def test_a_ban_puts_out_at_once_and_closes_every_way_to_the_room(
    site: Site, room: str, enter: Enter
) -> None:
    ben = await enter("ben")
    answer = await done(
        site, f"/api/v1/rooms/{room}/ban", userId="ben", durationMs=60_000, reason="spam"
    )
    assert answer.body == {"type": "ack", "roomId": room}
    left = await ben.wait_for("room_left", SOON_S)
    assert (left["reason"], left["message"]) == ("banned", "spam")
    assert (await ben.join(room))["code"] == "banned"
    for what in ("history", "presence"):
        path = f"/api/v1/rooms/{room}/{what}"
        refused = await site.api.ask(path, "ben")
        assert (refused.status, refused.code) == (403, "banned")
        assert 0 < refused.body["retryAfterMs"] <= 60_000
        assert (await site.api.ask(path, "ann")).status == 200
    await done(site, f"/api/v1/rooms/{room}/unban", userId="ben")
    assert (await ben.join(room))["type"] == "room_joined"


async def test_a_kick_and_a_mute_are_those_of_the_protocol(
    site: Site, room: str, enter: Enter
) -> None:
    ben = await enter("ben")
    await done(site, f"/api/v1/rooms/{room}/mute", userId="ben")
    assert (await ben.say(room, "x"))["code"] == "muted"
    published = await site.api.publish(room, "x", "ben")
    assert (published.status, published.code) == (403, "muted")
    await done(site, f"/api/v1/rooms/{room}/unmute", userId="ben")
    assert (await ben.say(room, "x"))["type"] == "ack"
    await done(site, f"/api/v1/rooms/{room}/kick", userId="ben")
    assert (await ben.wait_for("room_left", SOON_S))["reason"] == "kicked"


async def test_what_holds_in_a_room_is_listed(site: Site, room: str) -> None:
    path = f"/api/v1/rooms/{room}/sanctions"
    await done(site, f"/api/v1/rooms/{room}/ban", userId="ann", reason="spam")
    await done(site, f"/api/v1/rooms/{room}/mute", userId="ann", durationMs=60_000)
    await done(site, f"/api/v1/rooms/{room}/mute", userId="ben", durationMs=1)
    await done(site, f"/api/v1/rooms/{room}/kick", userId="cleo")
    page = (await site.api.read(path, MODERATOR)).body
    assert page.keys() == {"roomId", "sanctions"}
    ban, mute = sorted(page["sanctions"], key=lambda sanction: sanction["kind"])
    assert (ban["userId"], ban["kind"], ban["by"], ban["reason"]) == ("ann", "ban", "mod", "spam")
    assert "endsAt" not in ban
    assert (mute["userId"], mute["kind"]) == ("ann", "mute")
    assert abs(mute["endsAt"] - mute["since"] - 60_000) < 1_000
    assert (await site.api.ask(path, "ann")).code == "forbidden"


async def test_a_user_whose_tokens_are_revoked_is_signed_out_of_everything(
    site: Site, enter: Enter
) -> None:
    tab = await enter("rev-1", iat=EARLIER)
    await done(site, "/api/v1/users/rev-1/revoke", reason="left the company")
    assert (await tab.wait_closed(SOON_S)).code == 4002
    with pytest.raises(ClosedError):
        await ChatClient.connect(site.worker.url, token("rev-1", iat=EARLIER))

    async def is_refused() -> bool:
        answer = await site.api.ask("/api/v1/rooms/lobby/history", "rev-1", iat=EARLIER)
        return answer.status == 401 and answer.code == "invalid_token"

    await until(is_refused)


async def test_a_single_token_is_revoked_by_its_id(site: Site, enter: Enter) -> None:
    stolen = await enter("rev-2", jti="of/a kind")
    kept = await enter("rev-2", jti="another")
    await done(site, "/api/v1/tokens/revoke", tokenId="of/a kind")
    assert (await stolen.wait_closed(SOON_S)).code == 4002
    assert (await kept.command("ping"))["type"] == "pong"


async def test_a_disconnected_user_may_come_back(site: Site, enter: Enter) -> None:
    tab = await enter("dis-1")
    await done(site, "/api/v1/users/dis-1/disconnect")
    assert (await tab.wait_closed(SOON_S)).code == 4003
    await enter("dis-1")


async def test_a_stream_of_events_ends_with_the_ban_and_with_the_token(
    site: Site, room: str
) -> None:
    ways = {
        "str-1": (f"/api/v1/rooms/{room}/ban", "banned"),
        "str-2": (f"/api/v1/rooms/{room}/kick", "kicked"),
        "str-3": ("/api/v1/users/str-3/revoke", "token_revoked"),
        "str-4": ("/api/v1/users/str-4/disconnect", "disconnected"),
    }
    for user, (path, reason) in ways.items():
        async with await site.api.stream(room, user, iat=EARLIER) as stream:
            await stream.wait_for("stream_opened")
            await done(site, path, userId=user)
            assert (await stream.wait_for("stream_closed", SOON_S)).json["reason"] == reason
            assert await stream.rest(SOON_S) == []
    refused = await site.api.ask(f"/api/v1/rooms/{room}/events", "str-1")
    assert (refused.status, refused.code) == (403, "banned")


PATHS = [
    "/api/v1/users/ben/disconnect",
    "/api/v1/users/ben/revoke",
    "/api/v1/tokens/revoke",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("rooms", [{"*": ["join"]}, {"**": ["moderate"]}, {"a*": ["moderate"]}])
async def test_acts_on_users_take_moderation_of_everything(
    site: Site, path: str, rooms: dict[str, list[str]]
) -> None:
    body = {"tokenId": "t", "reason": "x"}
    answer = await site.api.send(path, body, token("ann", rooms=rooms))
    assert (answer.status, answer.code) == (403, "forbidden")
    answer = await site.api.ask("/api/v1/audit", "ann", rooms=rooms)
    assert (answer.status, answer.code) == (403, "forbidden")


@pytest.mark.parametrize("kind", ["kick", "ban", "unban", "mute", "unmute"])
async def test_acts_in_a_room_take_moderation_of_that_room(site: Site, kind: str) -> None:
    path = f"/api/v1/rooms/lobby/{kind}"
    for rooms in ({"lobby": ["join", "publish"]}, {"other": ["moderate"]}):
        answer = await site.api.send(path, {"userId": "ben"}, token("ann", rooms=rooms))
        assert (answer.status, answer.code) == (403, "forbidden")
    assert (await site.api.send(path, {"userId": "mod"}, MODERATOR)).code == "forbidden"
    assert (await site.api.send(path, {}, MODERATOR)).code == "invalid_message"
    assert (await site.api.send(path, {"userId": "a\nb"}, MODERATOR)).code == "invalid_message"


async def test_the_trail_says_who_did_what_to_whom_where_when_and_why(
    site: Site, room: str
) -> None:
    began_ms = time.time() * 1000
    ban = {"userId": "ann", "durationMs": 1_000, "reason": "spam"}
    await done(site, f"/api/v1/rooms/{room}/ban", **ban)
    await done(site, "/api/v1/users/nobody/disconnect")
    await done(site, "/api/v1/tokens/revoke", tokenId="t-0", reason="lost")
    page = (await site.api.read("/api/v1/audit?limit=2", MODERATOR)).body
    rest = (await site.api.read(f"/api/v1/audit?limit=1&before={page['before']}", MODERATOR)).body
    entries = [*page["entries"], *rest["entries"]]
    assert [entry["act"] for entry in entries] == ["revoke_token", "disconnect", "ban"]
    for entry in entries:
        assert entry["by"] == "mod"
        assert began_ms - 1_000 < entry["timestamp"] < time.time() * 1000 + 1_000
    revoked, disconnected, banned = entries
    assert (revoked["tokenId"], revoked["reason"], "userId" in revoked) == ("t-0", "lost", False)
    assert (disconnected["userId"], "roomId" in disconnected) == ("nobody", False)
    assert {name: banned[name] for name in ban} == ban
    assert banned["roomId"] == room


async def test_what_moderators_delete_of_others_is_in_the_trail_without_its_words(
    site: Site, room: str, enter: Enter
) -> None:
    async def latest() -> Any:
        return (await site.api.read("/api/v1/audit?limit=1", MODERATOR)).body["entries"]

    rights = {"*": ["join", "publish", "delete", "moderate"]}
    ben, mod = await enter("ben"), await enter("mod", rooms=rights)
    began_ms = time.time() * 1000
    said, other = await ben.say(room, "a secret"), await mod.say(room, "mine")
    for message, times in ((said, 2), (other, 1)):
        target = {"seq": message["seq"], "messageId": message["messageId"]}
        for _ in range(times):  # a retry is the same act
            answer = await mod.command(
                "delete_message", roomId=room, clientMessageId=message["messageId"], **target
            )
            assert answer["type"] == "ack", answer
    [entry] = await latest()
    assert entry.pop("entryId")
    assert began_ms - 1_000 < entry.pop("timestamp") < time.time() * 1000 + 1_000
    assert entry == {
        "act": "delete_message",
        "by": "mod",
        "userId": "ben",
        "roomId": room,
        "messageId": said["messageId"],
    }
    page = (await site.api.read("/api/v1/audit", MODERATOR)).body["entries"]
    assert [one["act"] for one in page if one.get("roomId") == room] == ["delete_message"]


async def test_a_deletion_that_is_refused_is_not_in_the_trail(
    site: Site, room: str, enter: Enter
) -> None:
    ben, ann = await enter("ben"), await enter("ann")
    mod = await enter("mod", rooms={"*": ["join", "moderate"]})
    said = await ben.say(room, "stays")
    target = {"roomId": room, "seq": said["seq"], "messageId": said["messageId"]}
    assert (await ann.command("delete_message", **target))["code"] == "not_author"
    other = token("other", rooms={"*": ["moderate"]})
    muted = {"userId": "mod", "durationMs": 60_000}
    assert (await site.api.send(f"/api/v1/rooms/{room}/mute", muted, other)).status == 200
    refused = await mod.command("delete_message", **target)
    assert refused["code"] == "muted"
    assert 0 < refused["retryAfterMs"] <= 60_000
    page = (await site.api.read("/api/v1/audit", MODERATOR)).body["entries"]
    assert [one["act"] for one in page if one.get("roomId") == room] == ["mute"]


async def test_the_trail_holds_no_tokens_and_ends(site: Site) -> None:
    position = ""
    text = ""
    while True:
        answer = await site.api.read(f"/api/v1/audit?limit=3{position}", MODERATOR)
        text += str(answer.body)
        if "before" not in answer.body:
            break
        position = f"&before={answer.body['before']}"
    assert "eyJ" not in text
    assert (await site.api.read("/api/v1/audit?before=x", MODERATOR)).code == "invalid_message"

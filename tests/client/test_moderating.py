"""Moderation with real workers: who is put out is told, and who may not is refused."""

from dataclasses import replace

import pytest

from chat.client import ChatMessage, GoneError, NotAllowedError, RoomLeft, RoomLeftError
from tests.client.conftest import Open
from tests.client.seeing import next_of, rest
from tests.support.cluster import Cluster
from tests.support.tokens import token

MODERATOR = {"*": ["join", "publish", "moderate"]}


async def test_a_kicked_user_is_told_and_may_come_back(
    pair: Cluster, room: str, open_client: Open
) -> None:
    mod = await (await open_client(pair[0].url, "mod", token("mod", rooms=MODERATOR))).join(room)
    client = await open_client(pair[1].url, "ann")
    ann = await client.join(room)
    await mod.kick("ann", reason="Enough.")
    events = await rest(ann)
    assert isinstance(events[-1], RoomLeft)
    assert (events[-1].reason, events[-1].message) == ("kicked", "Enough.")
    with pytest.raises(RoomLeftError) as caught:
        await ann.publish("but")
    assert caught.value.reason == "kicked"
    again = await client.join(room)
    await again.publish("I am back")
    assert (await next_of(mod, ChatMessage)).content == "I am back"


async def test_a_banned_user_stays_out_until_the_ban_is_lifted(
    pair: Cluster, room: str, open_client: Open
) -> None:
    mod = await (await open_client(pair[0].url, "mod", token("mod", rooms=MODERATOR))).join(room)
    client = await open_client(pair[1].url, "ann")
    await mod.ban("ann", duration_s=3600.0)
    with pytest.raises(NotAllowedError) as caught:
        await client.join(room)
    assert caught.value.code == "banned"
    assert 0 < (caught.value.retry_after_ms or 0) <= 3_600_000
    await mod.unban("ann")
    assert (await client.join(room)).joined


async def test_a_muted_user_hears_and_is_not_heard(
    pair: Cluster, room: str, open_client: Open
) -> None:
    mod = await (await open_client(pair[0].url, "mod", token("mod", rooms=MODERATOR))).join(room)
    ann = await (await open_client(pair[1].url, "ann")).join(room)
    await mod.mute("ann")
    with pytest.raises(NotAllowedError) as caught:
        await ann.publish("but")
    assert caught.value.code == "muted"
    await mod.publish("Quiet, please")
    assert (await next_of(ann, ChatMessage)).content == "Quiet, please"
    await mod.unmute("ann")
    await ann.publish("Thank you")


async def test_anyone_reports_a_message_that_is_there(
    pair: Cluster, room: str, open_client: Open
) -> None:
    ben = await (await open_client(pair[0].url, "ben")).join(room)
    ann = await (await open_client(pair[1].url, "ann")).join(room)
    stored = await ben.publish("Buy now")
    await ann.report_message(stored, "Spam")
    await ann.report_message(await next_of(ann, ChatMessage), "Spam: twice")
    with pytest.raises(GoneError) as caught:
        await ann.report_message(replace(stored, message_id="another"), "Spam")
    assert caught.value.code == "message_gone"


async def test_who_is_no_moderator_is_refused(pair: Cluster, room: str, open_client: Open) -> None:
    ann = await (await open_client(pair[0].url, "ann")).join(room)
    with pytest.raises(NotAllowedError) as caught:
        await ann.kick("ben")
    assert caught.value.code == "forbidden"

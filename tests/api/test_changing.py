"""Edits, deletions and reactions over HTTP: the events of the protocol, whoever asks."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import pytest

from tests.api.conftest import Site, StartApi
from tests.api.site import Answer, Api
from tests.support import http
from tests.support.client import ChatClient, Event
from tests.support.tokens import token

Enter = Callable[..., Awaitable[ChatClient]]
MODERATOR = {"*": ["join", "moderate"]}


def at(message: Event, reaction: str | None = None) -> str:
    path = f"/api/v1/rooms/{message['roomId']}/messages/{message['messageId']}"
    if reaction is not None:
        path += f"/reactions/{quote(reaction, safe='')}"
    return f"{path}?seq={message['seq']}"


async def asked(api: Api, method: str, path: str, bearer: str, /, **headers: str) -> Answer:
    """Ask without a body."""
    fields = {"Authorization": f"Bearer {bearer}"}
    fields |= {name.replace("_", "-"): text for name, text in headers.items()}
    found = await http.request(method, api.port, path, headers=fields)
    return Answer(found.status, found.headers, json.loads(found.body))


async def edited(api: Api, message: Event, bearer: str, **body: Any) -> Answer:
    return await api.send(at(message), {"content": "2", **body}, bearer, method="PATCH")


async def said(site: Site, room: str, user: str = "ann") -> Event:
    answer = await site.api.publish(room, "1", user)
    assert answer.status == 201
    message: Event = answer.body
    return message


async def stored(site: Site, room: str) -> Event:
    """Return the first message of a room as it is by now."""
    message: Event = (await site.api.ask(f"/api/v1/rooms/{room}/history")).body["messages"][0]
    return message


async def test_changes_are_heard_by_members_and_folded_into_history(
    site: Site, enter: Enter, room: str
) -> None:
    ben = await enter("ben")
    message = await said(site, room)
    ann = token("ann", user={"name": "Ann"})
    edit = await edited(site.api, message, ann, mentions=["ben"], clientMessageId="e-1")
    heard = await ben.wait_for("message_edited")
    assert edit.status == 200
    assert edit.body == {
        "type": "ack",
        "roomId": room,
        "epoch": heard["epoch"],
        "seq": 2,
        "messageId": message["messageId"],
        "clientMessageId": "e-1",
        "timestamp": heard["timestamp"],
    }
    assert (heard["content"], heard["mentions"], heard["user"]) == ("2", ["ben"], {"name": "Ann"})
    for reaction in ("👍", "so true", "+1"):
        assert (await asked(site.api, "PUT", at(message, reaction), token("ben"))).status == 200
        assert (await ben.wait_for("reaction_added"))["reaction"] == reaction
    back = await asked(site.api, "DELETE", at(message, "so true"), token("ben"))
    assert (back.status, (await ben.wait_for("reaction_removed"))["seq"]) == (200, back.body["seq"])
    now = await stored(site, room)
    assert (now["content"], now["reactions"]) == ("2", {"👍": ["ben"], "+1": ["ben"]})
    assert (await asked(site.api, "DELETE", at(message), ann)).status == 200
    assert (await ben.wait_for("message_deleted"))["messageId"] == message["messageId"]
    gone = await stored(site, room)
    assert (gone["content"], gone["deleted"], gone["deletedBy"]) == ("", True, "ann")


async def test_a_retry_is_the_same_act(site: Site, room: str) -> None:
    message = await said(site, room)
    ann, key = token("ann"), {"Idempotency_Key": '"act 1"'}
    first = await asked(site.api, "DELETE", at(message), ann, **key)
    again = await asked(site.api, "DELETE", at(message), ann, **key)
    assert (first.status, again.status) == (200, 200)
    assert again.body == first.body | {"duplicate": True}


async def test_a_reaction_that_is_there_takes_no_place(site: Site, room: str) -> None:
    message = await said(site, room)
    answers = [await asked(site.api, "PUT", at(message, "x"), token("ben")) for _ in range(2)]
    assert answers[0].body["seq"] == 2
    assert answers[1].body == {
        "type": "ack",
        "roomId": room,
        "messageId": message["messageId"],
        "duplicate": True,
    }
    assert (await asked(site.api, "DELETE", at(message, "y"), token("ben"))).body["duplicate"]


@pytest.mark.parametrize(
    ("method", "reaction", "right"),
    [
        ("PATCH", None, "edit"),
        ("DELETE", None, "delete"),
        ("PUT", "x", "react"),
        ("DELETE", "x", "react"),
    ],
)
async def test_each_act_needs_its_own_capability(
    site: Site, room: str, method: str, reaction: str | None, right: str
) -> None:
    message = await said(site, room)
    every = {"join", "publish", "edit", "delete", "react"}
    bearer = token("ann", rooms={"*": sorted(every - {right})})
    if method == "PATCH":
        refused = await edited(site.api, message, bearer)
    else:
        refused = await asked(site.api, method, at(message, reaction), bearer)
    assert (refused.status, refused.code) == (403, "forbidden")
    assert right in refused.body["detail"]


async def test_what_others_said_is_theirs_and_moderators_may_delete_it(
    site: Site, room: str
) -> None:
    message = await said(site, room)
    assert (await edited(site.api, message, token("ben"))).code == "not_author"
    assert (await asked(site.api, "DELETE", at(message), token("ben"))).code == "not_author"
    mod = token("mod", rooms=MODERATOR)
    assert (await edited(site.api, message, mod)).code == "forbidden"
    assert (await asked(site.api, "DELETE", at(message), mod)).status == 200
    assert (await stored(site, room))["deletedBy"] == "mod"


async def test_a_key_deletes_as_a_moderator_and_changes_nothing_else(site: Site, room: str) -> None:
    message = await said(site, room)
    assert (await edited(site.api, message, site.keys.all)).code == "forbidden"
    refused = await asked(site.api, "PUT", at(message, "x"), site.keys.all)
    assert refused.code == "forbidden"
    key_name = "_".join(site.keys.all.split("_")[:2])
    assert (await asked(site.api, "DELETE", at(message), site.keys.all)).status == 200
    assert (await stored(site, room))["deletedBy"] == key_name
    trail = (await site.api.read("/api/v1/audit?limit=1", site.keys.all)).body
    [entry] = trail["entries"]
    assert (entry["act"], entry["by"], entry["userId"]) == ("delete_message", key_name, "ann")
    assert entry["messageId"] == message["messageId"]


async def test_what_is_not_there_cannot_be_changed(site: Site, room: str) -> None:
    message = await said(site, room)
    ann = token("ann")
    for other in ({"seq": 9}, {"messageId": "other"}):
        refused = await edited(site.api, message | other, ann)
        assert (refused.status, refused.code) == (410, "message_gone")
    nowhere = at(message).partition("?")[0]
    for query in ("", "?seq=x", "?seq=-1", "?seq=1&seq=1"):
        refused = await asked(site.api, "DELETE", nowhere + query, ann)
        assert (refused.status, refused.code) == (400, "invalid_message")
    assert (await asked(site.api, "PUT", at(message, " x"), ann)).code == "invalid_message"
    assert (await edited(site.api, message, ann, content="")).code == "invalid_message"
    assert (await stored(site, room))["content"] == "1"


async def test_who_is_muted_or_banned_changes_nothing(site: Site, room: str) -> None:
    message = await said(site, room)
    mod = token("mod", rooms=MODERATOR)
    for act, code in (("mute", "muted"), ("ban", "banned")):
        sanction = {"userId": "ann", "durationMs": 60_000}
        assert (await site.api.send(f"/api/v1/rooms/{room}/{act}", sanction, mod)).status == 200
        refused = await edited(site.api, message, token("ann"))
        assert (refused.status, refused.code) == (403, code)
        assert 0 < refused.body["retryAfterMs"] <= 60_000


async def test_windows_end_and_reactions_have_bounds(start_api: StartApi, room: str) -> None:
    api = await start_api(edit_window=0.02, delete_window=0.02, max_reactions=1)
    message = (await api.publish(room, "1")).body
    await asyncio.sleep(0.05)
    late = await edited(api, message, token("ann"))
    assert (late.status, late.code) == (409, "too_late")
    assert (await asked(api, "DELETE", at(message), token("ann"))).code == "too_late"
    assert (await asked(api, "PUT", at(message, "x"), token("ann"))).status == 200
    full = await asked(api, "PUT", at(message, "y"), token("ann"))
    assert (full.status, full.code) == (409, "too_many_reactions")


async def test_only_an_edit_has_a_body(site: Site, room: str) -> None:
    message = await said(site, room)
    for method, path in (("DELETE", at(message)), ("PUT", at(message, "x"))):
        refused = await site.api.send(path, {}, token("ann"), method=method)
        assert (refused.status, refused.code) == (413, "body_refused")

"""Private rooms on real workers: who comes in, who sees what, who is put out."""

import asyncio
from typing import Any

import pytest

from tests.conversations.conftest import PERSON, Connect, done, person, private_room
from tests.integration.talk import contents, heard, of_type, said
from tests.support.cluster import Cluster
from tests.support.waiting import until

#: On a busy machine; who finds out by looking takes longer, `head_check_interval`.
SOON_S = 10.0


async def test_an_invited_user_sees_nothing_until_the_invitation_is_accepted(
    pair: Cluster, connect: Connect, tag: str
) -> None:
    ann = await person(connect, pair[0], f"ann-{tag}")
    ben = await person(connect, pair[1], f"ben-{tag}")
    inbox = ben.connected["inbox"]
    await done(ben, "join_room", roomId=inbox)
    made = await done(ann, "create_room", userIds=[f"ben-{tag}"], title="Party", topic="Cake")
    room = made["roomId"]
    assert made["room"] == {"title": "Party", "topic": "Cake"}
    assert (made["role"], room.startswith("private:")) == ("owner", True)
    told = await ben.wait_for("membership_changed", SOON_S)
    assert (told["roomId"], told["seq"]) == (inbox, 1)
    assert told["membership"] == {
        "roomId": room,
        "role": "member",
        "invited": True,
        "title": "Party",
        "by": f"ann-{tag}",
    }
    listed = {"roomId": room, "role": "member", "title": "Party"}
    assert (await done(ben, "list_rooms"))["rooms"] == [{**listed, "invited": True}]
    assert (await ben.join(room))["code"] == "forbidden"
    assert (await ben.command("participants", roomId=room))["code"] == "forbidden"
    ack = await done(ben, "answer_invitation", roomId=room, accept=True)
    assert ack["seq"] == 4
    joined = await ben.join(room)
    assert (joined["role"], joined["room"]) == ("member", {"title": "Party", "topic": "Cake"})
    assert (await done(ben, "list_rooms"))["rooms"] == [listed]
    page = await done(ben, "participants", roomId=room)
    seats = {one["userId"]: one["role"] for one in page["participants"]}
    assert seats == {f"ann-{tag}": "owner", f"ben-{tag}": "member"}


async def test_who_is_not_in_the_roster_is_told_the_same_as_where_there_is_no_room(
    pair: Cluster, connect: Connect, tag: str
) -> None:
    ann = await person(connect, pair[0], f"ann-{tag}")
    eve = await connect(pair[1], f"eve-{tag}", rooms={"*": (*PERSON["*"], "moderate")})
    room = await private_room(ann)
    await done(ann, "join_room", roomId=room)
    await said(ann, room, ["secret"])
    for target in (room, f"private:none-{tag}", f"direct:none-{tag}", ann.connected["inbox"]):
        about: dict[str, Any] = {"roomId": target, "userId": f"ann-{tag}"}
        place: dict[str, Any] = {"roomId": target, "seq": 1, "messageId": "m"}
        refused = [
            await eve.join(target),
            await eve.command("participants", roomId=target),
            await eve.command("invite_user", **about),
            await eve.command("invite_user", roomId=target, userId=f"eve-{tag}"),
            await eve.command("set_role", role="member", **about),
            await eve.command("set_role", roomId=target, userId=f"eve-{tag}", role="owner"),
            await eve.command("remove_participant", **about),
            await eve.command("remove_participant", roomId=target, userId=f"eve-{tag}"),
            await eve.command("answer_invitation", roomId=target, accept=True),
            await eve.command("answer_invitation", roomId=target, accept=False),
            await eve.command("change_room", roomId=target, title="x"),
            await eve.command("kick_user", **about),
            await eve.command("ban_user", **about),
            await eve.command("mute_user", **about),
        ]
        assert {answer["code"] for answer in refused} == {"forbidden"}, refused
        await done(eve, "ping")  # or so many refusals in a row would end the connection
        absent = [
            await eve.say(target, "x"),
            await eve.command("typing", roomId=target),
            await eve.command("history", roomId=target),
            await eve.command("presence", roomId=target),
            await eve.command("mark_read", roomId=target, seq=1),
            await eve.command("users", roomId=target, userIds=[f"ann-{tag}"]),
            await eve.command("edit_message", content="x", **place),
            await eve.command("delete_message", **place),
            await eve.command("add_reaction", reaction="x", **place),
            await eve.command("leave_room", roomId=target),
        ]
        assert {answer["code"] for answer in absent} == {"not_joined"}, absent
        await done(eve, "ping")
    assert (await done(eve, "unread", roomIds=[room]))["rooms"] == []
    assert (await eve.command("unread", roomIds=[ann.connected["inbox"]]))["code"] == "forbidden"


async def test_a_removed_user_is_put_out_everywhere_and_gets_nothing_that_came_later(
    pair: Cluster, connect: Connect, tag: str
) -> None:
    ann = await person(connect, pair[0], f"ann-{tag}")
    ben = [await person(connect, pair[n], f"ben-{tag}") for n in (0, 1)]
    room = await private_room(ann, ben[0])
    for client in (ann, *ben):
        await done(client, "join_room", roomId=room)
    ack = await done(ann, "remove_participant", roomId=room, userId=f"ben-{tag}")
    await said(ann, room, ["without ben"])
    for client in ben:
        left = await client.wait_for("room_left", SOON_S)
        assert (left["roomId"], left["reason"]) == (room, "removed")
        event = of_type(client, "participant_changed")[-1]
        assert event["participant"] == {"userId": f"ben-{tag}", "role": None}
        assert (event["seq"], event["userId"]) == (ack["seq"], f"ann-{tag}")
        assert (await client.join(room))["code"] == "forbidden"
        assert (await client.say(room, "x"))["code"] == "not_joined"
        assert (await client.command("history", roomId=room))["code"] == "not_joined"
        assert not client.messages(room)
        assert (await done(client, "list_rooms"))["rooms"] == []
    gone = await ann.wait_for("user_left", SOON_S)
    assert (gone["userId"], gone["memberCount"]) == (f"ben-{tag}", 1)


async def test_roles_count_where_the_token_does_not_say_so(
    pair: Cluster, connect: Connect, tag: str
) -> None:
    names = {name: f"{name}-{tag}" for name in ("ann", "ben", "cleo", "dan")}
    ann, ben, cleo = [
        await person(connect, pair[n % 2], names[name])
        for n, name in enumerate(("ann", "ben", "cleo"))
    ]
    room = await private_room(ann, ben, cleo)
    for client in (ann, ben, cleo):
        await done(client, "join_room", roomId=room)
    [ack] = await said(cleo, room, ["mine"])
    place: dict[str, Any] = {"roomId": room, "seq": ack["seq"], "messageId": ack["messageId"]}

    async def refused(kind: str, **fields: Any) -> bool:
        answer = await ben.command(kind, roomId=room, **fields)
        return bool(answer["type"] == "error" and answer["code"] == "forbidden")

    assert await refused("invite_user", userId=names["dan"])
    assert await refused("kick_user", userId=names["cleo"])
    assert (await ben.command("delete_message", **place))["code"] == "not_author"
    await done(ann, "set_role", roomId=room, userId=names["ben"], role="moderator")
    await ben.wait_for(
        lambda event: (
            event["type"] == "participant_changed"
            and event["participant"] == {"userId": names["ben"], "role": "moderator"}
        ),
        SOON_S,
    )
    await done(ben, "invite_user", roomId=room, userId=names["dan"])
    await done(ben, "delete_message", **place)
    await done(ben, "change_room", roomId=room, readOnly=True)
    await cleo.wait_for("room_changed", SOON_S)
    assert (await cleo.say(room, "x"))["code"] == "read_only"
    await said(ben, room, ["moderators write"])
    await done(ben, "change_room", roomId=room, readOnly=None)
    assert await refused("invite_user", userId=names["dan"], role="owner")
    assert await refused("set_role", userId=names["ben"], role="owner")
    assert await refused("kick_user", userId=names["ann"])
    assert await refused("remove_participant", userId=names["ann"])
    await done(ben, "mute_user", roomId=room, userId=names["cleo"])
    assert (await cleo.say(room, "x"))["code"] == "muted"
    await done(ben, "remove_participant", roomId=room, userId=names["cleo"])
    assert (await cleo.wait_for("room_left", SOON_S))["reason"] == "removed"


async def test_a_room_keeps_an_owner_and_ends_with_its_last_participant(
    pair: Cluster, connect: Connect, tag: str
) -> None:
    ann = await person(connect, pair[0], f"ann-{tag}")
    ben = await person(connect, pair[1], f"ben-{tag}")
    room = f"private:party-{tag}"
    await done(ann, "create_room", roomId=room, userIds=[f"ben-{tag}"])
    assert (await ben.command("create_room", roomId=room))["code"] == "room_exists"
    await done(ben, "answer_invitation", roomId=room, accept=True)
    await done(ann, "join_room", roomId=room)
    await said(ann, room, ["before"])
    about: dict[str, Any] = {"roomId": room, "userId": f"ann-{tag}"}
    assert (await ann.command("remove_participant", **about))["code"] == "last_owner"
    assert (await ann.command("set_role", role="member", **about))["code"] == "last_owner"
    await done(ann, "set_role", roomId=room, userId=f"ben-{tag}", role="owner")
    await done(ann, "remove_participant", **about)
    await done(ben, "remove_participant", roomId=room, userId=f"ben-{tag}")
    assert (await done(ben, "list_rooms"))["rooms"] == []
    await done(ann, "create_room", roomId=room)
    await done(ann, "join_room", roomId=room)
    page = await done(ann, "history", roomId=room)
    assert (page["messages"], page["headSeq"]) == ([], 1)


async def test_a_retry_of_an_invitation_is_stored_once_and_a_repetition_changes_nothing(
    pair: Cluster, connect: Connect, tag: str
) -> None:
    ann = await person(connect, pair[0], f"ann-{tag}")
    room = await private_room(ann)
    invite: dict[str, Any] = {"roomId": room, "userId": f"ben-{tag}", "clientMessageId": "i-1"}
    first = await done(ann, "invite_user", **invite)
    again = await done(ann, "invite_user", **{**invite, "clientMessageId": "i-2"})
    assert (again["duplicate"], "seq" in again) == (True, False)
    await done(ann, "remove_participant", roomId=room, userId=f"ben-{tag}")
    retried = await done(ann, "invite_user", **invite)
    assert (retried["duplicate"], retried["seq"]) == (True, first["seq"])


async def test_changes_of_many_at_once_all_count(pair: Cluster, connect: Connect, tag: str) -> None:
    ann = [await person(connect, pair[n], f"ann-{tag}") for n in (0, 1)]
    room = await private_room(ann[0])
    users = [f"user{n}-{tag}" for n in range(10)]
    await asyncio.gather(
        *(done(ann[n % 2], "invite_user", roomId=room, userId=user) for n, user in enumerate(users))
    )
    page = await done(ann[0], "participants", roomId=room)
    assert {one["userId"] for one in page["participants"]} == {f"ann-{tag}", *users}


async def test_the_same_users_get_the_same_direct_room_and_all_are_in_it_at_once(
    pair: Cluster, connect: Connect, tag: str
) -> None:
    ann = await person(connect, pair[0], f"ann-{tag}")
    ben = await person(connect, pair[1], f"ben-{tag}")
    opened = await done(ann, "open_direct", userIds=[f"ben-{tag}"])
    again = await done(ben, "open_direct", userIds=[f"ann-{tag}", f"ben-{tag}"])
    room = opened["roomId"]
    assert (again["roomId"], again["duplicate"], again["role"]) == (room, True, "member")
    assert "duplicate" not in opened
    for client in (ann, ben):
        await done(client, "join_room", roomId=room)
        assert (await done(client, "list_rooms"))["rooms"] == [
            {"roomId": room, "role": "member", "userIds": [f"ann-{tag}", f"ben-{tag}"]}
        ]
        changes: tuple[tuple[str, dict[str, Any]], ...] = (
            ("invite_user", {"userId": "eve"}),
            ("remove_participant", {"userId": f"ann-{tag}"}),
            ("set_role", {"userId": f"ann-{tag}", "role": "owner"}),
        )
        for kind, more in changes:
            assert (await client.command(kind, roomId=room, **more))["code"] == "forbidden"
    await said(ann, room, ["hello"])
    await heard(ben, room, "hello")
    alone = await ann.command("open_direct", userIds=[f"ann-{tag}"])
    assert alone["code"] == "invalid_message"


async def test_an_invitation_waits_in_the_inbox_of_who_was_away(
    pair: Cluster, connect: Connect, tag: str
) -> None:
    ann = await person(connect, pair[0], f"ann-{tag}")
    ben = await person(connect, pair[1], f"ben-{tag}")
    inbox = ben.connected["inbox"]
    joined = await done(ben, "join_room", roomId=inbox)
    await ben.close()
    room = await private_room(ann)
    await done(ann, "invite_user", roomId=room, userId=f"ben-{tag}", role="moderator")
    await done(ann, "remove_participant", roomId=room, userId=f"ben-{tag}")
    ben = await person(connect, pair[0], f"ben-{tag}")
    assert ben.connected["inbox"] == inbox
    assert (await ben.join(inbox, (joined["epoch"], joined["seq"])))["recovered"] is True
    told = [await ben.wait_for("membership_changed", SOON_S) for _ in range(2)]
    assert [event["membership"]["role"] for event in told] == ["moderator", None]
    assert (await ben.say(inbox, "x"))["code"] == "forbidden"


async def test_a_token_has_to_allow_the_room_too(pair: Cluster, connect: Connect, tag: str) -> None:
    ann = await person(connect, pair[0], f"ann-{tag}")
    room = await private_room(ann)
    elsewhere = await connect(pair[0], f"ann-{tag}", rooms={"news-*": ("join", "create")})
    assert (await elsewhere.join(room))["code"] == "forbidden"
    assert (await elsewhere.command("create_room"))["code"] == "forbidden"
    assert (await elsewhere.command("open_direct", userIds=["x"]))["code"] == "forbidden"
    await done(elsewhere, "join_room", roomId=elsewhere.connected["inbox"])
    reader = await connect(pair[0], f"ann-{tag}", rooms={"private:*": ("join",)})
    await done(reader, "join_room", roomId=room)
    assert (await reader.say(room, "x"))["code"] == "forbidden"
    assert (await reader.command("create_room"))["code"] == "forbidden"


@pytest.mark.parametrize("room_id", ["lobby", "private:", "direct:x", "inbox:x", "private:a b"])
async def test_a_private_room_is_called_so(
    pair: Cluster, connect: Connect, tag: str, room_id: str
) -> None:
    ann = await person(connect, pair[0], f"ann-{tag}")
    assert (await ann.command("create_room", roomId=room_id))["code"] == "invalid_room"


async def test_a_banned_participant_stays_out_and_may_still_leave_for_good(
    pair: Cluster, connect: Connect, tag: str
) -> None:
    ann = await person(connect, pair[0], f"ann-{tag}")
    ben = await person(connect, pair[1], f"ben-{tag}")
    room = await private_room(ann, ben)
    await done(ben, "join_room", roomId=room)
    await done(ann, "ban_user", roomId=room, userId=f"ben-{tag}")
    assert (await ben.wait_for("room_left", SOON_S))["reason"] == "banned"
    assert (await ben.join(room))["code"] == "banned"
    await done(ben, "remove_participant", roomId=room, userId=f"ben-{tag}")
    assert (await ben.join(room))["code"] in ("banned", "forbidden")
    assert contents(ben.messages(room)) == []


async def test_states_are_told_of_participants_who_never_came_in_and_not_of_who_was_removed(
    pair: Cluster, connect: Connect, tag: str
) -> None:
    ann = await person(connect, pair[0], f"ann-{tag}")
    ben = await person(connect, pair[1], f"ben-{tag}")
    room = await private_room(ann, ben)
    await done(ann, "join_room", roomId=room)

    async def state() -> str:
        found = await done(ann, "users", roomId=room, userIds=[f"ben-{tag}"])
        return str(found["users"][0]["state"])

    await ben.command("set_presence", state="busy")

    async def is_busy() -> bool:
        return await state() == "busy"

    await until(is_busy)
    await done(ann, "remove_participant", roomId=room, userId=f"ben-{tag}")
    assert await state() == "offline"

"""Private and direct rooms with real workers: who belongs, who is told, who is out for good."""

import uuid

import pytest

from chat.client import (
    ChatMessage,
    Client,
    InvalidCommandError,
    MembershipChanged,
    NotAllowedError,
    ParticipantChanged,
    RefusedError,
    RoomLeft,
)
from tests.client.conftest import Open
from tests.client.seeing import next_of, rest
from tests.support.cluster import Cluster
from tests.support.tokens import token

RIGHTS = {"*": ["join", "publish", "edit", "delete", "react", "create"]}


async def opened(open_client: Open, url: str, name: str) -> Client:
    """Open a client of a user whom no other test has; the token may make rooms."""
    user = f"{name}-{uuid.uuid4().hex[:6]}"
    client = await open_client(url, user, lambda: token(user, rooms=RIGHTS))
    await client.wait_online()
    return client


def id_of(client: Client) -> str:
    assert client.user_id is not None
    return client.user_id


async def test_who_is_invited_hears_of_it_accepts_and_is_heard(
    pair: Cluster, open_client: Open
) -> None:
    ann = await opened(open_client, pair[0].url, "ann")
    ben = await opened(open_client, pair[1].url, "ben")
    inbox = await ben.join_inbox()
    made = await ann.create_room()
    assert (made.role, made.duplicate) == ("owner", False)
    room = await ann.join(made.room_id)
    assert room.role == "owner"
    stored = await room.invite(id_of(ben))
    seen = await next_of(room, ParticipantChanged)
    assert (seen.participant.user_id, seen.participant.invited) == (id_of(ben), True)
    assert stored.seq == seen.seq
    told = (await next_of(inbox, MembershipChanged)).membership
    assert (told.room_id, told.role, told.invited) == (made.room_id, "member", True)
    assert told.by == id_of(ann)
    with pytest.raises(NotAllowedError):
        await ben.join(made.room_id)
    await ben.answer_invitation(made.room_id, accept=True)
    theirs = await ben.join(made.room_id)
    await theirs.publish("Here I am")
    assert (await next_of(room, ChatMessage)).content == "Here I am"
    people = {person.user_id: person.role async for person in room.participants()}
    assert people == {id_of(ann): "owner", id_of(ben): "member"}
    assert [entry.room_id async for entry in ben.list_rooms()] == [made.room_id]


async def test_a_role_may_be_given_and_who_is_removed_is_out_for_good(
    pair: Cluster, open_client: Open
) -> None:
    ann = await opened(open_client, pair[0].url, "ann")
    ben = await opened(open_client, pair[1].url, "ben")
    made = await ann.create_room(user_ids=[id_of(ben)])
    await ben.answer_invitation(made.room_id, accept=True)
    room, theirs = await ann.join(made.room_id), await ben.join(made.room_id)
    await room.set_role(id_of(ben), "moderator")
    await next_of(theirs, ParticipantChanged)
    assert theirs.role == "moderator"
    with pytest.raises(NotAllowedError) as caught:
        await theirs.set_role(id_of(ann), "member")
    assert caught.value.code == "forbidden"
    await room.remove_participant(id_of(ben))
    last = (await rest(theirs))[-1]
    assert isinstance(last, RoomLeft)
    assert last.reason == "removed"
    assert not theirs.joined
    with pytest.raises(NotAllowedError):
        await ben.join(made.room_id)


async def test_the_last_owner_stays_and_who_leaves_for_good_is_not_asked_twice(
    pair: Cluster, open_client: Open
) -> None:
    ann = await opened(open_client, pair[0].url, "ann")
    ben = await opened(open_client, pair[1].url, "ben")
    made = await ann.create_room(user_ids=[id_of(ben)])
    await ben.answer_invitation(made.room_id, accept=True)
    room, theirs = await ann.join(made.room_id), await ben.join(made.room_id)
    with pytest.raises(NotAllowedError) as caught:
        await room.leave_for_good()
    assert caught.value.code == "last_owner"
    await theirs.leave_for_good()
    assert isinstance((await rest(theirs))[-1], RoomLeft)
    assert [entry async for entry in ben.list_rooms()] == []
    await room.leave_for_good()


async def test_the_same_users_get_the_same_direct_room(pair: Cluster, open_client: Open) -> None:
    ann = await opened(open_client, pair[0].url, "ann")
    ben = await opened(open_client, pair[1].url, "ben")
    inbox = await ben.join_inbox()
    made = await ann.open_direct([id_of(ben)])
    told = (await next_of(inbox, MembershipChanged)).membership
    assert told.room_id == made.room_id
    assert set(told.user_ids or []) == {id_of(ann), id_of(ben)}
    again = await ben.open_direct([id_of(ann)])
    assert (again.room_id, again.duplicate) == (made.room_id, True)
    room = await ben.join(made.room_id)
    with pytest.raises(RefusedError):
        await room.invite("cleo")
    assert [entry.room_id async for entry in ann.list_rooms()] == [made.room_id]


async def test_a_name_is_taken_once_and_only_with_the_right_to_make_rooms(
    pair: Cluster, open_client: Open
) -> None:
    ann = await opened(open_client, pair[0].url, "ann")
    name = f"private:{uuid.uuid4().hex}"
    await ann.create_room(name)
    with pytest.raises(InvalidCommandError) as caught:
        await ann.create_room(name)
    assert caught.value.code == "room_exists"
    plain = {"*": ["join", "publish"]}
    guest = await open_client(pair[0].url, "guest", lambda: token("guest", rooms=plain))
    with pytest.raises(NotAllowedError):
        await guest.create_room()

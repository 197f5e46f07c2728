"""Changes over a real Redis while others change the same message."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.broker.broker import Broker
from chat.broker.changes import TRIES, Change, Changes, Unchanged
from chat.broker.moderation import Moderation
from chat.broker.outcomes import Outcome, Published, Raced
from chat.broker.publication import Publication
from chat.broker.store import Store
from chat.moderation.acts import Kind
from chat.ops.stats import Stats
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.folding import fold_all
from chat.protocol.records import encode_body, event_head
from chat.settings import Settings
from tests.support.redis_server import RedisServer
from tests.support.waiting import until

ROOM = "a-room"


@pytest.fixture
async def store(redis_server: RedisServer, redis_prefix: str) -> AsyncIterator[Store]:
    own = Settings(redis_url=redis_server.url, redis_prefix=redis_prefix, jwt_secret="x" * 32)
    store = Store(own, Stats(), "a-test", on_up=lambda *_: None)
    running = asyncio.create_task(store.run())
    await until(lambda: store.is_up)
    yield store
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def say(
    store: Store, content: str, room_id: str = ROOM, user_id: str = "ann", message_id: str = "m"
) -> Published:
    stored: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    body = encode_body(message_id, user_id, None, None, content)
    publication = Publication(room_id, user_id, message_id, body, None, 0)
    Broker(store).publish(publication, stored.set_result)
    outcome = await stored
    assert isinstance(outcome, Published)
    return outcome


def changes_of(store: Store, broker: Broker | None = None, stats: Stats | None = None) -> Changes:
    return Changes(broker or Broker(store), store.settings, Moderation(store), stats)


def change(kind: str, user_id: str = "ann", client_id: str | None = None, **details: Any) -> Change:
    return Change(kind, ROOM, 1, "m", user_id, None, False, client_id, details)


async def message(store: Store) -> dict[str, Any]:
    page = await Broker(store).read_page(ROOM, 1, 1)
    return page.records[0].fields()


class Overtaken(Broker):
    """A broker before whose every change another one is stored, as long as there are any."""

    def __init__(self, store: Store, rivals: list[Change]) -> None:
        super().__init__(store)
        self._rival = changes_of(store)
        self._rivals = rivals
        self.tasks: list[asyncio.Task[None]] = []

    def publish(self, publication: Publication, done: Callable[[Outcome], None]) -> None:
        self.tasks.append(asyncio.create_task(self._after_a_rival(publication, done)))

    async def _after_a_rival(
        self, publication: Publication, done: Callable[[Outcome], None]
    ) -> None:
        if self._rivals:
            assert isinstance(await self._rival.make(self._rivals.pop(0)), Published)
        super().publish(publication, done)


async def test_a_lost_race_is_run_again_on_what_the_winner_has_left(store: Store) -> None:
    await say(store, "1")
    rivals = [
        change("message_edited", content="2"),
        change("reaction_added", "ben", reaction="+"),
    ]
    stats = Stats()
    racing = changes_of(store, Overtaken(store, rivals), stats)
    outcome = await racing.make(change("reaction_added", "cem", reaction="+"))
    assert isinstance(outcome, Published)
    assert outcome.seq == 4
    assert stats.changes_raced == 2
    stored = await message(store)
    assert (stored["content"], stored["reactions"]) == ("2", {"+": ["ben", "cem"]})
    assert (stored["version"], stored["editedSeq"]) == (4, 2)


async def test_who_loses_again_and_again_gives_up_and_has_changed_nothing(store: Store) -> None:
    await say(store, "0")
    rivals = [change("message_edited", content=str(number)) for number in range(TRIES)]
    racing = changes_of(store, Overtaken(store, rivals))
    assert isinstance(await racing.make(change("message_edited", content="mine")), Raced)
    assert (await message(store))["content"] == str(TRIES - 1)


async def test_a_race_against_a_deletion_ends_with_the_message_gone(store: Store) -> None:
    await say(store, "1")
    racing = changes_of(store, Overtaken(store, [change("message_deleted")]))
    with pytest.raises(CommandError) as refusal:
        await racing.make(change("message_edited", content="late"))
    assert refusal.value.code is ErrorCode.MESSAGE_GONE
    assert (await message(store))["content"] == ""


async def test_a_moderator_who_loses_a_race_is_in_the_trail_once(store: Store) -> None:
    await say(store, "1")
    stats = Stats()
    racing = changes_of(store, Overtaken(store, [change("message_edited", content="2")]), stats)
    deletion = Change("message_deleted", ROOM, 1, "m", "mod", None, True, None, {})
    assert isinstance(await racing.make(deletion), Published)
    (entry,) = await Moderation(store).audit.page(None, 10)
    assert (entry.act.kind, entry.act.by, entry.act.on) == (Kind.DELETE_MESSAGE, "mod", "ann")
    assert stats.changes_raced == 1
    assert stats.moderation_acts == {Kind.DELETE_MESSAGE: 1}


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("message_edited", {"content": "2"}),
        ("message_deleted", {}),
        ("reaction_added", {"reaction": "+"}),
    ],
)
async def test_the_same_change_sent_twice_at_once_is_stored_once(
    store: Store, kind: str, details: dict[str, Any]
) -> None:
    await say(store, "1")
    first, second = (changes_of(store) for _ in range(2))
    wanted = change(kind, client_id="once", **details)
    outcomes = await asyncio.gather(first.make(wanted), second.make(wanted), first.make(wanted))
    stored = [outcome for outcome in outcomes if isinstance(outcome, Published)]
    assert [outcome.seq for outcome in stored] == [2, 2, 2]
    assert len({outcome.timestamp_ms for outcome in stored}) == 1
    assert sorted(outcome.duplicate for outcome in stored) == [False, True, True]


USERS = st.sampled_from(["ann", "ben", "cem"])
ACTS: st.SearchStrategy[tuple[str, dict[str, Any]]] = st.one_of(
    st.tuples(st.just("message_edited"), st.fixed_dictionaries({"content": st.text(min_size=1)})),
    st.tuples(
        st.just("message_edited"),
        st.fixed_dictionaries({"content": st.just("x"), "mentions": st.lists(USERS, min_size=1)}),
    ),
    st.tuples(st.just("message_deleted"), st.just({})),
    st.tuples(
        st.sampled_from(["reaction_added", "reaction_added", "reaction_removed"]),
        st.fixed_dictionaries({"reaction": st.sampled_from(["+1", "-1", '","content":"'])}),
    ),
    st.tuples(st.just("chat_message"), st.just({})),
)


@given(st.lists(st.tuples(ACTS, USERS, st.integers(0, 3)), max_size=15))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_what_history_has_is_what_a_member_makes_of_the_events(
    store: Store, acts: list[tuple[tuple[str, dict[str, Any]], str, int]]
) -> None:
    """A member who sees each record as it is stored, and one who reads them all at the end."""
    room_id = f"room-{uuid.uuid4().hex}"
    changes, broker = changes_of(store), Broker(store)
    head = event_head(room_id)
    live: list[dict[str, Any]] = []
    places: list[tuple[int, str]] = []
    for (kind, details), user_id, which in [(("chat_message", {}), "ann", 0), *acts]:
        if kind == "chat_message":
            published = await say(store, "said", room_id, user_id, f"m{len(live)}")
            places.append((published.seq, published.message_id))
        else:
            seq, message_id = places[-1 - which % len(places)]
            wanted = Change(
                kind, room_id, seq, message_id, user_id, None, False, None, dict(details)
            )
            with contextlib.suppress(CommandError):  # gone, or someone else's
                await changes.make(wanted)
        page = await broker.read_page(room_id, len(live) + 1, 1)
        live += [orjson.loads(record.event(head)) for record in page.records]
    told = [event for event in live if event["type"] == "chat_message"]
    end = await broker.read_page(room_id, 1, 1000)
    stored = [orjson.loads(record.event(head)) for record in end.records]
    assert [event["seq"] for event in stored] == [event["seq"] for event in live]
    folded = [event for event in stored if event["type"] == "chat_message"]
    assert [fold_all(message, live) for message in told] == folded
    assert [fold_all(message, stored) for message in folded] == folded
    assert [fold_all(message, stored) for message in told] == folded
    gone = {message["messageId"] for message in folded if message.get("deleted")}
    assert not [event for event in stored if event["messageId"] in gone and event.get("content")]


async def test_what_is_so_already_takes_no_place(store: Store) -> None:
    await say(store, "1")
    changes = changes_of(store)
    assert isinstance(await changes.make(change("reaction_removed", reaction="+")), Unchanged)
    page = await Broker(store).read_page(ROOM)
    assert page.head_seq == 1


async def test_a_barrier_waits_for_the_changes_under_way(store: Store) -> None:
    await say(store, "1")
    changes = changes_of(store)
    ended: list[str] = []

    async def edit() -> None:
        await changes.make(change("message_edited", content="2"))
        ended.append("edit")

    editing = asyncio.create_task(edit())
    await asyncio.sleep(0)
    await changes.barrier()
    ended.append("barrier")
    await editing
    assert ended == ["edit", "barrier"]

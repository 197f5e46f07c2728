"""Where users are connected, what they chose and when they were last seen: a hash per user.

It lies in a slot of the user's own. A worker is in it from a user's first connection to the end of
the last one's grace; one that died without a word is left out by who reads, and taken out by who
sweeps up behind its lease.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from chat.broker.keys import CONTROL_TAG
from chat.broker.link import Callback, LinkError, Reply, answered, as_link_error
from chat.broker.registry import TAG
from chat.broker.revocation_feed import token_life_s
from chat.broker.shard import Route
from chat.broker.slots import hash_tag
from chat.broker.store import Store
from chat.conversations.kinds import has_roster
from chat.protocol.availability import Availability, State, combined

ACTIVE = "1"
IDLE = "i"
GONE = ""

#: Users in one script, which others wait for: a user takes it some microseconds.
ARRIVALS = 200
#: What `in_room` says of who is there now.
MEMBER = 2

_LETTERS: dict[State | None, str] = {None: "", "online": "o", "away": "a", "busy": "b"}
_STATES: dict[bytes, State] = {b"a": "away", b"b": "busy"}
#: A control message with this front names a user, and the workers that should look.
CHANGED = b"q"


class Wish(NamedTuple):
    """What a user wants others to see; None leaves that as it is."""

    state: State | None = None
    status: str | None = None

    def followed_by(self, later: "Wish") -> "Wish":
        """Return what both come to: of each the last word counts."""
        return Wish(
            self.state if later.state is None else later.state,
            self.status if later.status is None else later.status,
        )


class UserRecord(NamedTuple):
    """What is known of a user.

    Args:
        choice: away or busy, None where the user chose neither.
        status: the text; empty for none.
        last_seen_ms: when the last connection ended, None if that is not known.
        places: the workers that have connections of the user, and whether all of them are idle.
    """

    choice: State | None
    status: str
    last_seen_ms: int | None
    places: dict[str, bool]

    @property
    def availability(self) -> Availability:
        """What others see."""
        return Availability(combined(self.choice, self.places.values()), self.status)

    def without(self, worker_ids: Iterable[str]) -> "UserRecord":
        """Leave some workers out."""
        left_out = set(worker_ids)
        places = {name: idle for name, idle in self.places.items() if name not in left_out}
        return self._replace(places=places)


#: Told what is known of a user: None where that is one connection, here, and nothing else.
Told = Callable[[str, UserRecord | LinkError | None], None]


class UserPresence:
    """Writes and reads them.

    Args:
        store: where they are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        settings = store.settings
        self._times_ms = (
            int(settings.last_seen_ttl * 1000),
            int(settings.status_ttl * 1000),
            int(token_life_s(settings) * 1000),
        )

    def reaches(self, user_id: str) -> bool:
        """Commands about a user can be sent."""
        return self._store.shard(hash_tag(self._store.keys.presence(user_id))).is_up

    def arrive(self, user_ids: Sequence[str], worker_id: str, done: Told) -> None:
        """Note at once that a worker has connections of users who are not idle.

        Args:
            user_ids: users who have just come.
            worker_id: the worker.
            done: told of each user what is known.
        """
        if self._store.is_sharded:  # each lies in a slot of its own
            for user_id in user_ids:
                self._arrive(user_id, worker_id, done)
        else:
            for begin in range(0, len(user_ids), ARRIVALS):
                self._arrive_together(user_ids[begin : begin + ARRIVALS], worker_id, done)

    def _arrive(self, user_id: str, worker_id: str, done: Told) -> None:
        def finish(reply: Reply) -> None:
            done(user_id, _failure(reply) or _decoded(reply))

        self._note(user_id, (worker_id, ACTIVE, 0), Wish(), finish)

    def _arrive_together(self, user_ids: Sequence[str], worker_id: str, done: Told) -> None:
        store = self._store
        keys = tuple(map(store.keys.presence, user_ids))

        def finish(reply: Reply) -> None:
            failure = _failure(reply)
            for number, user_id in enumerate(user_ids):
                known = None if failure else reply[number]
                done(user_id, failure or (_decoded(known) if known else None))

        def start(shard: Route, settle: Callback) -> None:
            shard.evaluate(store.scripts.user_arrivals, settle, keys, worker_id, *self._times_ms)

        store.start(hash_tag(keys[0]), start, finish)

    async def note(
        self,
        user_id: str,
        worker_id: str,
        has: str,
        *,
        ago_s: float = 0.0,
        wish: Wish = Wish(),  # noqa: B008 - a tuple
    ) -> UserRecord:
        """Note what a worker has of a user; return what is known then.

        Args:
            user_id: the user.
            worker_id: the worker.
            has: ACTIVE, IDLE, GONE, or `grace` of so many seconds.
            ago_s: since when that is so.
            wish: what the user chose.

        Raises:
            LinkError: no answer.
        """
        place = (worker_id, has, int(ago_s * 1000))
        return _decoded(await answered(lambda done: self._note(user_id, place, wish, done)))

    async def read(self, user_ids: Sequence[str]) -> list[UserRecord]:
        """Return what is known of users, in their order; dead workers are left out.

        Raises:
            LinkError: no answer.
        """
        found = await asyncio.gather(*(self.note(user_id, "", GONE) for user_id in user_ids))
        named = {worker_id for record in found for worker_id in record.places}
        dead = named - await self.living(named) if named else ()
        return [record.without(dead) for record in found]

    async def living(self, worker_ids: Iterable[str]) -> set[str]:
        """Return those of some workers that live.

        Raises:
            LinkError: no answer.
        """
        store = self._store
        alive = await store.evaluated(
            store.scripts.node_alive, TAG, (store.keys.nodes[0],), *worker_ids
        )
        return {worker_id.decode() for worker_id in alive}

    async def in_room(self, room_id: str, user_ids: Sequence[str]) -> list[int]:
        """Return for each user 2 for a member of a room, 1 for who belongs to it, 0 for others.

        Raises:
            LinkError: no answer.
        """
        store, keys = self._store, self._store.keys
        found: list[int] = await store.evaluated(
            store.scripts.room_users,
            room_id,
            (
                keys.members(room_id),
                keys.markers(room_id),
                *((keys.roster(room_id),) if has_roster(room_id) else ()),
            ),
            *user_ids,
        )
        return found

    def tell_workers(self, user_id: str, worker_ids: Iterable[str]) -> None:
        """Have other workers look at a user they have.

        Raises:
            LinkError: not sent.
        """
        store = self._store
        payload = CHANGED + ":".join([",".join(worker_ids), user_id]).encode()
        shard = store.shard(CONTROL_TAG)
        shard.call(_ignore, store.scripts.publish, store.keys.control, payload)

    def _note(self, user_id: str, place: tuple[str, str, int], wish: Wish, done: Callback) -> None:
        store = self._store
        key = store.keys.presence(user_id)
        arguments = (
            *place,
            *self._times_ms,
            _LETTERS[wish.state],
            "" if wish.status is None else f"={wish.status}",
        )

        def start(shard: Route, settle: Callback) -> None:
            shard.evaluate(store.scripts.user_presence, settle, (key,), *arguments)

        store.start(hash_tag(key), start, done)


def grace(seconds: float) -> str:
    """Return what a worker has that ends: nothing, but its users count as connected for a while."""
    return f"g{int(seconds * 1000)}"


def decode_changed(payload: bytes) -> tuple[set[str], str]:
    """Decode what follows CHANGED: the workers that should look, and the user.

    Raises:
        ValueError: these bytes are nothing of ours.
    """
    worker_ids, separator, user_id = payload.decode().partition(":")
    if not separator:
        raise ValueError("names no user")
    return set(worker_ids.split(",")), user_id


def _failure(reply: Reply) -> LinkError | None:
    return as_link_error(reply) if isinstance(reply, Exception) else None


def _decoded(reply: list[bytes]) -> UserRecord:
    state, status, last_seen, *flat = reply
    return UserRecord(
        _STATES.get(state),
        status.decode(),
        int(last_seen) or None,
        {
            worker_id.decode(): is_idle == IDLE.encode()
            for worker_id, is_idle in zip(flat[::2], flat[1::2], strict=True)
        },
    )


def _ignore(_reply: Reply) -> None:
    """Who missed it is right again when it reads next."""

"""Messages of rooms: stored by one atomic script, read back from history."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from msgspec import Struct

from chat.broker.detour import TRIES
from chat.broker.files import Files
from chat.broker.keys import Keys
from chat.broker.link import LinkError, Reply, answered
from chat.broker.scripts import Script, Scripts
from chat.broker.shard import STALE, Route, Shard, TurnedAwayError
from chat.broker.store import Store
from chat.conversations.kinds import has_roster
from chat.moderation.standing import Sanctioned
from chat.protocol.errors import ErrorCode
from chat.protocol.records import Page, decode_page


# A struct costs an eighth of a frozen dataclass (0.06 to 0.5 us); these are made for every message.
class Published(Struct, frozen=True, gc=False):
    """A message is stored at this place and on its way to everyone."""

    epoch: str
    seq: int
    timestamp_ms: int
    message_id: str
    duplicate: bool


@dataclass(frozen=True, slots=True)
class TooSoon:
    """Slow mode: nothing was stored."""

    wait_ms: int


@dataclass(frozen=True, slots=True)
class ReadOnly:
    """Nothing was stored: in this room only moderators write."""


@dataclass(frozen=True, slots=True)
class NotReplicated:
    """A message is stored and on its way, but too few replicas have confirmed it in time."""

    published: Published


@dataclass(frozen=True, slots=True)
class Raced:
    """Nothing was stored: the message, or what is set of the room, is not what the caller has seen.

    `record` is what it is now, None if it fell off the history, or nothing is set.
    """

    record: bytes | None


@dataclass(frozen=True, slots=True)
class TooLate:
    """Nothing was stored: the time in which the message may be changed is over."""


@dataclass(frozen=True, slots=True)
class Outside:
    """Nothing was stored: the user has no seat in the roster of the room."""


@dataclass(frozen=True, slots=True)
class Same:
    """Nothing was stored: it is so already."""


Outcome = (
    Published
    | TooSoon
    | Sanctioned
    | ReadOnly
    | NotReplicated
    | Raced
    | TooLate
    | Outside
    | Same
    | LinkError
)
_STORED = (b"ok", b"dup")
_SANCTIONS = {b"banned": ErrorCode.BANNED, b"muted": ErrorCode.MUTED}


@dataclass(frozen=True, slots=True)
class Fold:
    """What an event makes of the message it names; see `scripts/room_fold.lua`.

    Args:
        letter: of the event's record.
        seq: of the message.
        digest: SHA-1 of the message's record that the fold was made of.
        body: what the record's body becomes, without what only the script knows.
        is_edit: the message notes when and where it was edited.
        overtaken_seq: of the edit that the event overtakes; 0 for none.
        latest_ms: time after which it is too late; 0 for never.
    """

    letter: bytes
    seq: int
    digest: str
    body: bytes
    is_edit: bool
    overtaken_seq: int
    latest_ms: int


@dataclass(frozen=True, slots=True)
class Setting:
    """What an event sets of its room; see `scripts/room_change.lua`.

    Args:
        before: what is set as the caller has seen it, as JSON; empty for nothing.
        after: what it becomes.
        rules: those among it that scripts go by.
    """

    before: bytes
    after: bytes
    rules: str


class Event(Protocol):
    """An event that is stored by a script of its own, with whatever it changes."""

    def script(self, scripts: Scripts) -> Script:
        """Return the script; see `scripts/_append.lua` for what it shares with the others."""

    def keys(self, keys: Keys, room_id: str) -> tuple[str, ...]:
        """Return its keys between the third and the last."""

    def arguments(self) -> tuple[str | bytes | int, ...]:
        """Return its arguments between the ninth and the last."""


#: Instead of a slow mode: who may moderate is bound neither by it nor by read-only.
EXEMPT = -1


class Publication(Struct, frozen=True, gc=False):
    """What goes into the publish script, or into the one for what the event does besides.

    `slow_mode_ms` holds where the room has no rule of its own; EXEMPT for who may moderate.
    `needs_seat` is false for a back end, which is in no roster.
    """

    room_id: str
    user_id: str
    message_id: str
    body: bytes
    client_message_id: str | None
    slow_mode_ms: int
    effect: Fold | Setting | Event | None = None
    needs_seat: bool = True


class Broker:
    """Publishes and reads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.files = Files(store)
        self._is_sharded = store.is_sharded
        self._publish_script = store.scripts.room_publish
        self._fold_script = store.scripts.room_fold
        self._change_script = store.scripts.room_change
        self._read_script = store.scripts.room_read

    @property
    def is_up(self) -> bool:
        """Commands can be sent to some shard."""
        return self._store.is_up

    def channel(self, room_id: str) -> str:
        """Return the pub/sub channel of a room."""
        return self._store.keys.channel(room_id)

    def group(self, room_id: str) -> int:
        """Return the group of a room, for presence."""
        return self._store.keys.group(room_id)

    def slot(self, room_id: str) -> int:
        """Return the slot of a room."""
        return self._store.routes.slot(room_id)

    def publish(self, publication: Publication, done: Callable[[Outcome], None]) -> None:
        """Store and publish one message, or an event about one; `done` is called exactly once.

        Order: what one worker stores in one room keeps its order.
        Atomic: one script; see `room_publish.lua`, `room_fold.lua` and `room_change.lua`.
        """
        self._publish(publication, done, self._store.shard(publication.room_id), TRIES)

    def _publish(
        self,
        publication: Publication,
        done: Callable[[Outcome], None],
        shard: Route,
        tries: int,
    ) -> None:
        room_id, user_id = publication.room_id, publication.user_id
        store = self._store
        settings, keys = store.settings, store.keys
        stream = keys.stream(room_id)
        client_id = publication.client_message_id
        if client_id:
            sent = keys.sent(room_id, user_id, client_id)
        else:
            sent = keys.absent(room_id) if self._is_sharded else stream

        def settle(reply: Reply) -> None:
            if isinstance(reply, Exception):
                self._not_published(publication, done, _as_link_error(reply), tries)
            elif reply[0] == b"stale":
                self._not_published(publication, done, _stale(shard), tries)
            else:
                done(_outcome(reply))

        effect, slow_ms = publication.effect, publication.slow_mode_ms
        named: tuple[str, ...] = ()
        last: tuple[str | bytes | int, ...]
        if effect is None:
            # The key comes along always: whether the room is in slow mode only the script knows.
            script, named, last = self._publish_script, (keys.slow(room_id, user_id),), (slow_ms,)
        elif isinstance(effect, Fold):
            script, last = self._fold_script, (*_arguments(effect), slow_ms)
        elif isinstance(effect, Setting):
            script, last = self._change_script, (effect.before, effect.after, effect.rules)
        else:
            script, last = effect.script(store.scripts), effect.arguments()
            named = effect.keys(keys, room_id)
        if publication.needs_seat and has_roster(room_id):
            named = (*named, keys.roster(room_id))
        told, telling = store.told_of(room_id)
        try:
            shard.evaluate(
                script,
                settle,
                (stream, keys.history(room_id), sent, *named, keys.sanctions(room_id), *told),
                keys.channel(room_id),
                shard.history_id,
                _fresh_epoch(),
                publication.message_id,
                publication.body,
                settings.history_size,
                int(settings.history_ttl * 1000),
                int(settings.stream_ttl * 1000),
                int(settings.idempotency_window * 1000) if client_id else 0,
                *last,
                user_id,
                *telling,
            )
        except LinkError as exc:
            self._not_published(publication, done, exc, tries)

    def _not_published(
        self,
        publication: Publication,
        done: Callable[[Outcome], None],
        error: LinkError,
        tries: int,
    ) -> None:
        """Give the failure back, unless the message only has to wait for its turn elsewhere."""

        def again(shard: Route, counts: bool) -> None:
            self._publish(publication, done, shard, tries - counts)

        if tries:
            self._store.turn(publication.room_id, error, again, done)
        else:
            done(error)

    async def barrier(self) -> None:
        """Wait until everything published so far has its outcome.

        Raises:
            LinkError: a shard does not answer.
        """
        await self._store.barrier()

    def publish_ephemeral(self, room_id: str, payload: bytes) -> None:
        """Publish something that is not stored and may be lost.

        Raises:
            LinkError: not sent.
        """
        store = self._store
        shard = store.shard(room_id)
        shard.call(_ignore, store.scripts.publish, store.keys.channel(room_id), payload)

    def read(
        self, room_id: str, first_seq: int, count: int, done: Callable[[Page | LinkError], None]
    ) -> None:
        """Read the head of a room and up to `count` records, from `first_seq` or the oldest on.

        A `count` of 0 reads the head only.
        """
        store = self._store
        keys = store.keys

        def start(shard: Route, settle: Callable[[Reply], None]) -> None:
            def judge(reply: Reply) -> None:
                settle(_stale(shard) if reply == [] else reply)

            shard.evaluate(
                self._read_script,
                judge,
                (keys.stream(room_id), keys.history(room_id), keys.members(room_id)),
                shard.history_id,
                _fresh_epoch(),
                int(store.settings.stream_ttl * 1000),
                first_seq,
                count,
                store.settings.history_size,
            )

        def finish(reply: Reply) -> None:
            done(_as_link_error(reply) if isinstance(reply, Exception) else _decoded(reply))

        store.start(room_id, start, finish)

    async def read_page(self, room_id: str, first_seq: int = 1, count: int = 0) -> Page:
        """As `read`, for who can wait.

        Raises:
            LinkError: no answer.
        """
        page: Page = await answered(lambda done: self.read(room_id, first_seq, count, done))
        return page


def _outcome(reply: list[Any]) -> Outcome:
    """Return what a script that stores has answered, `stale` apart; most answers are the first."""
    kind = reply[0]
    if kind in _STORED:
        _, epoch, seq, timestamp, message_id = reply
        return Published(
            epoch.decode(), int(seq), int(timestamp), message_id.decode(), kind == b"dup"
        )
    if kind == b"slow":
        return TooSoon(max(1, reply[1]))
    if kind == b"raced":
        return Raced(reply[1] or None)
    if kind == b"late":
        return TooLate()
    if kind == b"read_only":
        return ReadOnly()
    if kind == b"outside":
        return Outside()
    if kind == b"same":
        return Same()
    return Sanctioned(_SANCTIONS[kind], reply[1])


def _arguments(fold: Fold) -> tuple[str | bytes | int, ...]:
    return (
        fold.letter,
        fold.seq,
        fold.digest,
        fold.body,
        int(fold.is_edit),
        fold.overtaken_seq,
        fold.latest_ms,
    )


#: Seeded by the system. An epoch has to be new, not secret, and every message offers one.
_epochs = Random()  # noqa: S311


def _fresh_epoch() -> str:
    return f"{_epochs.getrandbits(32):08x}"


def _stale(route: Route) -> LinkError:
    if not isinstance(route, Shard):
        raise TypeError("only a shard answers")
    return TurnedAwayError(route, STALE)


def _ignore(_reply: Reply) -> None:
    """What may be lost needs no answer; failures are counted by the shard."""


def _decoded(reply: Reply) -> Page | LinkError:
    try:
        return decode_page(reply)
    except ValueError as exc:  # a stranger wrote into our keys
        return LinkError(f"history cannot be read: {exc}")


def _as_link_error(exc: object) -> LinkError:
    return exc if isinstance(exc, LinkError) else LinkError(str(exc))

"""Messages of rooms: stored by one atomic script, read back from history."""

from collections.abc import Callable
from random import Random

from chat.broker.detour import TRIES
from chat.broker.files import Files
from chat.broker.link import LinkError, Reply, answered, as_link_error
from chat.broker.outcomes import Outcome, outcome_of
from chat.broker.publication import Fold, Publication, Setting
from chat.broker.shard import STALE, Route, Shard, TurnedAwayError
from chat.broker.store import Store
from chat.conversations.kinds import has_roster
from chat.protocol.records import Page, decode_page


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
                self._not_published(publication, done, as_link_error(reply), tries)
            elif reply[0] == b"stale":
                self._not_published(publication, done, _stale(shard), tries)
            else:
                done(outcome_of(reply))

        effect, slow_ms = publication.effect, publication.slow_mode_ms
        named: tuple[str, ...] = ()
        last: tuple[str | bytes | int, ...]
        if effect is None:
            # The key comes along always: whether the room is in slow mode only the script knows.
            script, named, last = self._publish_script, (keys.slow(room_id, user_id),), (slow_ms,)
        elif isinstance(effect, Fold):
            script, last = self._fold_script, (*effect.arguments(), slow_ms)
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
            done(as_link_error(reply) if isinstance(reply, Exception) else _decoded(reply))

        store.start(room_id, start, finish)

    async def read_page(self, room_id: str, first_seq: int = 1, count: int = 0) -> Page:
        """As `read`, for who can wait.

        Raises:
            LinkError: no answer.
        """
        page: Page = await answered(lambda done: self.read(room_id, first_seq, count, done))
        return page


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

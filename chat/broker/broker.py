"""Messages of rooms: published by one atomic script, read back from history."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from chat.broker import scripts
from chat.broker.link import LinkDownError, LinkError, Reply, answered
from chat.broker.store import Store
from chat.protocol.records import Page, decode_page


@dataclass(frozen=True, slots=True)
class Published:
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


Outcome = Published | TooSoon | LinkError


@dataclass(frozen=True, slots=True)
class Publication:
    """What goes into the publish script."""

    room_id: str
    user_id: str
    message_id: str
    body: bytes
    client_message_id: str | None
    slow_mode_ms: int


class Broker:
    """Publishes and reads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def is_up(self) -> bool:
        """Commands can be sent."""
        return self._store.is_up

    def channel(self, room_id: str) -> str:
        """Return the pub/sub channel of a room."""
        return self._store.keys.channel(room_id)

    def publish(self, publication: Publication, done: Callable[[Outcome], None]) -> None:
        """Store and publish one message; `done` is called exactly once.

        Order: messages of one worker to one room keep their order.
        Atomic: one script; see `scripts/room_publish.lua`.
        """
        self._publish(publication, done, retry=True)

    def _publish(
        self, publication: Publication, done: Callable[[Outcome], None], *, retry: bool
    ) -> None:
        room_id, user_id = publication.room_id, publication.user_id
        store = self._store
        settings, keys = store.settings, store.keys
        stream = keys.stream(room_id)
        client_id = publication.client_message_id
        slow_ms = publication.slow_mode_ms

        def settle(reply: Reply) -> None:
            if isinstance(reply, Exception):
                done(_as_link_error(reply))
            elif reply[0] == b"slow":
                done(TooSoon(max(1, reply[1])))
            elif reply[0] == b"stale":
                if retry:
                    self._store.after_refresh(
                        lambda: self._publish(publication, done, retry=False), done
                    )
                else:
                    done(LinkDownError("the history id is out of date"))
            else:
                kind, epoch, seq, timestamp, message_id = reply
                done(
                    Published(
                        epoch.decode(),
                        int(seq),
                        int(timestamp),
                        message_id.decode(),
                        kind == b"dup",
                    )
                )

        try:
            store.evaluate(
                scripts.ROOM_PUBLISH,
                settle,
                (
                    stream,
                    keys.history(room_id),
                    keys.sent(room_id, user_id, client_id) if client_id else stream,
                    keys.slow(room_id, user_id) if slow_ms else stream,
                ),
                keys.channel(room_id),
                store.history_id,
                _fresh_epoch(),
                publication.message_id,
                publication.body,
                settings.history_size,
                int(settings.history_ttl * 1000),
                int(settings.stream_ttl * 1000),
                int(settings.idempotency_window * 1000) if client_id else 0,
                slow_ms,
            )
        except LinkError as exc:
            done(exc)

    def publish_ephemeral(self, room_id: str, payload: bytes) -> None:
        """Publish something that is not stored and may be lost.

        Raises:
            LinkError: not sent.
        """
        store = self._store
        store.call(store.note_failure, "PUBLISH", store.keys.channel(room_id), payload)

    def read(
        self, room_id: str, first_seq: int, count: int, done: Callable[[Page | LinkError], None]
    ) -> None:
        """Read the head of a room and up to `count` records, from `first_seq` or the oldest on.

        A `count` of 0 reads the head only.
        """
        self._read(room_id, first_seq, count, done, retry=True)

    def _read(
        self,
        room_id: str,
        first_seq: int,
        count: int,
        done: Callable[[Page | LinkError], None],
        *,
        retry: bool,
    ) -> None:
        store = self._store
        keys = store.keys

        def settle(reply: Reply) -> None:
            if isinstance(reply, Exception):
                done(_as_link_error(reply))
            elif reply:
                done(_decoded(reply))
            elif retry:
                store.after_refresh(
                    lambda: self._read(room_id, first_seq, count, done, retry=False), done
                )
            else:
                done(LinkDownError("the history id is out of date"))

        try:
            store.evaluate(
                scripts.ROOM_READ,
                settle,
                (keys.stream(room_id), keys.history(room_id), keys.members(room_id)),
                store.history_id,
                _fresh_epoch(),
                int(store.settings.stream_ttl * 1000),
                first_seq,
                count,
            )
        except LinkError as exc:
            done(exc)

    async def read_page(self, room_id: str, first_seq: int = 1, count: int = 0) -> Page:
        """As `read`, for who can wait.

        Raises:
            LinkError: no answer.
        """
        page: Page = await answered(lambda done: self.read(room_id, first_seq, count, done))
        return page


def _fresh_epoch() -> str:
    return secrets.token_hex(4)


def _decoded(reply: Reply) -> Page | LinkError:
    try:
        return decode_page(reply)
    except ValueError as exc:  # a stranger wrote into our keys
        return LinkError(f"history cannot be read: {exc}")


def _as_link_error(exc: object) -> LinkError:
    return exc if isinstance(exc, LinkError) else LinkError(str(exc))

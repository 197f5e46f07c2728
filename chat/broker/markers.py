"""Markers of users in Redis: a hash per room and kind, on the shard of the room."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from chat.broker.link import LinkError, Reply, as_link_error
from chat.broker.store import Store


class Progress(NamedTuple):
    """How far a user has read a room.

    Args:
        ban_ms: milliseconds left of a ban, -1 for good, 0 for none.
        epoch: of the room, None where nobody was ever in it.
        head_seq: the last seq of the room.
        read_seq: up to where the user has read, in `epoch`; None where that is not known.
    """

    ban_ms: int
    epoch: str | None
    head_seq: int
    read_seq: int | None


class MarkerKind(NamedTuple):
    """What a marker says.

    Args:
        front: of what workers are told on a room's channel.
        is_delivered: a device has got the messages; otherwise the user has read them.
    """

    front: str
    is_delivered: bool = False


READ = MarkerKind("p")
#: Told under a letter that a worker of before does not know: it must not pass it on to others.
READ_IN_PRIVATE = MarkerKind("vp")
DELIVERED = MarkerKind("vd", is_delivered=True)


class Told(NamedTuple):
    """What workers are told of a marker on a room's channel.

    Args:
        epoch: of the room.
        seq: up to where the user has got.
        worker_id: which worker moved it.
        user_id: whose it is.
    """

    epoch: str
    seq: int
    worker_id: str
    user_id: str


def decode_told(payload: bytes) -> Told:
    """Decode what follows the front of a message.

    Raises:
        ValueError: these bytes are nothing of ours.
    """
    epoch, seq, worker_id, user_id = payload.split(b":", 3)
    return Told(epoch.decode(), int(seq), worker_id.decode(), user_id.decode())


class Markers:
    """Writes and reads them.

    Args:
        store: where they are.
        worker_id: who moves them.
    """

    def __init__(self, store: Store, worker_id: str) -> None:
        self._store = store
        self._worker_id = worker_id

    @property
    def is_up(self) -> bool:
        """Commands can be sent."""
        return self._store.is_up

    def move(
        self,
        room_id: str,
        user_id: str,
        position: tuple[str, int],
        done: Callable[[int | LinkError], None],
        kind: MarkerKind = READ,
    ) -> None:
        """Move a marker forward to a position, up to the head, and tell it; or leave it.

        `done` gets how many markers of others were forgotten for it, or why it may not be stored.
        """
        store, keys = self._store, self._store.keys
        markers = keys.delivered(room_id) if kind.is_delivered else keys.markers(room_id)

        def finish(reply: Reply) -> None:
            if isinstance(reply, Exception):
                done(as_link_error(reply))
            else:
                done(int(reply[1]))

        store.start(
            room_id,
            lambda shard, settle: shard.evaluate(
                store.scripts.marker_set,
                settle,
                (keys.stream(room_id), markers),
                keys.channel(room_id),
                user_id,
                *position,
                store.settings.read_markers_per_room,
                int(store.settings.stream_ttl * 1000),
                self._worker_id,
                kind.front,
            ),
            finish,
        )

    def ask(self, room_id: str, user_id: str) -> "asyncio.Future[Progress | LinkError]":
        """Ask at once how far a user has read; the failure is a result, should nobody look."""
        store, keys = self._store, self._store.keys
        answer: asyncio.Future[Progress | LinkError] = asyncio.get_running_loop().create_future()

        def finish(reply: Reply) -> None:
            if answer.done():
                return
            if isinstance(reply, Exception):
                answer.set_result(as_link_error(reply))
            else:
                answer.set_result(_progress(reply))

        store.start(
            room_id,
            lambda shard, settle: shard.evaluate(
                store.scripts.marker_read,
                settle,
                (keys.stream(room_id), keys.markers(room_id), keys.sanctions(room_id)),
                user_id,
            ),
            finish,
        )
        return answer


def _progress(reply: list[bytes]) -> Progress:
    ban_ms, epoch, head_seq, read_seq = reply
    return Progress(
        int(ban_ms),
        epoch.decode() or None,
        int(head_seq),
        None if int(read_seq) < 0 else int(read_seq),
    )

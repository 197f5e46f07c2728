"""A `chat worker` with one thing broken on purpose: `broken_worker BREAKAGE --listen-fd N …`.

The checker is only worth its verdicts if it finds these. Each breakage patches the product just
before it starts and leaves everything else as it is.
"""

import asyncio
import dataclasses
import sys
from collections.abc import Callable, Iterable

from msgspec import structs

from chat.broker import broker as broker_module
from chat.broker import changes
from chat.broker.broker import Broker
from chat.broker.outcomes import Outcome, Published
from chat.broker.publication import Fold, Publication
from chat.broker.scripts import PLAIN, Script
from chat.cli import main
from chat.protocol.records import Record
from chat.rooms import recovery
from chat.rooms.fan_out import FanOut
from chat.rooms.marks import Marks
from chat.rooms.room import Room
from chat.rooms.stream import Item, Lost, Stream
from chat.rooms.sweeper import Sweeper
from chat.settings import Settings

Done = Callable[[Outcome], None]


def drops_messages() -> None:
    """One live message in 20 gets lost, and nobody looks for gaps."""
    count = 0

    def offer(self: Stream, record: Record) -> list[Item]:
        nonlocal count
        count += 1
        if count % 20 == 0 or record.seq <= self.seq:
            return []
        self.seq = record.seq
        return [record]

    Stream.offer = offer  # type: ignore[method-assign]
    Stream.head_is = lambda *_: None  # type: ignore[method-assign]


def swaps_messages() -> None:
    """Now and then a message is passed on after the one that follows it."""
    held: dict[int, list[Item]] = {}
    count = 0
    original = Stream.offer

    def offer(self: Stream, record: Record) -> list[Item]:
        nonlocal count
        items = original(self, record)
        count += 1
        if count % 10 == 0 and items:
            held[id(self)] = items
            return []
        return items + held.pop(id(self), [])

    Stream.offer = offer  # type: ignore[method-assign]


def stores_retries_again() -> None:
    """The client message id is forgotten before the script sees it."""
    original = Broker.publish

    def publish(self: Broker, publication: Publication, done: Done) -> None:
        original(self, structs.replace(publication, client_message_id=None), done)

    Broker.publish = publish  # type: ignore[method-assign]


def acknowledges_before_the_write() -> None:
    """The ack is sent at once, with the place the message will probably get."""
    places: dict[str, tuple[str, int]] = {}
    original = Broker.publish

    def publish(self: Broker, publication: Publication, done: Done) -> None:
        room = publication.room_id

        def written(outcome: Outcome) -> None:
            if isinstance(outcome, Published):
                places[room] = outcome.epoch, outcome.seq
            if not guessed:
                done(outcome)

        guessed = room in places
        if guessed:
            epoch, seq = places[room]
            places[room] = epoch, seq + 1
            place = Published(epoch, seq + 1, 0, publication.message_id, duplicate=False)
            asyncio.get_running_loop().call_soon(done, place)
        original(self, publication, written)

    Broker.publish = publish  # type: ignore[method-assign]


def keeps_the_epoch() -> None:
    """A stream that is born again has the epoch of the one before."""
    broker_module._fresh_epoch = lambda: "always"


def hides_gaps() -> None:
    """What is lost is skipped in silence."""
    original = FanOut.deliver

    def deliver(self: FanOut, room: Room, items: Iterable[Item]) -> None:
        original(self, room, [item for item in items if not isinstance(item, Lost)])

    FanOut.deliver = deliver  # type: ignore[method-assign]


def resumes_too_short() -> None:
    """Who resumes misses the last of the messages it missed."""
    original = recovery._up_to

    def up_to(items: list[Item], last_seq: int) -> list[Item]:
        return original(items, last_seq)[:-1]

    recovery._up_to = up_to


def forgets_to_fold() -> None:
    """An edit, deletion or reaction is told to all, and history goes on as if nothing was."""
    original = changes.judge

    def judge(record: Record | None, change: changes.Change, settings: Settings) -> Fold | None:
        fold = original(record, change, settings)
        if fold is None or record is None:
            return fold
        return dataclasses.replace(fold, body=record.body)

    changes.judge = judge


def never_sweeps() -> None:
    """Members of a dead worker stay for ever."""

    async def sweep(self: Sweeper, lease: str) -> None:
        del self._dead[lease]

    Sweeper._sweep = sweep  # type: ignore[method-assign]


def forgets_marks_that_wait() -> None:
    """The first mark of a user is written, and what follows within the interval is not."""
    original = Marks.on_tick

    def on_tick(self: Marks) -> None:
        for mark in self._marks.values():
            mark.is_written = True
        original(self)

    Marks.on_tick = on_tick  # type: ignore[method-assign]


def moves_markers_back() -> None:
    """Whoever of a user's devices has marked last decides, forward or not."""
    source = PLAIN.marker_set.source.replace("if seq <= (", "if false and seq <= (")
    PLAIN.marker_set = Script(source)


BREAKAGES: dict[str, Callable[[], None]] = {
    breakage.__name__: breakage
    for breakage in (
        drops_messages,
        swaps_messages,
        stores_retries_again,
        acknowledges_before_the_write,
        keeps_the_epoch,
        hides_gaps,
        resumes_too_short,
        forgets_to_fold,
        never_sweeps,
        forgets_marks_that_wait,
        moves_markers_back,
    )
}

if __name__ == "__main__":
    BREAKAGES[sys.argv[1]]()
    sys.exit(main(["worker", *sys.argv[2:]]))

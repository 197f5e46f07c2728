"""A program on `chat.client`, as the checker sees it: the rules judge the library itself.

What is recorded is what the library hands to its program. Beside the reference client, which
forgives nothing, this one shows that what the library hides (reconnects, retries, repeats) it hides
rightly.
"""

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from chat.client import (
    ChatMessage,
    Client,
    Conversation,
    Event,
    GoneError,
    Options,
    Ordered,
    Phase,
    Position,
    Published,
    ReadMarker,
    RefusedError,
    Room,
    UncertainError,
)
from chat.client import Gap as GapEvent
from chat.client.events import encode
from tests.checker.client import CHANGED_AMONG, REACTIONS
from tests.checker.history import (
    Entry,
    Fail,
    Gap,
    History,
    Info,
    Invoke,
    Joined,
    Mark,
    Marked,
    Marker,
    Ok,
    Presence,
    Progress,
    Read,
    Recv,
    State,
    digest,
    user_of,
)
from tests.checker.wire import fields_of, said, state_of

_OPTIONS = Options(
    connect_timeout_s=3.0,
    answer_timeout_s=3.0,
    silence_s=2.0,
    backoff_base_s=0.1,
    backoff_max_s=1.5,
    proxy=None,
)


class SdkClient:
    """One user on the library; see `ReferenceClient` for the arguments."""

    def __init__(
        self,
        name: str,
        rooms: Sequence[str],
        urls: Sequence[str],
        mint: Callable[[str], str],
        history: History,
        rng: random.Random,
    ) -> None:
        self.name = name
        self.user = user_of(name)
        self.rooms = tuple(rooms)
        self.sessions = 0
        self.errors: Counter[str] = Counter()
        self.seen: dict[str, set[str]] = {room: set() for room in rooms}
        self._urls = urls
        self._mint = mint
        self._history = history
        self._rng = rng
        self._ids = itertools.count(1)
        self._client: Client | None = None
        self._joined: dict[str, Room] = {}
        self._conversations = {room: Conversation() for room in rooms}
        self._all_joined = asyncio.Event()

    async def run(self) -> None:
        """Stay connected until cancelled, or until the library gives up."""
        async with (
            Client(self._urls, lambda: self._mint(self.user), options=_OPTIONS) as self._client,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(self._count_sessions(self._client))
            for name in self.rooms:
                room = self._joined[name] = await self._client.join(name)
                self._note_joined(name, room.position)
                tasks.create_task(self._listen(room))
            self._all_joined.set()

    def cut(self, away_s: float = 0.0) -> None:
        """Lose the network; the library decides when it is back."""
        del away_s
        connection = None if self._client is None else self._client._lifeline.connection
        if connection is not None:
            connection.abort()

    async def wait_joined(self) -> None:
        """Wait until it is in all its rooms."""
        await self._all_joined.wait()

    async def _count_sessions(self, client: Client) -> None:
        async for state in client.states():
            self.sessions += state.phase is Phase.ONLINE

    def _note_joined(self, room: str, position: Position | None) -> None:
        assert position is not None
        self._history.add(
            Joined(
                at=time.monotonic(),
                client=self.name,
                room=room,
                epoch=position.epoch,
                seq=position.seq,
            )
        )

    async def _listen(self, room: Room) -> None:
        async for event in room.events():
            self._take(event, room.room_id)

    def _take(self, event: Event, room: str) -> None:
        about: Any = {"at": time.monotonic(), "client": self.name, "room": room}
        self._conversations[room].apply(event)
        if isinstance(event, Ordered):
            op = Recv(**about, **fields_of(_on_the_wire(event)))
            self.seen[room].add(op.cmid)
            self._history.add(op)
        elif isinstance(event, GapEvent):
            self._history.add(
                Gap(
                    **about,
                    reason=event.reason,
                    epoch=event.epoch,
                    from_seq=event.from_seq,
                    to_seq=event.to_seq,
                    previous_epoch=event.previous_epoch,
                )
            )

        elif isinstance(event, ReadMarker):
            told: Any = {"user": event.user_id, "epoch": event.epoch, "read_seq": event.read_seq}
            self._history.add(Marker(**about, **told))

    async def mark(self, room: str) -> None:
        """Say that all is read up to about here, until that is acknowledged."""
        await self.wait_joined()
        here = self._joined[room].position
        if here is None or here.seq == 0:
            return
        back = self._rng.choice((0, 0, 1, 5))  # people scroll back
        place = Position(here.epoch, max(1, here.seq - back))
        about: Any = {"client": self.name, "room": room, **place._asdict()}
        self._history.add(Mark(at=time.monotonic(), **about))
        try:
            await self._joined[room].mark_read(place)
        except GoneError:
            return
        self._history.add(Marked(at=time.monotonic(), **about))

    async def read_progress(self) -> list[Progress]:
        """Return how far its user has read each room, for the last time: it is not recorded yet."""
        await self.wait_joined()
        assert self._client is not None
        asked_at = time.monotonic()
        return [
            Progress(
                at=time.monotonic(),
                client=self.name,
                room=told.room_id,
                asked_at=asked_at,
                epoch=told.epoch or "",
                head=told.head_seq,
                read_seq=told.read_seq,
                unread=told.unread,
                held=self._joined[told.room_id].read_seq,
                is_last=True,
            )
            for told in await self._client.unread(self.rooms)
        ]

    async def send(self, room: str, *, label: str = "m") -> str:
        """Send a message until it is acknowledged; return its client message id."""
        await self.wait_joined()
        cmid = f"{label}-{self.name}-{next(self._ids)}"
        content = f"{cmid} says {self._rng.getrandbits(64):016x}"
        saying = self._joined[room].publish(content, client_message_id=cmid)
        await self._insist(room, cmid, digest(content), saying, is_change=False)
        return cmid

    async def change(self, room: str) -> None:
        """Edit, delete or react to one of the last messages, until that is acknowledged."""
        known = list(self._conversations[room])[-CHANGED_AMONG:]
        if not known:
            return
        message = self._rng.choice(known)
        cmid = f"c-{self.name}-{next(self._ids)}"
        command, changing = self._change_of(self._joined[room], message, cmid)
        payload = said(command, message.message_id)
        await self._insist(room, cmid, payload, changing, is_change=True)

    def _change_of(
        self, room: Room, message: ChatMessage, cmid: str
    ) -> tuple[dict[str, Any], Coroutine[None, None, Published]]:
        dice = self._rng.random()
        if message.user_id == self.user and dice < 0.1:
            deleting = room.delete(message, client_message_id=cmid)
            return {"type": "delete_message"}, deleting
        if message.user_id == self.user and dice < 0.7:
            content = f"{cmid} edits"
            editing = room.edit(message, content, client_message_id=cmid)
            return {"type": "edit_message", "content": content}, editing
        reaction = self._rng.choice(REACTIONS)
        kind, react = self._rng.choice(
            (("add_reaction", room.react), ("remove_reaction", room.unreact))
        )
        reacting = react(message, reaction, client_message_id=cmid)
        return {"type": kind, "reaction": reaction}, reacting

    async def _insist(
        self,
        room: str,
        cmid: str,
        payload: str,
        doing: Coroutine[None, None, Published],
        *,
        is_change: bool,
    ) -> None:
        """Record what the library makes of a command.

        It is one attempt of one session, though the library may need several connections for it: so
        the rules hold it to the order in which the program spoke.
        """
        about: Any = {"client": self.name, "room": room, "cmid": cmid}
        self._history.add(
            Invoke(at=time.monotonic(), digest=payload, session=1, is_change=is_change, **about)
        )
        try:
            stored = await doing
        except RefusedError as exc:
            self.errors[exc.code] += 1
            self._history.add(Fail(at=time.monotonic(), code=exc.code, **about))
            return
        except (UncertainError, asyncio.CancelledError) as exc:
            self._history.add(Info(at=time.monotonic(), why=type(exc).__name__, **about))
            raise
        if not stored.seq:
            self._history.add(Info(at=time.monotonic(), why="it was so already", **about))
            return
        place: Any = {"epoch": stored.epoch, "seq": stored.seq}
        named: Any = {"message_id": stored.message_id, "duplicate": stored.duplicate}
        self._history.add(Ok(at=time.monotonic(), **about, **place, **named))

    def tell_state(self, room: str) -> None:
        """Record what the library has made of each message."""
        states = {
            message.message_id: state_of(_on_the_wire(message))
            for message in self._conversations[room]
        }
        self._history.add(State(at=time.monotonic(), client=self.name, room=room, messages=states))

    async def read_history(self, room: str) -> None:
        """Record all that history has of a room."""
        entries = [
            Entry(**fields_of(_on_the_wire(message)), state=state_of(_on_the_wire(message)))
            async for message in self._joined[room].history(after=0)
        ]
        head = (await self._joined[room].history_page(limit=1)).head_seq
        self._history.add(
            Read(
                at=time.monotonic(),
                client=self.name,
                room=room,
                head=head,
                entries=tuple(entries),
            )
        )

    async def read_presence(self, room: str) -> tuple[str, ...]:
        """Record the members of a room as this client's worker shows them."""
        members = [member.user_id async for member in self._joined[room].members()]
        op = Presence(
            at=time.monotonic(),
            client=self.name,
            room=room,
            members=tuple(sorted(members)),
            count=self._joined[room].member_count,
        )
        self._history.add(op)
        return op.members


def _on_the_wire(event: Event) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(encode(event))
    return fields

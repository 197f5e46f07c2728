"""A program on `chat.client`, as the checker sees it: the rules judge the library itself.

What is recorded is what the library hands to its program. Beside the reference client, which
forgives nothing, this one shows that what the library hides (reconnects, retries, repeats) it hides
rightly.
"""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from chat.client import (
    ChatMessage,
    Client,
    Event,
    Options,
    Phase,
    Position,
    RefusedError,
    Room,
    UncertainError,
)
from chat.client import Gap as GapEvent
from tests.checker.history import (
    Entry,
    Fail,
    Gap,
    History,
    Info,
    Invoke,
    Joined,
    Ok,
    Presence,
    Read,
    Recv,
    digest,
)

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
        self._all_joined = asyncio.Event()

    async def run(self) -> None:
        """Stay connected until cancelled, or until the library gives up."""
        async with (
            Client(self._urls, lambda: self._mint(self.name), options=_OPTIONS) as self._client,
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
        if isinstance(event, ChatMessage):
            op = Recv(**about, **_message_fields(event))
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

    async def send(self, room: str, *, label: str = "m") -> str:
        """Send a message until it is acknowledged; return its client message id.

        Each is one attempt of one session, though the library may need several connections: so the
        rules hold it to the order in which the program spoke.
        """
        await self.wait_joined()
        cmid = f"{label}-{self.name}-{next(self._ids)}"
        content = f"{cmid} says {self._rng.getrandbits(64):016x}"
        about: Any = {"client": self.name, "room": room, "cmid": cmid}
        self._history.add(Invoke(at=time.monotonic(), digest=digest(content), session=1, **about))
        try:
            stored = await self._joined[room].publish(content, client_message_id=cmid)
        except RefusedError as exc:
            self.errors[exc.code] += 1
            self._history.add(Fail(at=time.monotonic(), code=exc.code, **about))
        except (UncertainError, asyncio.CancelledError) as exc:
            self._history.add(Info(at=time.monotonic(), why=type(exc).__name__, **about))
            raise
        else:
            self._history.add(
                Ok(
                    at=time.monotonic(),
                    **about,
                    epoch=stored.epoch,
                    seq=stored.seq,
                    message_id=stored.message_id,
                    duplicate=stored.duplicate,
                )
            )
        return cmid

    async def read_history(self, room: str) -> None:
        """Record all that history has of a room."""
        entries = [
            Entry(**_message_fields(message))
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


def _message_fields(message: ChatMessage) -> dict[str, Any]:
    return {
        "epoch": message.epoch,
        "seq": message.seq,
        "message_id": message.message_id,
        "cmid": message.client_message_id or "",
        "sender": message.user_id,
        "digest": digest(message.content),
    }

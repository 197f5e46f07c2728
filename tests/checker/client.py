"""A reference client: does what docs/protocol.md asks of clients, and records what it sees.

It comes back the way the close code says, resumes every room from its last position, and sends a
message or a change again under the same client message id until it is acknowledged. It takes every
message to its application exactly as it came: it forgives no duplicate and no hole, the rules judge
those. What it knows of each message it folds event by event, and never reads again.
"""

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from chat.protocol.folding import fold
from tests.checker.history import (
    Closed,
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
    Position,
    Presence,
    Progress,
    Read,
    Recv,
    State,
    digest,
    user_of,
)
from tests.checker.marking import Marking
from tests.checker.wire import fields_of, said, state_of
from tests.support.client import PLACED
from tests.support.contract import CONTRACT, Witness

CONNECT_TIMEOUT_S = 3.0
REPLY_TIMEOUT_S = 3.0
SILENCE_S = 2.0  # without traffic for so long, ask for a pong
RETRY_S = 0.1
BACKOFF_BASE_S = 0.1
BACKOFF_MAX_S = 1.5
DRAIN_CODE = 1012
PAGE_LIMIT = 1000
#: A change picks one of so many of the last messages: often one that others change, too.
CHANGED_AMONG = 10
REACTIONS = ("+1", "-1", "tada")
#: Refusals that another attempt would get again.
FINAL = frozenset({"message_gone", "too_many_reactions"})

Event = dict[str, Any]


class _SessionOverError(Exception):
    """The connection has ended; carries its close code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


class ReferenceClient:
    """One device of a user, with one connection at a time.

    Args:
        name: unique in the history; `user_of` names the user.
        rooms: the rooms it is in from start to end.
        urls: the workers; each connection goes to a random one.
        mint: makes a token for a user.
        history: where everything is recorded.
        rng: source of every random choice.
    """

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
        self.messages: dict[str, dict[str, Event]] = {room: {} for room in rooms}
        self._urls = urls
        self._mint = mint
        self._history = history
        self._rng = rng
        self._ids = itertools.count(1)
        self._marking = {room: Marking() for room in rooms}
        self._positions: dict[str, Position] = {}
        self._since: dict[str, Position | None] = {}
        self._asked_at: dict[str, float] = {}
        self._joined = {room: asyncio.Event() for room in rooms}
        self._replies: dict[int, asyncio.Future[Event]] = {}
        self._websocket: ClientConnection | None = None
        self._witness = Witness(CONTRACT)
        self._failures_in_a_row = 0
        self._reconnect_after_s = 0.0
        self._away_s = 0.0
        self._last_traffic = 0.0

    # --- life

    async def run(self) -> None:
        """Stay connected until cancelled, or until the server says not to come back."""
        while True:
            pause_s = await self._session()
            if pause_s is None:
                return
            away_s, self._away_s = self._away_s, 0.0
            await asyncio.sleep(pause_s + away_s)

    def cut(self, away_s: float = 0.0) -> None:
        """Lose the network, for a while: the connection is gone without a goodbye."""
        self._away_s = away_s
        if self._websocket is not None:
            self._websocket.transport.abort()

    async def wait_joined(self) -> None:
        """Wait until it is in all its rooms."""
        for joined in self._joined.values():
            await joined.wait()

    async def _session(self) -> float | None:
        """Run one connection to its end; return the pause before the next, None for no next."""
        self._failures_in_a_row += 1
        code = 1006
        protocols: Any = ["chat.v1", f"chat.token.{self._mint(self.user)}"]
        try:
            async with connect(
                self._rng.choice(self._urls),
                subprotocols=protocols,
                compression=None,
                proxy=None,
                open_timeout=CONNECT_TIMEOUT_S,
                close_timeout=0.5,
                ping_interval=None,
                max_size=2**22,
            ) as self._websocket:
                self.sessions += 1
                self._witness = Witness(CONTRACT)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._read(self._websocket, tasks))
                    tasks.create_task(self._watch(self._websocket))
        except* _SessionOverError as group:
            code = next(exc.code for exc in group.exceptions if isinstance(exc, _SessionOverError))
        except* (OSError, TimeoutError, WebSocketException):
            pass
        finally:
            self._end_session(code)
        return self._pause_after(code)

    def _end_session(self, code: int) -> None:
        if self._websocket is not None:
            self._history.add(Closed(at=time.monotonic(), client=self.name, code=code))
        self._websocket = None
        for joined in self._joined.values():
            joined.clear()
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(_SessionOverError(code))
        self._replies.clear()

    def _pause_after(self, code: int) -> float | None:
        if 4000 <= code < 4100:
            return None
        if 4200 <= code < 4300:
            return 0.0
        if code == DRAIN_CODE:
            return self._reconnect_after_s * self._rng.random()
        ceiling_s = min(BACKOFF_MAX_S, BACKOFF_BASE_S * 2.0**self._failures_in_a_row)
        return ceiling_s * self._rng.random()

    async def _watch(self, websocket: ClientConnection) -> None:
        """Give up a connection on which the server, or the way to it, is silently dead."""
        self._last_traffic = time.monotonic()
        while True:
            await asyncio.sleep(0.5)
            silence_s = time.monotonic() - self._last_traffic
            if silence_s > 2 * SILENCE_S:
                websocket.transport.abort()
                raise _SessionOverError(1006)
            if silence_s > SILENCE_S:
                await self._send({"type": "ping"})

    # --- reading

    async def _read(self, websocket: ClientConnection, tasks: asyncio.TaskGroup) -> None:
        try:
            async for text in websocket:
                self._last_traffic = time.monotonic()
                event = json.loads(text)
                self._witness.received(event)
                if event["type"] == "connected":
                    for room in self.rooms:
                        tasks.create_task(self._join(room))
                else:
                    self._take(event)
                    if event["type"] == "room_joined":
                        tasks.create_task(self._mark_again(event))
        except ConnectionClosed:
            pass
        raise _SessionOverError(websocket.close_code or 1006)

    def _take(self, event: Event) -> None:
        match event["type"]:
            case kind if kind in PLACED:
                self._take_placed(event)
            case "gap":
                self._take_gap(event)
            case "room_joined":
                self._take_joined(event)
            case "read_marker":
                self._take_marker(event)
            case "drain":
                self._reconnect_after_s = event["reconnectAfterMs"] / 1000
            case "error":
                self.errors[event["code"]] += 1
        reply = self._replies.get(event.get("id", 0))
        if reply is not None and not reply.done():
            reply.set_result(event)

    def _take_placed(self, event: Event) -> None:
        room, message_id = event["roomId"], event["messageId"]
        self._positions[room] = Position(event["epoch"], event["seq"])
        op = Recv(at=time.monotonic(), client=self.name, room=room, **fields_of(event))
        self.seen[room].add(op.cmid)
        self._history.add(op)
        messages = self.messages[room]
        if event["type"] == "chat_message":
            messages[message_id] = event
        elif message_id in messages:
            messages[message_id] = fold(messages[message_id], event)

    def _take_gap(self, event: Event) -> None:
        room = event["roomId"]
        self._positions[room] = Position(event["epoch"], event["toSeq"])
        if event["reason"] == "reset":
            self._marking[room].reset(event["fromSeq"])
        self.messages[room] = {
            message_id: message
            for message_id, message in self.messages[room].items()
            if _survives(message, event)
        }
        self._history.add(
            Gap(
                at=time.monotonic(),
                client=self.name,
                room=room,
                reason=event["reason"],
                epoch=event["epoch"],
                from_seq=event["fromSeq"],
                to_seq=event["toSeq"],
                previous_epoch=event.get("previousEpoch"),
            )
        )

    def _take_joined(self, event: Event) -> None:
        room = event["roomId"]
        since = self._since[room]
        if since is None:
            self._positions[room] = Position(event["epoch"], event["seq"])
        self._history.add(
            Joined(
                at=time.monotonic(),
                client=self.name,
                room=room,
                epoch=event["epoch"],
                seq=event["seq"],
                since_epoch=since.epoch if since else None,
                since_seq=since.seq if since else None,
                recovered=event.get("recovered"),
            )
        )
        self._history.add(self._progress(event, event["seq"], self._asked_at[room]))
        self._failures_in_a_row = 0
        self._joined[room].set()

    def _take_marker(self, event: Event) -> None:
        room = event["roomId"]
        self._marking[room].heard(event["readSeq"])
        self._history.add(
            Marker(
                at=time.monotonic(),
                client=self.name,
                room=room,
                user=event["userId"],
                epoch=event["epoch"],
                read_seq=event["readSeq"],
                session=self.sessions,
            )
        )

    def _progress(self, told: Event, head: int, asked_at: float) -> Progress:
        """Take in, and name, how far the user has read."""
        room = told["roomId"]
        self._marking[room].heard(told.get("readSeq", 0))
        return Progress(
            at=time.monotonic(),
            client=self.name,
            room=room,
            asked_at=asked_at,
            epoch=told.get("epoch", ""),
            head=head,
            read_seq=told.get("readSeq"),
            unread=told.get("unread"),
        )

    # --- asking

    async def send(self, room: str, *, label: str = "m") -> str:
        """Send a message until it is acknowledged; return its client message id."""
        number = next(self._ids)
        cmid = f"{label}-{self.name}-{number}"
        content = f"{cmid} says {self._rng.getrandbits(64):016x}"
        await self._insist(
            room, cmid, digest(content), {"type": "chat_message", "content": content}
        )
        return cmid

    async def change(self, room: str) -> None:
        """Edit, delete or react to one of the last messages, until that is acknowledged."""
        known = list(self.messages[room].values())[-CHANGED_AMONG:]
        if not known:
            return
        message = self._rng.choice(known)
        cmid = f"c-{self.name}-{next(self._ids)}"
        command = self._change_of(message, cmid)
        target = {"seq": message["seq"], "messageId": message["messageId"]}
        await self._insist(room, cmid, said(command, message["messageId"]), command | target)

    def _change_of(self, message: Event, cmid: str) -> Event:
        dice = self._rng.random()
        if message["userId"] == self.user and dice < 0.1:
            return {"type": "delete_message"}
        if message["userId"] == self.user and dice < 0.7:
            return {"type": "edit_message", "content": f"{cmid} edits"}
        kind = self._rng.choice(("add_reaction", "add_reaction", "remove_reaction"))
        return {"type": kind, "reaction": self._rng.choice(REACTIONS)}

    async def _insist(self, room: str, cmid: str, payload: str, command: Event) -> None:
        while True:
            if await self._attempt(room, cmid, payload, command):
                return
            await asyncio.sleep(RETRY_S * self._rng.random())

    async def mark(self, room: str) -> None:
        """Say that all is read up to about here, until that is acknowledged."""
        here = self._positions.get(room)
        if here is None or here.seq == 0:
            return
        back = self._rng.choice((0, 0, 1, 5))  # people scroll back
        place = Position(here.epoch, max(1, here.seq - back))
        about: Any = {"client": self.name, "room": room, **place._asdict()}
        self._history.add(Mark(at=time.monotonic(), **about))
        self._marking[room].said(place)
        while True:
            if await self._mark_once(room, place):
                return
            await asyncio.sleep(RETRY_S)

    async def _mark_once(self, room: str, place: Position) -> bool:
        """Try once to mark; return whether that settles it."""
        await self._joined[room].wait()
        try:
            reply = await self._command("mark_read", roomId=room, **place._asdict())
        except (_SessionOverError, TimeoutError):
            return False
        if reply["type"] == "ack":
            about: Any = {"client": self.name, "room": room}
            self._history.add(Marked(at=time.monotonic(), **about, **place._asdict()))
            return True
        await asyncio.sleep(reply.get("retryAfterMs", 0) / 1000)
        if reply["code"] == "epoch_changed":
            self._marking[room].refused(place)
            return True
        return False

    async def _mark_again(self, joined: Event) -> None:
        """A worker that was killed may have lost the last mark: say it again if so."""
        room = joined["roomId"]
        while (place := self._marking[room].owed(joined.get("readSeq", 0))) is not None:
            if self._websocket is None or await self._mark_once(room, place):
                return
            await asyncio.sleep(RETRY_S)

    async def read_progress(self) -> list[Progress]:
        """Return how far its user has read each room, for the last time: it is not recorded yet."""
        asked_at = time.monotonic()
        answer = await self._ask("unread", roomIds=list(self.rooms))
        return [
            replace(
                self._progress(told, told["headSeq"], asked_at),
                held=self._marking[told["roomId"]].held,
                is_last=True,
            )
            for told in answer["rooms"]
        ]

    async def read_history(self, room: str) -> None:
        """Record all that history has of a room, page by page."""
        entries: list[Entry] = []
        more, head, after = True, 0, 0
        while more:
            page = await self._ask("history", roomId=room, after=after, limit=PAGE_LIMIT)
            entries += [
                Entry(**fields_of(message), state=state_of(message)) for message in page["messages"]
            ]
            more, head, after = page["more"], page["headSeq"], page["toSeq"]
        self._history.add(
            Read(
                at=time.monotonic(),
                client=self.name,
                room=room,
                head=head,
                entries=tuple(entries),
            )
        )

    def tell_state(self, room: str) -> None:
        """Record what it has made of each message."""
        states = {name: state_of(message) for name, message in self.messages[room].items()}
        self._history.add(State(at=time.monotonic(), client=self.name, room=room, messages=states))

    async def read_presence(self, room: str) -> tuple[str, ...]:
        """Record the members of a room as this client's worker shows them."""
        members: list[str] = []
        cursor: str | None = "0"
        count = 0
        while cursor is not None:
            page = await self._ask("presence", roomId=room, cursor=cursor, limit=PAGE_LIMIT)
            members += [member["userId"] for member in page["members"]]
            cursor, count = page.get("cursor"), page["memberCount"]
        op = Presence(
            at=time.monotonic(),
            client=self.name,
            room=room,
            members=tuple(sorted(members)),
            count=count,
        )
        self._history.add(op)
        return op.members

    async def _ask(self, kind: str, **fields: Any) -> Event:
        """Ask until there is an answer that is not an error."""
        while True:
            await self.wait_joined()
            try:
                reply = await self._command(kind, **fields)
            except (_SessionOverError, TimeoutError):
                await asyncio.sleep(RETRY_S)
                continue
            if reply["type"] != "error":
                return reply
            await asyncio.sleep(reply.get("retryAfterMs", 200) / 1000)

    async def _join(self, room: str) -> None:
        """Join, from the last position if there is one, until that works."""
        while True:
            since = self._since[room] = self._positions.get(room)
            self._asked_at[room] = time.monotonic()
            fields: Event = {"roomId": room}
            if since:
                fields["since"] = {"epoch": since.epoch, "seq": since.seq}
            try:
                reply = await self._command("join_room", **fields)
            except TimeoutError:
                self.cut()  # a late answer would leave both sides with different ideas
                return
            except _SessionOverError:
                return
            if reply["type"] == "room_joined":
                return
            await asyncio.sleep(reply.get("retryAfterMs", 200) / 1000)

    async def _attempt(self, room: str, cmid: str, payload: str, command: Event) -> bool:
        """Try once to send; return whether that settles it."""
        await self._joined[room].wait()
        about: Any = {"client": self.name, "room": room, "cmid": cmid}
        self._history.add(
            Invoke(
                at=time.monotonic(),
                digest=payload,
                session=self.sessions,
                is_change=command["type"] != "chat_message",
                **about,
            )
        )
        fields = {**command, "roomId": room, "clientMessageId": cmid}
        kind = fields.pop("type")
        try:
            reply = await self._command(kind, **fields)
        except (_SessionOverError, TimeoutError) as exc:
            self._history.add(Info(at=time.monotonic(), why=type(exc).__name__, **about))
            return False
        now = time.monotonic()
        if reply["type"] == "ack" and "seq" not in reply:
            self._history.add(Info(at=now, why="it was so already", **about))
            return True
        if reply["type"] == "ack":
            place = {"epoch": reply["epoch"], "seq": reply["seq"]}
            duplicate = reply.get("duplicate", False)
            self._history.add(
                Ok(at=now, **about, **place, message_id=reply["messageId"], duplicate=duplicate)
            )
            return True
        if reply.get("uncertain"):
            self._history.add(Info(at=now, why=reply["code"], **about))
        else:
            self._history.add(Fail(at=now, code=reply["code"], **about))
        await asyncio.sleep(reply.get("retryAfterMs", 0) / 1000)
        return reply["code"] in FINAL

    async def _command(self, kind: str, **fields: Any) -> Event:
        command_id = next(self._ids)
        reply: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._replies[command_id] = reply
        try:
            await self._send({"type": kind, "id": command_id, **fields})
            async with asyncio.timeout(REPLY_TIMEOUT_S):
                return await reply
        finally:
            self._replies.pop(command_id, None)
            reply.cancel()

    async def _send(self, message: Event) -> None:
        websocket = self._websocket
        if websocket is None:
            raise _SessionOverError(1006)
        text = json.dumps(message)
        self._witness.sent(text)
        try:
            await websocket.send(text)
        except ConnectionClosed:
            raise _SessionOverError(1006) from None


def _survives(message: Event, gap: Event) -> bool:
    """Whether a message still is what is known of it: docs/protocol.md on `gap`."""
    if gap["reason"] == "reset":
        return bool(message.get("version", message["seq"]) <= gap["fromSeq"])
    return bool(message["seq"] > gap["toSeq"])

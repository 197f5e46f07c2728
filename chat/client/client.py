"""The client: what a program opens, asks for rooms and closes."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from chat.client.account import Account
from chat.client.asking import ask
from chat.client.connection import Answer, Connection
from chat.client.errors import (
    ChatError,
    ConnectionLostError,
    RefusedError,
    RoomLeftError,
    StoppedError,
)
from chat.client.events import AnyEvent, Connected, Position, Unknown
from chat.client.lifeline import Lifeline
from chat.client.membership import Membership
from chat.client.options import Options
from chat.client.outbox import Outbox
from chat.client.room import Room
from chat.client.states import Phase, State
from chat.client.tokens import Tokens, TokenSource
from chat.client.uploads import Uploads

_DEFAULTS = Options()
#: A connection that has ended is out of the way by then.
_ENDING_S = 0.01


class Client(Account):
    """One user's connection to a chat cluster, replaced whenever it breaks.

        async with Client("wss://chat.example/ws", token=get_token) as client:
            room = await client.join("lobby")
            await room.publish("Hello!")
            async for event in room.events():
                ...

    It belongs to the event loop in which it is opened. A bug in here ends it: whoever waits is
    told, and the block above raises it at its end.

    Args:
        url: `ws://` or `wss://`, usually with path `/ws`; several where there is no balancer: each
            connection goes to a random one.
        token: a token, or a function or coroutine function that returns one that is valid now. It
            is called before each connection and when the token of a live one is about to end. One
            that raises is asked again later, unless it raises `AuthenticationError`.
        options: how patient to be, and how much to keep.

    Raises:
        ValueError: `url` is not a WebSocket address.
    """

    def __init__(
        self, url: str | Sequence[str], token: TokenSource, *, options: Options = _DEFAULTS
    ) -> None:
        self._options = options
        urls = _checked([url] if isinstance(url, str) else url)
        tokens = Tokens(token)
        self._uploads = Uploads(urls[0], tokens, options)
        self._lifeline = Lifeline(
            urls,
            tokens,
            options,
            on_event=self._take,
            on_online=self._begin,
        )
        self._outbox = Outbox(options.max_queued, options.max_queued_bytes)
        self._members: dict[str, Membership] = {}
        self._rooms: dict[str, Room] = {}
        self._tending: dict[Membership, asyncio.Task[None]] = {}
        self._life: asyncio.Task[None] | None = None
        self._connected: Connected | None = None
        self._stopped: StoppedError | None = None
        self._idle = False

    # ---------------------------------------------------------------------- life

    async def open(self) -> None:
        """Begin to connect; does not wait for it.

        Raises:
            RuntimeError: it was opened before.
        """
        if self._life is not None:
            raise RuntimeError("a client is opened once")
        self._life = asyncio.create_task(self._live(), name="chat client")

    async def close(self) -> None:
        """Close the connection and end everything; takes no longer than about two seconds.

        What waits to be sent is dropped: `publish` has returned for all that is stored.
        """
        life = self._life
        if life is None or self._stopped is None:
            self._stop(StoppedError("the client was closed"), quietly=True)
        if life is None:
            return
        try:
            await self._lifeline.leave()
        finally:
            life.cancel()
            await asyncio.wait([life])
        if not life.cancelled():
            life.result()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def _live(self) -> None:
        try:
            await self._lifeline.run()
        except StoppedError as exc:
            self._stop(exc, quietly=False)
        except Exception as exc:
            self._stop(StoppedError(f"the client failed: {exc!r}"), quietly=False)
            raise

    def _stop(self, error: StoppedError, *, quietly: bool) -> None:
        self._stopped = error
        for membership in self._members.values():
            membership.end(error, quietly=quietly)
        self._lifeline.states.set(State(Phase.STOPPED, str(error)))

    # --------------------------------------------------------------------- state

    @property
    def state(self) -> State:
        """What the client is doing about its connection."""
        return self._lifeline.states.current

    def states(self) -> AsyncIterator[State]:
        """Yield the state as it is and each change, until the client has stopped.

        Who takes long over one misses those that passed meanwhile.
        """
        return self._lifeline.states.follow()

    @property
    def user_id(self) -> str | None:
        """Who one is, as the server reads the token; None before the first connection."""
        return None if self._connected is None else self._connected.user_id

    @property
    def rooms(self) -> dict[str, Room]:
        """The rooms one is in, by id; a copy."""
        return {room_id: room for room_id, room in self._rooms.items() if room.joined}

    async def wait_online(self) -> None:
        """Wait until there is a connection.

        Raises:
            StoppedError: there will be none.
        """
        async for state in self.states():
            if state.phase is Phase.ONLINE:
                return
        raise self._stopped or StoppedError("the client was closed")

    def reconnect_now(self) -> None:
        """Do not wait for the next attempt: the network is back, say."""
        self._lifeline.hurry()

    # --------------------------------------------------------------------- rooms

    async def join(self, room_id: str, *, since: Position | None = None) -> Room:
        """Become a member of a room, waiting for a connection if there is none.

        A room one is in already is returned as it is.

        Args:
            room_id: the room.
            since: a position kept from an earlier life: what followed it comes first.

        Raises:
            RefusedError: the server does not let one in.
            StoppedError: the client has stopped.

        Cancellation: one is not a member then.
        """
        if self._life is None:
            raise RuntimeError("open the client first")
        if self._stopped is not None:
            raise self._stopped
        known = self._rooms.get(room_id)
        if known is not None and known.joined:
            await self._members[room_id].live()
            return known
        membership = Membership(room_id, self._outbox, self._options, since)
        room = Room(membership, leave=lambda: self._leave(membership), uploads=self._uploads)
        self._members[room_id] = membership
        self._rooms[room_id] = room
        if self._lifeline.connection is not None:
            self._tend(membership, self._lifeline.connection)
        try:
            await membership.live()
        except BaseException:
            if self._forget(membership):  # still wanted: it was the waiting that was cancelled
                self._lifeline.spawn(self._say_leave(room_id))
            raise
        return room

    async def join_inbox(self) -> Room:
        """Be in one's own inbox, whose events are `MembershipChanged`: invitations, for example.

        Raises:
            ChatError: the server has none.
        """
        if self._connected is None:
            await self._online()
        if self._connected is None or self._connected.inbox is None:
            raise ChatError("the server has no inboxes")
        return await self.join(self._connected.inbox)

    async def set_idle(self, is_idle: bool) -> None:
        """Say whether nobody is at this device. A user is away when nobody is at any."""
        if is_idle == self._idle:
            return
        self._idle = is_idle
        if self._lifeline.connection is not None:
            await self._tell_idle(self._lifeline.connection)

    async def _tell_idle(self, connection: Connection) -> None:
        state = "away" if self._idle else "online"
        try:
            await connection.request({"type": "set_presence", "state": state, "automatic": True})
        except (RefusedError, ConnectionLostError):
            return  # said again on the next connection

    async def _ask(self, command: Mapping[str, Any], *, again: bool) -> Answer:
        return await ask(self._online, command, again=again)

    async def _online(self) -> Connection:
        """Return the live connection, waiting for it."""
        while True:
            await self.wait_online()
            connection = self._lifeline.connection
            if connection is not None and not connection.over:
                return connection
            await asyncio.sleep(_ENDING_S)

    async def _leave(self, membership: Membership) -> None:
        if self._forget(membership):
            await self._say_leave(membership.room_id)

    async def _say_leave(self, room_id: str) -> None:
        connection = self._lifeline.connection
        if connection is None:
            return
        try:
            await connection.request({"type": "leave_room", "roomId": room_id})
        except (RefusedError, ConnectionLostError):
            return  # not a member either way

    def _forget(self, membership: Membership) -> bool:
        """Have nothing more to do with a room; return whether one may be a member of it."""
        wanted = membership.error is None
        membership.end(RoomLeftError(membership.room_id, None))
        tending = self._tending.pop(membership, None)
        if tending is not None:
            tending.cancel()
        if self._members.get(membership.room_id) is membership:
            del self._members[membership.room_id]
            del self._rooms[membership.room_id]
        return wanted

    # ------------------------------------------------------------- on a connection

    def _begin(self, connection: Connection) -> None:
        self._connected = connection.connected
        self._tending.clear()
        for membership in self._members.values():
            if membership.error is None:
                self._tend(membership, connection)
        if self._idle:  # a new connection counts as in use
            self._lifeline.spawn(self._tell_idle(connection))

    def _tend(self, membership: Membership, connection: Connection) -> None:
        task = self._lifeline.spawn(membership.tend(connection))
        if task is not None:
            self._tending[membership] = task

    def _take(self, event: AnyEvent | Unknown) -> None:
        room_id = getattr(event, "room_id", None)
        membership = self._members.get(room_id) if isinstance(room_id, str) else None
        if membership is not None:
            membership.take(event)


def _checked(urls: Sequence[str]) -> Sequence[str]:
    if not urls:
        raise ValueError("no address is given")
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme not in ("ws", "wss") or not parts.hostname:
            raise ValueError(f"{url!r} is not like wss://chat.example/ws")
    return urls

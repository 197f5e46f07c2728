"""Connections one after the other: come back as the last ending says, renew the token."""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Sequence

from chat.client.connection import Connection, NoConnectionError
from chat.client.errors import (
    AuthenticationError,
    ConnectionLostError,
    RefusedError,
    StoppedError,
)
from chat.client.events import AnyEvent, TokenExpiring, Unknown
from chat.client.options import Options
from chat.client.policy import STABLE_S, Ending, backoff_s, is_about_token, is_final, pause_s
from chat.client.states import Phase, State, States
from chat.client.tokens import Tokens

log = logging.getLogger(__name__)

_UNANSWERED = Ending(reason="the server did not answer in time")


class Lifeline:
    """Keeps a client connected.

    Args:
        urls: WebSocket addresses; each connection goes to a random one.
        tokens: where tokens come from.
        options: how patient to be.
        on_event: is given every event of every connection, in order.
        on_online: is called with each connection once it is open for commands.
    """

    def __init__(
        self,
        urls: Sequence[str],
        tokens: Tokens,
        options: Options,
        *,
        on_event: Callable[[AnyEvent | Unknown], None],
        on_online: Callable[[Connection], None],
    ) -> None:
        self.states = States()
        self.connection: Connection | None = None
        self._urls = tuple(urls)
        self._tokens = tokens
        self._options = options
        self._on_event = on_event
        self._on_online = on_online
        self._tasks: asyncio.TaskGroup | None = None
        self._ending = _UNANSWERED
        self._hurry = asyncio.Event()
        self._leaving = False
        self._renewing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Stay connected until told to leave.

        Raises:
            StoppedError: coming back is of no use.
        """
        attempt = 0
        refusals = 0
        while True:
            self.states.set(State(Phase.CONNECTING, attempt=attempt))
            ending = await self._session()
            if self._leaving:
                return
            about_token = is_about_token(ending)
            refusals = refusals + 1 if about_token and not ending.lived_s else 0
            # A token source may have given one that had just ended: it is asked once more.
            another_token = about_token and self._tokens.can_renew and refusals <= 1
            if (about_token or is_final(ending)) and not another_token:
                raise _stopped(ending)
            if ending.lived_s >= STABLE_S:
                attempt = 0
            wait_s = pause_s(
                ending,
                attempt,
                random.random(),  # noqa: S311 - jitter, no secret
                self._options.backoff_base_s,
                self._options.backoff_max_s,
            )
            attempt += 1
            state = State(Phase.WAITING, ending.reason, wait_s, attempt)
            log.log(logging.WARNING if attempt > 1 else logging.INFO, "%s", state)
            self.states.set(state)
            await self._pause(wait_s)

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None] | None:
        """Run something as long as the live connection lasts; without one it is not run."""
        if self._tasks is None or self.connection is None or self.connection.over:
            work.close()
            return None
        return self._tasks.create_task(work)

    def hurry(self) -> None:
        """Connect now instead of waiting."""
        self._hurry.set()

    async def leave(self) -> None:
        """Say goodbye on the live connection, if there is one; it is not replaced."""
        self._leaving = True
        if self.connection is not None:
            await self.connection.close()

    async def _session(self) -> Ending:
        """Live through one connection and return how it ended.

        Raises:
            AuthenticationError: there is no token.
        """
        try:
            token = await self._tokens.get()
        except AuthenticationError:
            raise
        except Exception as exc:  # a program's callback may raise anything
            log.warning("the token callback failed", exc_info=exc)
            return Ending(reason=f"no token: {exc!r}")
        url = random.choice(self._urls)  # noqa: S311 - to spread, no secret
        try:
            connection = await Connection.open(url, token, self._options, self._take)
        except NoConnectionError as exc:
            return exc.ending
        self._ending = _UNANSWERED
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self.connection = connection
                self._tasks.create_task(self._read(connection))
                self.states.set(State(Phase.ONLINE))
                self._on_online(connection)
        except* ConnectionLostError:
            pass
        finally:
            self._tasks = self.connection = None
            connection.abort()
        return self._ending

    async def _read(self, connection: Connection) -> None:
        self._ending = await connection.read()
        raise ConnectionLostError(self._ending.reason)

    def _take(self, event: AnyEvent | Unknown) -> None:
        if isinstance(event, TokenExpiring) and self.connection is not None:
            self._begin_to_renew(self.connection)
        self._on_event(event)

    def _begin_to_renew(self, connection: Connection) -> None:
        renewing = self._renewing is not None and not self._renewing.done()
        if self._tokens.can_renew and not renewing:
            self._renewing = self.spawn(self._renew_token(connection))

    async def _renew_token(self, connection: Connection) -> None:
        """Put a new token in force; without one the server will end the connection with 4101."""
        attempt = 0
        while not await self._renewed(connection):
            await asyncio.sleep(backoff_s(attempt, random.random(), 0.5, 10.0))  # noqa: S311
            attempt += 1

    async def _renewed(self, connection: Connection) -> bool:
        try:
            token = await self._tokens.get()
            await connection.request({"type": "refresh_token", "token": token})
        except ConnectionLostError:
            raise
        except RefusedError as exc:
            log.warning("the server did not take the new token: %s", exc)
            return False
        except Exception as exc:  # a program's callback may raise anything
            log.warning("the token callback failed", exc_info=exc)
            return False
        return True

    async def _pause(self, wait_s: float) -> None:
        self._hurry.clear()
        try:
            async with asyncio.timeout(wait_s):
                await self._hurry.wait()
        except TimeoutError:
            return


def _stopped(ending: Ending) -> StoppedError:
    if is_about_token(ending):
        return AuthenticationError(ending.reason, ending.code)
    return StoppedError(ending.reason, ending.code)

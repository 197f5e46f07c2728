"""What one asks about oneself and one's rooms, without being in one."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal

from chat.client.connection import Answer
from chat.client.errors import ChatError
from chat.client.events import OwnRoom, RoomCreated, RoomsPage, Unread, UnreadCounts

#: The server tells of so many rooms at a time.
UNREAD_ROOMS_MAX = 100

State = Literal["online", "away", "busy"]


class Account(ABC):
    """The part of a client that is about its user. All of it waits for a connection."""

    @abstractmethod
    async def _ask(self, command: Mapping[str, Any], *, again: bool) -> Answer:
        """Send a command and return its answer; see `asking.ask`."""

    async def create_room(
        self,
        room_id: str | None = None,
        *,
        title: str | None = None,
        topic: str | None = None,
        user_ids: Sequence[str] = (),
    ) -> RoomCreated:
        """Make a private room of one's own, to be joined next.

        Args:
            room_id: `private:` and a name; None and the server names it.
            title: what it is called.
            topic: what it is about.
            user_ids: who is invited.

        Raises:
            InvalidCommandError: there is such a room (`room_exists`).
            NotAllowedError: the token does not allow `create`.
            ConnectionLostError: whether it was made is unknown; `list_rooms` says.
        """
        command = {
            "type": "create_room",
            "roomId": room_id,
            "title": title,
            "topic": topic,
            "userIds": list(user_ids) or None,
        }
        return _created(await self._ask(_given(command), again=False))

    async def open_direct(self, user_ids: Sequence[str]) -> RoomCreated:
        """Open the direct room of oneself and 1 to 7 others, to be joined next.

        The same users get the same room.
        """
        command = {"type": "open_direct", "userIds": list(user_ids)}
        return _created(await self._ask(command, again=True))

    async def answer_invitation(self, room_id: str, *, accept: bool) -> None:
        """Take part in a private room, or decline."""
        name = str(uuid.uuid4())
        command = {"type": "answer_invitation", "roomId": room_id, "accept": accept}
        await self._ask({**command, "clientMessageId": name}, again=True)

    async def list_rooms(self) -> AsyncIterator[OwnRoom]:
        """Yield one's private and direct rooms, and those one is invited to."""
        command = {"type": "list_rooms"}
        while True:
            page = await self._ask(command, again=True)
            if not isinstance(page, RoomsPage):
                raise ChatError("the server answered something else")
            for room in page.rooms:
                yield room
            if page.cursor is None:
                return
            command["cursor"] = page.cursor

    async def unread(self, room_ids: Sequence[str]) -> list[Unread]:
        """Return how much there is to read in rooms that one may join.

        One need not be in them. Those from which one is banned are left out.

        Raises:
            RefusedError: the server does not tell, because one may not join one of them.
            StoppedError: the client has stopped.
        """
        found: list[Unread] = []
        for start in range(0, len(room_ids), UNREAD_ROOMS_MAX):
            some = list(room_ids[start : start + UNREAD_ROOMS_MAX])
            answer = await self._ask({"type": "unread", "roomIds": some}, again=True)
            if not isinstance(answer, UnreadCounts):
                raise ChatError("the server answered something else")
            found += answer.rooms
        return found

    async def set_presence(self, state: State, *, status: str | None = None) -> None:
        """Choose how one is, on all devices, for the members of the rooms one is in.

        Args:
            state: `online` takes a choice back.
            status: a few words beside it, "" for none; None and it stays.
        """
        command = {"type": "set_presence", "state": state, "status": status}
        await self._ask(_given(command), again=True)


def _given(command: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in command.items() if value is not None}


def _created(answer: Answer) -> RoomCreated:
    if not isinstance(answer, RoomCreated):
        raise ChatError("the server answered something else")
    return answer

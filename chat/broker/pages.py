"""What is read of a room, history, members, unread: one reading for every way to ask."""

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
from msgspec import Raw

from chat.broker.broker import Broker
from chat.broker.markers import Progress
from chat.broker.members import Members
from chat.broker.user_presence import MEMBER, UserPresence, UserRecord
from chat.protocol.commands import HISTORY_LIMIT_MAX, History, Presence, Users
from chat.protocol.errors import CommandError, ErrorCode
from chat.protocol.events import (
    HistoryPage,
    Member,
    PresencePage,
    RoomUnread,
    UserState,
    UserStates,
)
from chat.protocol.records import ChangeRecord, Page, Record, event_head


async def history_page(broker: Broker, command: History, most_bytes: int) -> HistoryPage:
    """Return a page of stored messages, oldest first; what happened to them is folded in.

    Args:
        broker: where they are.
        command: which ones.
        most_bytes: bodies beyond it are left for the next page; one always fits.

    Raises:
        CommandError: invalid_message, epoch_changed.
        LinkError: Redis is away.
    """
    if command.before is not None and command.after is not None:
        raise CommandError(ErrorCode.INVALID_MESSAGE, "Use `before` or `after`, not both.")
    choice = _Choice(command, most_bytes)
    if command.after is not None:
        page = await _read_on(broker, command, command.after, choice)
        position = command.after
    else:
        page = await _read_back(broker, command, choice)
        choice.messages.reverse()
        position = choice.last_seq
    if command.epoch is not None and command.epoch != page.epoch:
        common = page.common_seq(command.epoch)
        if common is None or position > common:
            raise CommandError(
                ErrorCode.EPOCH_CHANGED, f"The epoch of this room is now {page.epoch}."
            )
    head = event_head(command.roomId)
    return HistoryPage(
        id=command.id,
        roomId=command.roomId,
        epoch=page.epoch,
        headSeq=page.head_seq,
        fromSeq=choice.first_seq,
        toSeq=choice.last_seq,
        messages=[Raw(record.event(head)) for record in choice.messages],
        more=choice.more,
    )


class _Choice:
    """The messages of a page, as many as one answer may hold, and what was looked through."""

    def __init__(self, command: History, most_bytes: int) -> None:
        self.messages: list[Record] = []
        self.first_seq = self.last_seq = 0
        self.more = True
        self.is_full = False
        #: Records to read. Where others than those asked for take many places a longer run follows,
        #: so that few pages are nearly empty.
        self.runs = (command.limit, HISTORY_LIMIT_MAX)
        self._limit = command.limit
        self._thread_id = command.threadId
        self._needle = orjson.dumps(command.threadId)  # as it is in the body of a record
        self._bytes_left = most_bytes

    def take(self, records: Sequence[Record]) -> int | None:
        """Take from the front; return the seq of the last record that was looked at."""
        looked_at = None
        for record in records:
            if self._is_asked_for(record):
                self._bytes_left -= len(record.body)
                if self.messages and (self._bytes_left < 0 or len(self.messages) == self._limit):
                    self.is_full = True
                    break
                self.messages.append(record)
            looked_at = record.seq
        self.is_full |= len(self.messages) == self._limit
        return looked_at

    def _is_asked_for(self, record: Record) -> bool:
        if isinstance(record, ChangeRecord):
            return False
        if self._thread_id is None:
            return True
        if self._needle not in record.body:
            return False  # most: told apart without parsing
        fields = record.fields()
        return self._thread_id in (fields.get("threadId"), fields["messageId"])


async def _read_on(broker: Broker, command: History, after: int, choice: _Choice) -> Page:
    """Choose from what follows a seq; return the first of the runs that were read."""
    runs: list[Page] = []
    choice.first_seq, choice.last_seq = after + 1, after
    for count in choice.runs:
        run = await broker.read_page(command.roomId, choice.last_seq + 1, count)
        runs.append(run)
        if run.epoch != runs[0].epoch:
            break  # the next page is told which
        choice.last_seq = choice.take(run.records) or choice.last_seq
        choice.more = bool(run.records) and choice.last_seq < run.head_seq
        if choice.is_full or not choice.more:
            break
    return runs[0]


async def _read_back(broker: Broker, command: History, choice: _Choice) -> Page:
    """Choose from what precedes a seq, or from the end; return the first run that was read."""
    first = await broker.read_page(command.roomId)
    end = first.head_seq + 1
    choice.first_seq = end if command.before is None else min(command.before, end)
    choice.last_seq = choice.first_seq - 1
    for count in choice.runs:
        before = choice.first_seq
        start = max(1, before - count - 1)  # one more than asked: it tells whether there is more
        run = await broker.read_page(command.roomId, start, max(0, before - start))
        if run.epoch != first.epoch:
            break
        records = [record for record in run.records if record.seq < before]
        choice.first_seq = choice.take(records[: -count - 1 : -1]) or before
        choice.more = bool(records) and records[0].seq < choice.first_seq
        if choice.is_full or not choice.more:
            break
    return first


async def presence_page(members: Members, command: Presence) -> PresencePage:
    """Return a page of members.

    Raises:
        CommandError: invalid_message.
        LinkError: Redis is away.
    """
    cursor = command.cursor
    if not cursor.isascii() or not cursor.isdecimal() or int(cursor) >= 2**64:
        raise CommandError(ErrorCode.INVALID_MESSAGE, "That is not a cursor of ours.")
    count, following, found = await members.page(command.roomId, cursor, command.limit)
    return PresencePage(
        id=command.id,
        roomId=command.roomId,
        memberCount=count,
        members=[_member(user_id, orjson.loads(info)) for user_id, info in found],
        cursor=None if following == "0" else following,
    )


def _member(user_id: str, info: dict[str, Any]) -> Member:
    return Member(
        userId=user_id,
        user=info.get("user"),
        state=info.get("state"),
        status=info.get("status"),
    )


async def user_states(presence: UserPresence, command: Users) -> UserStates:
    """Return the states of users of a room; of others nothing is said but `offline`.

    Raises:
        LinkError: Redis is away.
    """
    user_ids = list(dict.fromkeys(command.userIds))
    places, records = await asyncio.gather(
        presence.in_room(command.roomId, user_ids), presence.read(user_ids)
    )
    return UserStates(
        id=command.id,
        roomId=command.roomId,
        users=[
            user_state(user_id, record, is_member=place == MEMBER)
            if place
            else UserState(userId=user_id, state="offline")
            for user_id, record, place in zip(user_ids, records, places, strict=True)
        ],
    )


def user_state(user_id: str, record: UserRecord, *, is_member: bool = False) -> UserState:
    """Put what is known of a user into the wire's words.

    Args:
        user_id: the user.
        record: what is known.
        is_member: it is in a room now, whatever the record says.
    """
    state, status = record.availability
    if state == "offline" and is_member:
        state = record.choice or "online"
    is_here = state != "offline"
    return UserState(
        userId=user_id,
        state=state,
        status=status or None,
        lastSeen=None if is_here else record.last_seen_ms,
    )


def room_unread(room_id: str, progress: Progress) -> RoomUnread:
    """Put what is known of a user's marker in a room into the wire's words."""
    return RoomUnread(
        roomId=room_id,
        epoch=progress.epoch,
        headSeq=progress.head_seq,
        readSeq=progress.read_seq,
        unread=progress.head_seq - (progress.read_seq or 0),
    )

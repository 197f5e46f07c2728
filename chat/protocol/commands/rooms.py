"""Commands about rooms: coming and going, reading, their rules."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from chat.protocol.about import HistoryMs, HistorySize, Milliseconds, Words
from chat.protocol.commands.fields import (
    ClientMessageId,
    Command,
    Epoch,
    MessageId,
    RoomId,
    Seq,
    Since,
)

#: The most messages in a page of history.
HISTORY_LIMIT_MAX = 1000


class JoinRoom(Command, frozen=True, kw_only=True, tag="join_room"):
    """Become a member; with `since`, first receive what was missed."""

    roomId: RoomId
    since: Since | None = None


class LeaveRoom(Command, frozen=True, kw_only=True, tag="leave_room"):
    """Stop being a member on this connection."""

    roomId: RoomId


class History(Command, frozen=True, kw_only=True, tag="history"):
    """Read a page of stored messages: the last ones, or those before or after a `seq`."""

    roomId: RoomId
    before: Seq | None = None
    after: Seq | None = None
    epoch: Epoch | None = None
    limit: Annotated[int, Meta(ge=1, le=HISTORY_LIMIT_MAX)] = 50
    threadId: MessageId | None = None


class Presence(Command, frozen=True, kw_only=True, tag="presence"):
    """List the members of a room, in pages."""

    roomId: RoomId
    cursor: Annotated[str, Meta(max_length=32)] = "0"
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class ChangeRoom(Command, frozen=True, kw_only=True, tag="change_room"):
    """Set a room's title, topic and rules: null resets one, what is left out stays."""

    roomId: RoomId
    clientMessageId: ClientMessageId | None = None
    title: Words | UnsetType | None = UNSET
    topic: Words | UnsetType | None = UNSET
    slowModeMs: Milliseconds | UnsetType | None = UNSET
    historySize: HistorySize | UnsetType | None = UNSET
    historyMs: HistoryMs | UnsetType | None = UNSET
    readOnly: bool | UnsetType | None = UNSET
    large: bool | UnsetType | None = UNSET

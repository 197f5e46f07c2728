"""Which function does what a command asks for, of those that wait for Redis or for keys."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from chat.protocol import commands
from chat.worker import (
    authentication,
    changing,
    conversing,
    joining,
    marking,
    moderating,
    publishing,
    reading,
    reporting,
    room_changing,
    showing,
)

if TYPE_CHECKING:
    from chat.worker.session import Session

Work = Callable[["Session", Any], Coroutine[Any, Any, None]]

#: By the type of the command, or by what several types have in common.
_WORK: dict[type[commands.Command], Work] = {
    commands.JoinRoom: joining.join,
    commands.ChatMessage: publishing.publish_with_files,
    commands.Change: changing.change,
    commands.History: reading.history,
    commands.Presence: reading.presence,
    commands.MarkRead: marking.mark_earlier,
    commands.MarkDelivered: marking.mark_earlier,
    commands.Users: showing.users,
    commands.Unread: marking.unread,
    commands.RefreshToken: authentication.refresh,
    commands.ModerationCommand: moderating.moderate,
    commands.ChangeRoom: room_changing.change_room,
    commands.ReportMessage: reporting.report,
    commands.CreateRoom: conversing.create,
    commands.OpenDirect: conversing.open_direct,
    commands.RosterCommand: conversing.change,
    commands.Participants: conversing.participants,
    commands.ListRooms: conversing.rooms,
}


def work(session: "Session", command: commands.AnyCommand) -> Coroutine[Any, Any, None]:
    """Return what has to be awaited for a command."""
    for kind in type(command).__mro__:
        if kind in _WORK:
            return _WORK[kind](session, command)
    raise TypeError(f"{type(command).__name__} is answered at once")

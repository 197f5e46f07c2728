"""What comes of what: which event answers which command, and which events come unasked."""

from chat.protocol import commands, events
from chat.protocol.commands import Command
from chat.protocol.events import Event

#: What answers a command that took effect, where that is no `ack`.
_ANSWERS: dict[type[Command], type[Event]] = {
    commands.Authenticate: events.Connected,
    commands.JoinRoom: events.RoomJoined,
    commands.LeaveRoom: events.RoomLeft,
    commands.History: events.HistoryPage,
    commands.Presence: events.PresencePage,
    commands.Unread: events.UnreadCounts,
    commands.Users: events.UserStates,
    commands.CreateRoom: events.RoomCreated,
    commands.OpenDirect: events.RoomCreated,
    commands.Participants: events.ParticipantsPage,
    commands.ListRooms: events.RoomsPage,
    commands.RefreshToken: events.TokenRefreshed,
    commands.Ping: events.Pong,
}
#: Answers that also come without a command, then without an `id`.
_ALSO_UNASKED: tuple[type[Event], ...] = (events.Connected, events.RoomLeft)


def answer_to(command: type[Command]) -> type[Event]:
    """Return the event that answers a command that took effect; others get an `error`."""
    return _ANSWERS.get(command, events.Ack)


def is_unasked(event: type[Event]) -> bool:
    """Whether a kind of event comes without a command of the same client."""
    return event in _ALSO_UNASKED or "id" not in event.__struct_fields__

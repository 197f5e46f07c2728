"""What a terminal shows of an event, as text: pure."""

from datetime import datetime

from chat.client import (
    About,
    Amendment,
    ChatMessage,
    Entry,
    Event,
    Gap,
    MembershipChanged,
    MessageDeleted,
    MessageEdited,
    Ordered,
    ParticipantChanged,
    PresenceChanged,
    ReactionAdded,
    ReactionRemoved,
    RoomChanged,
    RoomLeft,
    UserJoined,
    UserLeft,
)
from chat.terminal.plain import indented, one_line


def said(event: Event) -> str | None:
    """Return the line for standard output: what was said or became of it; None for nothing."""
    match event:
        case ChatMessage(deleted=True):
            return f"{_time(event)} {_author(event)} * deleted"
        case ChatMessage():
            return f"{_time(event)} {_author(event)}: {indented(event.content)}"
        case Amendment():
            became = _became(event)
            return became and f"{_time(event)} * {_author(event)} {became}"
        case RoomChanged():
            return f"{_time(event)} * {_author(event)} changed the room: {_like(event.room)}"
        case ParticipantChanged():
            return f"{_time(event)} * {_author(event)} {_seated(event)}"
        case MembershipChanged():
            return f"{_time(event)} * {_entered(event.membership)}"
        case Gap(reason="reset"):
            return f"* the server lost what came after message {event.from_seq}"
        case Gap():
            return f"* {event.to_seq - event.from_seq + 1} messages were too old to be kept"
    return None


def happened(event: Event) -> str | None:
    """Return the line for standard error: who comes and goes; None for nothing."""
    match event:
        case UserJoined():
            return f"{one_line(event.user_id)} joined, {event.member_count} here"
        case UserLeft():
            return f"{one_line(event.user_id)} left, {event.member_count} here"
        case PresenceChanged():
            status = f": {one_line(event.status)}" if event.status else ""
            return f"{one_line(event.user_id)} is {one_line(event.state)}{status}"
        case RoomLeft():
            why = ": ".join(word for word in (event.reason, event.message) if word)
            return f"put out of the room: {one_line(why or 'no reason given')}"
    return None


def _became(event: Amendment) -> str | None:
    match event:
        case MessageEdited(content=str(content)):
            return f"edited message {event.message_seq}: {indented(content)}"
        case MessageDeleted():
            return f"deleted message {event.message_seq}"
        case ReactionAdded():
            return f"reacted {one_line(event.reaction)} to message {event.message_seq}"
        case ReactionRemoved():
            return f"took {one_line(event.reaction)} back from message {event.message_seq}"
    return None


def _like(room: About) -> str:
    """Return what is set of a room, in a few words."""
    words = (
        room.title is not None and f"title {room.title!r}",
        room.topic is not None and f"topic {room.topic!r}",
        room.read_only and "only moderators write",
        room.slow_mode_ms is not None and f"{room.slow_mode_ms / 1000:g} s between messages",
        room.history_size is not None and f"keeps {room.history_size} messages",
        room.history_ms is not None and f"keeps messages for {room.history_ms / 1000:g} s",
        room.large and "large",
    )
    return one_line(", ".join(word for word in words if word) or "nothing is set")


def _seated(event: ParticipantChanged) -> str:
    """Return what a user did to the roster, maybe to that user's own place in it."""
    seat, own = event.participant, event.participant.user_id == event.user_id
    user = one_line(seat.user_id)
    if seat.role is None:
        return "takes part no more" if own else f"removed {user}"
    role = one_line(seat.role)
    if own:
        return f"takes part as {role}"
    return f"invited {user} as {role}" if seat.invited else f"made {user} {role}"


def _entered(entry: Entry) -> str:
    room = one_line(entry.title or entry.room_id)
    by = f", says {one_line(entry.by)}" if entry.by else ""
    if entry.role is None:
        return f"you take no part in {room} any more{by}"
    role = one_line(entry.role)
    return f"you {'are invited to' if entry.invited else 'take part in'} {room} as {role}{by}"


def _author(event: Ordered) -> str:
    name = (event.user or {}).get("name")
    return one_line(name) if isinstance(name, str) and name else one_line(event.user_id)


def _time(event: Ordered) -> str:
    return datetime.fromtimestamp(event.timestamp / 1000).astimezone().strftime("%H:%M")

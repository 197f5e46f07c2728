"""What a terminal shows of an event, as text: pure."""

from datetime import datetime

from chat.client import (
    Amendment,
    ChatMessage,
    Event,
    Gap,
    MessageDeleted,
    MessageEdited,
    Ordered,
    ReactionAdded,
    ReactionRemoved,
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


def _author(event: Ordered) -> str:
    name = (event.user or {}).get("name")
    return one_line(name) if isinstance(name, str) and name else one_line(event.user_id)


def _time(event: Ordered) -> str:
    return datetime.fromtimestamp(event.timestamp / 1000).astimezone().strftime("%H:%M")

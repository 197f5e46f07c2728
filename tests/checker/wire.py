"""Events of the wire as the history names them: what was said, what a message is."""

import json
from typing import Any

from tests.checker.history import digest

Event = dict[str, Any]

#: Which event says what a command said.
_COMMANDS = {
    "message_edited": "edit_message",
    "message_deleted": "delete_message",
    "reaction_added": "add_reaction",
    "reaction_removed": "remove_reaction",
}


def fields_of(event: Event) -> dict[str, Any]:
    """Return what `Recv` and `Entry` hold of a message or a change."""
    return {
        "epoch": event["epoch"],
        "seq": event["seq"],
        "message_id": event["messageId"],
        "cmid": event.get("clientMessageId", ""),
        "sender": event["userId"],
        "digest": _digest(event),
    }


def _digest(event: Event) -> str:
    """Name what was said, unless a later change has taken it away."""
    if event["type"] == "chat_message":
        is_changed = "editedSeq" in event or "deleted" in event
        return "" if is_changed else digest(event["content"])
    if event["type"] == "message_edited" and "content" not in event:
        return ""
    return said(event, event["messageId"])


def said(change: Event, message_id: str) -> str:
    """Name what a change says, given the command or the event."""
    kind = _COMMANDS.get(change["type"], change["type"])
    return digest(f"{kind} {message_id} {change.get('content')} {change.get('reaction')}")


def state_of(message: Event) -> str:
    """Name all that a message is."""
    return digest(json.dumps(message, sort_keys=True))

"""What edits, deletions and reactions make of a message: pure, the same for servers and clients.

A message and the events that name it are dictionaries as they are on the wire. Each event has a
`seq` after the message's, and a message remembers as `version` the last one that is folded in. So
whoever has a message that is ahead of the events, out of history say, folds the same events once
more and nothing changes.
"""

from collections.abc import Iterable, Mapping
from typing import Any

Fields = dict[str, Any]

#: What a deletion leaves of a message, besides the empty content.
_LEFT_BY_DELETION = (
    "type",
    "roomId",
    "epoch",
    "seq",
    "timestamp",
    "messageId",
    "userId",
    "user",
    "clientMessageId",
    "replyTo",
    "threadId",
)


#: What an edit replaces.
_OF_CONTENT = ("content", "mentions", "editedAt", "editedSeq")


def fold(message: Fields, event: Mapping[str, Any]) -> Fields:
    """Return a message as it is after an event; the message itself if it is not touched by it.

    Order: events of one room by rising `seq`; those that are folded in already are passed over.
    """
    if event.get("messageId") != message["messageId"] or message.get("deleted"):
        return message
    if event["seq"] <= message.get("version", message["seq"]):
        return message
    folded = apply(message, event)
    if folded is None:
        return message
    stamps = {"version": event["seq"]}
    if event["type"] == "message_edited":
        stamps |= {"editedAt": event["timestamp"], "editedSeq": event["seq"]}
    return folded | stamps


def fold_all(message: Fields, events: Iterable[Mapping[str, Any]]) -> Fields:
    """Return a message as it is after several events."""
    for event in events:
        message = fold(message, event)
    return message


def apply(message: Fields, event: Mapping[str, Any]) -> Fields | None:
    """Return what an event makes of a message; None if it changes nothing.

    What comes of the event's place is not in it: `version`, and after an edit `editedAt` and
    `editedSeq`. The server stores the fold together with the event, and then only knows the place.
    """
    match event["type"]:
        case "message_edited":
            return _edited(message, event)
        case "message_deleted":
            left = {name: message[name] for name in _LEFT_BY_DELETION if name in message}
            return {**left, "content": "", "deleted": True, "deletedBy": event["userId"]}
        case "reaction_added":
            return _reacted(message, event["reaction"], event["userId"])
        case "reaction_removed":
            return _reaction_taken_back(message, event["reaction"], event["userId"])
    return None


def _edited(message: Fields, event: Mapping[str, Any]) -> Fields | None:
    if "content" not in event:
        return None  # a later event has overtaken it, and has its content or ended it
    folded = {name: value for name, value in message.items() if name not in _OF_CONTENT}
    if event.get("mentions"):
        folded["mentions"] = event["mentions"]
    return folded | {"content": event["content"]}


def _reacted(message: Fields, reaction: str, user_id: str) -> Fields | None:
    reactions: dict[str, list[str]] = message.get("reactions", {})
    users = reactions.get(reaction, [])
    if user_id in users:
        return None
    return {**message, "reactions": {**reactions, reaction: [*users, user_id]}}


def _reaction_taken_back(message: Fields, reaction: str, user_id: str) -> Fields | None:
    reactions: dict[str, list[str]] = message.get("reactions", {})
    users = reactions.get(reaction, [])
    if user_id not in users:
        return None
    left = {**reactions, reaction: [user for user in users if user != user_id]}
    if not left[reaction]:
        del left[reaction]
    if left:
        return {**message, "reactions": left}
    return {name: value for name, value in message.items() if name != "reactions"}

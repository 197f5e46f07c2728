"""What the fields of commands and events mean, and a value as it may look.

A name means the same wherever it occurs, so it is said once; what differs all the same stands here
as `Type.field`. The descriptions and examples of the AsyncAPI document are made of this, and a test
wants every field of the schema in it.
"""

from typing import Any, NamedTuple


class Word(NamedTuple):
    """A sentence about a field, in Markdown, and what examples show in it; None leaves it out."""

    meaning: str
    example: Any = None


WORDS: dict[str, Word] = {
    "accept": Word("Whether one takes part.", True),
    "after": Word("Only what is later than this `seq`; not together with `before`."),
    "attachments": Word(
        "Files that come with the message: in a command the ids of uploads, else what is known of "
        "them."
    ),
    "automatic": Word(
        "The device found out by itself whether somebody is at it: nothing is chosen.", True
    ),
    "before": Word("Only what is earlier than this `seq`.", 18),
    "by": Word("Who did it.", "ann"),
    "clientMessageId": Word(
        "Chosen by the sender and unique among its own in the room: makes a retry safe.", "a-1"
    ),
    "closesInMs": Word("Milliseconds until the server closes the connection.", 10000),
    "code": Word("Why it was refused, for programs.", "rate_limited"),
    "connectionId": Word("Names this connection, for logs and support.", "conn_4f1d0c9a7e_1"),
    "content": Word("The text of the message.", "Hello!"),
    "contentType": Word("What the file is, told by its content.", "image/png"),
    "cursor": Word(
        "Where the list goes on: that of the page before, in the first question `0`.", "0"
    ),
    "deliveredSeq": Word("Up to where a device of the user has got everything.", 16),
    "deleted": Word("The message is gone, and its `content` empty."),
    "deletedBy": Word("Who deleted it."),
    "duplicate": Word("The message had been stored before: this is the answer of then.", True),
    "durationMs": Word("For how many milliseconds; without it for good.", 600000),
    "editedAt": Word("When the content changed last, in milliseconds since the Unix epoch."),
    "editedSeq": Word("The `seq` of the edit that the content is of."),
    "epoch": Word(
        "Which life of the room's order a `seq` belongs to. Another one says that the message "
        "store has gone back in time.",
        "9c56cc51",
    ),
    "expiresAt": Word("When the token ends, in milliseconds since the Unix epoch.", 1795489200000),
    "expiresInMs": Word("Milliseconds after which it is over.", 6000),
    "fromSeq": Word("The first `seq` that this is about.", 2),
    "headSeq": Word("The `seq` of the last message of the room.", 17),
    "height": Word("Height of the picture as it is shown, in pixels.", 480),
    "Attachment.id": Word(
        "Names the file, and nobody can guess it.", "Q2hhdCBmaWxlIG5hbWUgZXhhbXBsZQAA.image.png"
    ),
    "historyMs": Word(
        "For how many milliseconds the room keeps what is sent, however quiet it is.", 604800000
    ),
    "historySize": Word("How many messages and events the room keeps.", 500),
    "id": Word("Chosen by the client with a command; the answer repeats it.", 1),
    "inbox": Word(
        "The room of this user alone, in which the server tells what concerns nobody else.",
        "inbox:NQJK5y3OGlUOaBQGAT0sOnmu",
    ),
    "invited": Word("The user has not answered the invitation yet."),
    "isTyping": Word("Whether the user is typing.", True),
    "lastSeen": Word(
        "When the user's last connection ended, in milliseconds since the Unix epoch.",
        1795485000000,
    ),
    "large": Word(
        "The room is told how many its members are, and not who comes, goes and types.", False
    ),
    "limit": Word("How many at most.", 50),
    "maxMessageBytes": Word("The longest frame that the server takes.", 16384),
    "memberCount": Word("Users in the room, in the whole cluster.", 2),
    "members": Word("Users in the room."),
    "membership": Word("What the user has become in which room."),
    "mentions": Word("User ids of those who are meant.", ["ben"]),
    "message": Word("Why this happened, for a person.", "Too fast: the limit per user is reached."),
    "messageId": Word("Names the message, in the whole cluster.", "msg_4f1d0c9a7e_3"),
    "messageSeq": Word("The `seq` of the message that this is about.", 16),
    "messages": Word("Messages in rising `seq`."),
    "more": Word("Whether the page has a successor.", False),
    "name": Word("What its sender called the file.", "tea.png"),
    "participant": Word("Who is something else now, and what."),
    "participants": Word("Who belongs to the room, present or not."),
    "pingIntervalMs": Word(
        "Milliseconds of silence after which the server sends a WebSocket ping.", 25000
    ),
    "previousEpoch": Word("The epoch before, whose positions after `fromSeq` no longer hold."),
    "private": Word("Tell nobody but one's own devices.", True),
    "protocol": Word("Which version of this protocol is spoken.", "chat.v1"),
    "reaction": Word("An emoji or a short text.", "👍"),
    "reactions": Word("Each reaction with the user ids of those who gave it."),
    "readOnly": Word("Only who may moderate the room writes in it.", True),
    "readSeq": Word("Up to where the user has read; without it nothing is known to be read.", 15),
    "reason": Word("Why this happened."),
    "ReportMessage.reason": Word("What is wrong with it, for the moderators.", "Spam"),
    "reconnectAfterMs": Word(
        "Come back after a random part of so many milliseconds, so that not all come at once.", 5000
    ),
    "recovered": Word(
        "With `since`: whether all that was missed follows. If not, a `gap` says what is lost.",
        True,
    ),
    "replyTo": Word("The message that this one answers."),
    "retryAfterMs": Word("Milliseconds after which the same may succeed.", 480),
    "role": Word("What the user may do in the room.", "member"),
    "room": Word("What is set of the room; for the rest the server's settings hold."),
    "roomId": Word("Which room.", "lobby"),
    "ServerInfo.version": Word("Version of the server.", "0.1.0"),
    "roomIds": Word("Which rooms.", ["lobby"]),
    "rooms": Word("One entry for each room, in the order of the question."),
    "RoomsPage.rooms": Word("The private and direct rooms of the user."),
    "seq": Word("The place in the room's order: rises by one from message to message.", 17),
    "serverInfo": Word("Who answers."),
    "since": Word("The last position in the room that the client has seen."),
    "size": Word("Bytes of the file.", 20480),
    "Participant.since": Word("Since when, in milliseconds since the Unix epoch.", 1795485600000),
    "state": Word("`away` or `busy`, or `online` for neither.", "busy"),
    "status": Word("A short text that the user wrote; an empty one clears it.", "In a meeting"),
    "slowModeMs": Word(
        "How many milliseconds a user waits between two messages in the room.", 10000
    ),
    "threadId": Word("The `messageId` of the message that the thread began with."),
    "timestamp": Word(
        "The message store's clock, in milliseconds since the Unix epoch. Sort by `seq` instead.",
        1795485600000,
    ),
    "title": Word("What the room is called.", "Lobby"),
    "toSeq": Word("The last `seq` that this is about.", 5),
    "token": Word("A JSON Web Token that says who the user is and what is allowed.", "eyJhbGc..."),
    "topic": Word("What the room is about.", "Everything else"),
    "type": Word("Which command or event this is."),
    "uncertain": Word("The command may have taken effect all the same."),
    "unread": Word(
        "How many places of the room's order follow `readSeq`: messages and events about them.", 2
    ),
    "url": Word(
        "Where the file is, from the root of the server.",
        "/files/Q2hhdCBmaWxlIG5hbWUgZXhhbXBsZQAA.image.png/tea.png",
    ),
    "user": Word("What the user's token gives others to see.", {"name": "Ann"}),
    "UserState.state": Word("`online`, `away`, `busy` or `offline`.", "busy"),
    "userIds": Word("Which users.", ["ann"]),
    "users": Word("One entry for each user, in the order of the question."),
    "userId": Word("Whom it is about: the claim `sub` of that user's token.", "ann"),
    "version": Word("The `seq` of the last event that changed the message."),
    "width": Word("Width of the picture as it is shown, in pixels.", 640),
    "workerId": Word("Which worker answers.", "4f1d0c9a7e"),
}


def word_for(type_name: str, field: str) -> Word | None:
    """Return what is said of a field of a type, None if nothing is."""
    return WORDS.get(f"{type_name}.{field}") or WORDS.get(field)

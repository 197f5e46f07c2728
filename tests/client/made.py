"""Events as a server would send them, for tests of what is pure."""

from typing import Any

from chat.client.events import (
    ChatMessage,
    Gap,
    MessageDeleted,
    MessageEdited,
    ReactionAdded,
    ReactionRemoved,
)


def message(seq: int, content: str = "", *, epoch: str = "e", **fields: Any) -> ChatMessage:
    usual: dict[str, Any] = {
        "room_id": "r",
        "epoch": epoch,
        "seq": seq,
        "timestamp": seq,
        "user_id": "ann",
        "message_id": f"m{seq}",
        "content": content or f"content {seq}",
    }
    return ChatMessage(**(usual | fields))


def _about(message_seq: int, seq: int, user_id: str) -> dict[str, Any]:
    return {
        "room_id": "r",
        "epoch": "e",
        "seq": seq,
        "timestamp": seq,
        "user_id": user_id,
        "message_seq": message_seq,
        "message_id": f"m{message_seq}",
    }


def edited(message_seq: int, seq: int, content: str | None) -> MessageEdited:
    return MessageEdited(**_about(message_seq, seq, "ann"), content=content)


def deleted(message_seq: int, seq: int, by: str = "ann") -> MessageDeleted:
    return MessageDeleted(**_about(message_seq, seq, by))


def reacted(message_seq: int, seq: int, reaction: str, by: str = "ben") -> ReactionAdded:
    return ReactionAdded(**_about(message_seq, seq, by), reaction=reaction)


def unreacted(message_seq: int, seq: int, reaction: str, by: str = "ben") -> ReactionRemoved:
    return ReactionRemoved(**_about(message_seq, seq, by), reaction=reaction)


def reset(last_seq: int, *, epoch: str = "f") -> Gap:
    return Gap(room_id="r", reason="reset", epoch=epoch, from_seq=last_seq, to_seq=last_seq)


def trimmed(from_seq: int, to_seq: int, *, epoch: str = "e") -> Gap:
    return Gap(room_id="r", reason="trimmed", epoch=epoch, from_seq=from_seq, to_seq=to_seq)

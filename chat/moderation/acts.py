"""What can be done to a user, and the record of it."""

from enum import StrEnum

from msgspec import Struct

from chat.protocol.about import AboutChange


class Kind(StrEnum):
    """Acts of a moderator; the names are those of the audit trail and of the metrics."""

    KICK = "kick"
    BAN = "ban"
    UNBAN = "unban"
    MUTE = "mute"
    UNMUTE = "unmute"
    DELETE_MESSAGE = "delete_message"
    CHANGE_ROOM = "change_room"
    REMOVE_PARTICIPANT = "remove_participant"
    SET_ROLE = "set_role"
    DISCONNECT = "disconnect"
    REVOKE_USER = "revoke_user"
    REPORT_MESSAGE = "report_message"
    RESOLVE_REPORT = "resolve_report"
    REVOKE_TOKEN = "revoke_token"  # noqa: S105 - a name, not a secret


#: Those that say who may be and write in a room. Those on users and tokens hold everywhere; a
#: message is deleted by `chat/broker/changes.py` and reported to `chat/broker/reports.py`, a room
#: changed by `chat/broker/room_changes.py` and a roster by `chat/broker/conversations.py`.
OF_A_ROOM = frozenset({Kind.KICK, Kind.BAN, Kind.UNBAN, Kind.MUTE, Kind.UNMUTE})
#: Those that may end by themselves.
TIMED = frozenset({Kind.BAN, Kind.MUTE})


class Act(Struct, frozen=True, kw_only=True):
    """Who does what to whom, where and why.

    Args:
        kind: what is done.
        by: user id of who does it.
        on: user id of whom it is done to; for REVOKE_TOKEN the `jti` of the token, for
            DELETE_MESSAGE, REPORT_MESSAGE and RESOLVE_REPORT the author; for CHANGE_ROOM
            nobody, "".
        room_id: where; None if everywhere.
        reason: as the moderator worded it.
        duration_ms: after which it ends; None for good.
        message_id: the message that is deleted or reported, which is all that is kept of it.
        change: what is to be set of the room.
        role: for SET_ROLE, what the user becomes.
    """

    kind: Kind
    by: str
    on: str
    room_id: str | None = None
    reason: str | None = None
    duration_ms: int | None = None
    message_id: str | None = None
    change: AboutChange | None = None
    role: str | None = None

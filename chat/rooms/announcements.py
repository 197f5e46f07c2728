"""What has no place in a room's order: who came and went, how they are, how many, who types."""

import orjson

from chat.protocol.availability import PLAIN
from chat.protocol.events import (
    MemberCount,
    PresenceChanged,
    TypingChanged,
    UserJoined,
    UserLeft,
    encode_event,
)
from chat.protocol.frames import text_frame
from chat.rooms.fan_out import FanOut
from chat.rooms.room import Room
from chat.settings import Settings


class Announcements:
    """Turns what is heard on a room's channel into events for members that read fast enough."""

    def __init__(self, settings: Settings, fan_out: FanOut) -> None:
        self._typing_ttl_ms = int(settings.typing_ttl * 1000)
        self._fan_out = fan_out
        self._large: dict[Room, None] = {}  # rooms whose new count is told with the others

    def heard_join(self, room: Room, payload: bytes) -> None:
        """Somebody came.

        Raises:
            ValueError, KeyError, TypeError: these bytes are nothing of ours.
        """
        count, _, detail = payload.partition(b":")
        room.member_count = int(count)
        about = orjson.loads(detail)
        event = UserJoined(
            roomId=room.room_id,
            userId=about["userId"],
            user=about.get("user"),
            memberCount=room.member_count,
            state=about.get("state"),
            status=about.get("status"),
        )
        self._fan_out.emit_ephemeral(room, encode_event(event))

    def heard_state(self, room: Room, detail: bytes) -> None:
        """Somebody's state or status text is another.

        Raises:
            ValueError, KeyError, TypeError: these bytes are nothing of ours.
        """
        about = orjson.loads(detail)
        event = PresenceChanged(
            roomId=room.room_id,
            userId=about["userId"],
            state=about.get("state", PLAIN.state),
            status=about.get("status"),
        )
        self._fan_out.emit_ephemeral(room, encode_event(event))

    def heard_leave(self, room: Room, payload: bytes) -> None:
        """Somebody left.

        Raises:
            ValueError: these bytes are nothing of ours.
        """
        count, _, detail = payload.partition(b":")
        room.member_count = int(count)
        user_id = orjson.loads(detail)
        event = UserLeft(roomId=room.room_id, userId=user_id, memberCount=room.member_count)
        self._fan_out.emit_ephemeral(room, encode_event(event))

    def heard_count(self, room: Room, payload: bytes) -> None:
        """Somebody came to a large room or left it: the number is told, now and then.

        Raises:
            ValueError: these bytes are nothing of ours.
        """
        room.member_count = int(payload.partition(b":")[0])
        self._large[room] = None

    def heard_typing(self, room: Room, detail: bytes) -> None:
        """Somebody types, or no longer does: tell everybody else.

        Raises:
            ValueError, TypeError: these bytes are nothing of ours.
        """
        user_id, is_typing = orjson.loads(detail)
        event = TypingChanged(
            roomId=room.room_id,
            userId=user_id,
            isTyping=is_typing,
            expiresInMs=self._typing_ttl_ms if is_typing else None,
        )
        frame = text_frame(encode_event(event))
        for member in room.members:
            if member.user_id != user_id:
                member.send_ephemeral(frame)

    def count_is(self, room: Room, member_count: int) -> None:
        """Redis says how many there are: joins and leaves may have been missed."""
        if member_count != room.member_count:
            room.member_count = member_count
            self._large[room] = None

    def forget(self, room: Room) -> None:
        """The room is gone from this process."""
        self._large.pop(room, None)

    def tell_member_counts(self) -> None:
        """Tell large rooms how many they are, if that has changed."""
        large, self._large = self._large, {}
        for room in large:
            if room.member_count != room.member_count_told:
                room.member_count_told = room.member_count
                event = MemberCount(roomId=room.room_id, memberCount=room.member_count)
                self._fan_out.emit_ephemeral(room, encode_event(event))

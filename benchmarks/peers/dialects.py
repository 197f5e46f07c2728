"""What the client sends to each peer and waits for: requests, frames, and who gets a message.

Every delivery carries `"content":"T<time>`, by which the client finds the time in it.
"""

import json
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.swarm import Plan, Step, plan
from benchmarks.wire import STAMP, KeepAlive, command_frame, opening_handshake
from loadtest.wire import text_frame

#: Bytes of content of every message, the stamp included.
CONTENT_BYTES = 64
_CONTENT = STAMP + "x" * (CONTENT_BYTES - len(STAMP))
_ENGINE_IO_TARGET = "/socket.io/?EIO=4&transport=websocket"
_CHAT_MESSAGE = "chat_message"


class Dialect(NamedTuple):
    """One protocol, from the client's side.

    Attributes:
        join: plans a connection of a user to a port that becomes a member of a room.
        publish: the frame that a user sends to publish in a room.
        echoes: whether the sender receives its own message too.
        keepalive: texts of the protocol's own pings; None where it has the pings of WebSocket.
    """

    join: Callable[[int, str, str], Plan]
    publish: Callable[[str, str], bytes]
    echoes: bool = True
    keepalive: KeepAlive | None = None

    def receipts(self, room_size: int) -> int:
        """Return how many deliveries a message in a room of this size causes."""
        return room_size if self.echoes else room_size - 1


def _publish_command(_: str, room_id: str) -> bytes:
    return command_frame({"type": _CHAT_MESSAGE, "roomId": room_id, "content": _CONTENT})


def _join_node(port: int, user_id: str, room_id: str) -> Plan:
    join = command_frame({"type": "join_room", "roomId": room_id})
    steps = (Step(b'"type":"connected"', join), Step(b'"type":"room_joined"'))
    return Plan(port, opening_handshake(port, f"/?userId={user_id}"), steps, room_id)


def _join_socketio(port: int, user_id: str, room_id: str) -> Plan:
    # Engine.IO opens ("0"), Socket.IO connects to its namespace ("40"), event 0 is acknowledged.
    steps = (
        Step(b'0{"sid"', text_frame(b"40" + _compact({"userId": user_id}))),
        Step(b'40{"sid"', text_frame(b"420" + _compact(["join_room", room_id]))),
        Step(b"430["),
    )
    return Plan(port, opening_handshake(port, _ENGINE_IO_TARGET), steps, room_id)


def _publish_socketio(_: str, room_id: str) -> bytes:
    message = {"roomId": room_id, "content": _CONTENT}
    return text_frame(b"42" + _compact([_CHAT_MESSAGE, message]))


def _join_by_target(port: int, user_id: str, room_id: str) -> Plan:
    target = f"/{room_id}?userId={user_id}"
    return Plan(port, opening_handshake(port, target), room_id=room_id)


def _publish_delivery(user_id: str, room_id: str) -> bytes:
    """A relay adds nothing, so the client sends what the other servers deliver."""
    return command_frame(
        {
            "type": _CHAT_MESSAGE,
            "roomId": room_id,
            "userId": user_id,
            "content": _CONTENT,
            "timestamp": 1795489200000,
            "messageId": "msg_00000000-0000-4000-8000-000000000000",
        }
    )


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


CHAT = Dialect(plan, _publish_command)
NODE = Dialect(_join_node, _publish_command, echoes=False)
SOCKET_IO = Dialect(_join_socketio, _publish_socketio, keepalive=KeepAlive(b"2", b"3"))
RELAY = Dialect(_join_by_target, _publish_delivery)

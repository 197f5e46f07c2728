"""python-socketio with its Redis manager, WebSocket only, for uvicorn: `socketio_server:app`.

Runs in an environment of its own, see `benchmarks/peers/install.py`. REDIS_URL is its environment.
"""

import os
import time
import uuid

import socketio

server = socketio.AsyncServer(
    async_mode="asgi",
    client_manager=socketio.AsyncRedisManager(os.environ["REDIS_URL"]),
    transports=["websocket"],
)
app = socketio.ASGIApp(server)
users: dict[str, str] = {}


@server.event
async def connect(sid, _environ, auth):
    """Remember who it says it is."""
    users[sid] = auth["userId"]


@server.event
async def disconnect(sid):
    """Forget it."""
    del users[sid]


@server.event
async def join_room(sid, room_id):
    """Join; what this returns is the acknowledgement."""
    await server.enter_room(sid, room_id)


@server.event
async def chat_message(sid, message):
    """Send to all in the room, the sender too."""
    room_id = message["roomId"]
    delivery = {
        "roomId": room_id,
        "userId": users[sid],
        "content": message["content"],
        "timestamp": int(time.time() * 1000),
        "messageId": f"msg_{uuid.uuid4()}",
    }
    await server.emit("chat_message", delivery, room=room_id)

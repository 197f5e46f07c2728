"""Files on their way to the server, over HTTP; a message then brings them along.

The standard library's client does it, in a thread: nothing else has to be installed. It knows no
proxy.
"""

import asyncio
import http.client
import io
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, urlencode, urlsplit

from msgspec import DecodeError, Struct, json

from chat.client.errors import ChatError, ConnectionLostError, refusal
from chat.client.events import Attachment
from chat.client.options import Options
from chat.client.tokens import Tokens

#: Hears how many bytes of how many are sent.
Progress = Callable[[int, int], None]

_CHUNK_BYTES = 65536
_MAX_ANSWER_BYTES = 65536
_CREATED = 201


class _Problem(Struct, rename="camel"):
    code: str = "internal"
    detail: str = "the server did not take the file"
    retry_after_ms: int | None = None


class Uploads:
    """Uploads files as the client's user.

    Args:
        url: of the WebSocket; the HTTP side is on the same host, unless the options say where.
        tokens: where tokens come from.
        options: address, patience, TLS.
    """

    def __init__(self, url: str, tokens: Tokens, options: Options) -> None:
        parts = urlsplit(options.http or url)
        self._is_secure = parts.scheme in ("wss", "https")
        self._host, self._port = parts.hostname or "", parts.port
        self._tokens = tokens
        self._options = options

    async def upload(
        self, room_id: str, file: bytes | Path, name: str | None, on_progress: Progress | None
    ) -> Attachment:
        """Upload one file; see `Room.upload`."""
        token = await self._tokens.get()
        called = name or (file.name if isinstance(file, Path) else "")
        target = f"/api/v1/rooms/{quote(room_id, safe='')}/files?{urlencode({'name': called})}"
        loop = asyncio.get_running_loop()

        def progressed(sent: int, total: int) -> None:
            if on_progress is not None:
                loop.call_soon_threadsafe(on_progress, sent, total)

        source = await asyncio.to_thread(_opened, file)
        connection = self._connection()
        work = asyncio.to_thread(_send, connection, target, token, source, progressed)
        try:
            status, body = await work
        except asyncio.CancelledError:
            _hang_up(connection)
            raise
        except (OSError, http.client.HTTPException) as exc:
            raise ConnectionLostError(f"the upload broke off: {exc}") from exc
        if status == _CREATED:
            return json.decode(body, type=Attachment)
        raise _refused(status, body, room_id)

    def _connection(self) -> http.client.HTTPConnection:
        timeout_s = self._options.answer_timeout_s
        if not self._is_secure:
            return http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
        context = self._options.ssl or ssl.create_default_context()
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=timeout_s, context=context
        )


def _send(
    connection: http.client.HTTPConnection,
    target: str,
    token: str,
    source: BinaryIO,
    progressed: Progress,
) -> tuple[int, bytes]:
    """Send a request and return status and body of the answer. Blocks."""
    with closing(connection), source:
        total = source.seek(0, os.SEEK_END)
        source.seek(0)
        headers = {"Authorization": f"Bearer {token}", "Content-Length": str(total)}
        chunks = _chunks(source, total, progressed)
        connection.request("POST", target, body=chunks, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(_MAX_ANSWER_BYTES)


def _opened(file: bytes | Path) -> BinaryIO:
    return io.BytesIO(file) if isinstance(file, bytes) else file.open("rb")


def _chunks(source: BinaryIO, total: int, progressed: Progress) -> Iterator[bytes]:
    sent = 0
    while chunk := source.read(_CHUNK_BYTES):
        yield chunk
        sent += len(chunk)
        progressed(sent, total)


def _hang_up(connection: http.client.HTTPConnection) -> None:
    """End the thread that waits for this connection."""
    if connection.sock is not None:
        with suppress(OSError):  # it has ended by itself
            connection.sock.shutdown(socket.SHUT_RDWR)


def _refused(status: int, body: bytes, room_id: str) -> ChatError:
    try:
        problem = json.decode(body, type=_Problem)
    except DecodeError:  # a proxy's own refusal
        code = "file_too_large" if status == http.client.REQUEST_ENTITY_TOO_LARGE else "internal"
        problem = _Problem(code=code, detail=f"the server answered {status}")
    return refusal(
        problem.code, problem.detail, room_id=room_id, retry_after_ms=problem.retry_after_ms
    )

"""One HTTP/1.1 request over TLS, from a loopback address of choice."""

import asyncio
import ssl

from tests.front.hanging_up import hang_up
from tests.support.http import Response

TIMEOUT_S = 30.0


async def ask(
    port: int,
    path: str,
    *,
    tls: ssl.SSLContext | None,
    headers: dict[str, str] | None = None,
    method: str = "GET",
    source: str = "127.0.0.1",
) -> Response:
    """Send one request and read the whole answer."""
    fields = {"Host": "127.0.0.1", "Connection": "close"} | (headers or {})
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {text}" for name, text in fields.items())]
    async with asyncio.timeout(TIMEOUT_S):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=tls, local_addr=(source, 0)
        )
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode())
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError as exc:
                raise ConnectionError("closed without an answer") from exc
            status_line, *rest = head.decode("latin-1").rstrip().split("\r\n")
            pairs = (field.partition(":") for field in rest)
            answered = {name.lower(): value.strip() for name, _, value in pairs}
            # Not to the end of the connection: HAProxy from 3.0 on waits there for a body that
            # it has refused.
            size = int(answered.get("content-length", -1))
            body = await (reader.read(-1) if size < 0 else reader.readexactly(size))
        finally:
            await hang_up(writer)
    return Response(int(status_line.split()[1]), answered, body.decode(errors="replace"))

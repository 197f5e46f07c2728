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
            head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
        finally:
            await hang_up(writer)
    if not head:
        raise ConnectionError("closed without an answer")
    status_line, *rest = head.decode("latin-1").split("\r\n")
    pairs = (field.partition(":") for field in rest)
    return Response(
        int(status_line.split()[1]),
        {name.lower(): value.strip() for name, _, value in pairs},
        body.decode(errors="replace"),
    )

"""A request in a few lines: no library, no connection reuse."""

import asyncio
from typing import NamedTuple

from tests.support.waiting import DEFAULT_TIMEOUT_S


class Response(NamedTuple):
    """Status, headers with lower-case names, and the body as text."""

    status: int
    headers: dict[str, str]
    body: str


async def get(
    port: int,
    path: str,
    *,
    host: str = "127.0.0.1",
    headers: dict[str, str] | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> Response:
    """Fetch a path from a loopback server; raises as `request` does."""
    return await request("GET", port, path, host=host, headers=headers, timeout_s=timeout_s)


class Answer(NamedTuple):
    """Status, headers with lower-case names, and the body as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


async def request(
    method: str,
    port: int,
    path: str,
    *,
    host: str = "127.0.0.1",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> Response:
    """Send a request to a loopback server and return its answer; raises as `exchange` does."""
    answer = await exchange(
        method, port, path, host=host, headers=headers, body=body, timeout_s=timeout_s
    )
    return Response(answer.status, answer.headers, answer.body.decode(errors="replace"))


async def exchange(
    method: str,
    port: int,
    path: str,
    *,
    host: str = "127.0.0.1",
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> Answer:
    """As `request`, for answers that are no text.

    Raises:
        OSError: nobody listens, or the connection broke.
        TimeoutError: no complete answer in time.
    """
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}:{port}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    async with asyncio.timeout(timeout_s):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
        finally:
            writer.close()
    status_line, *fields = head.decode("latin-1").split("\r\n")
    if not status_line:
        raise ConnectionError("the server closed the connection without an answer")
    pairs = (field.partition(":") for field in fields)
    return Answer(
        int(status_line.split()[1]),
        {name.lower(): value.strip() for name, _, value in pairs},
        body,
    )

"""Ending a connection for certain: a TLS goodbye may take longer than the test."""

import asyncio


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Cut a connection and let the loop drop it now."""
    writer.transport.abort()
    for _ in range(3):  # TLS, then TCP, then the streams on top
        await asyncio.sleep(0)

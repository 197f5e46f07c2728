"""Ending a process that this one has started."""

import asyncio
import contextlib
import signal


async def end(process: asyncio.subprocess.Process | None, timeout_s: float) -> bool:
    """Ask a process to end and wait for that; one that takes too long is killed.

    Returns:
        Whether it had to be killed.
    """
    if process is None or process.returncode is not None:
        return False
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(timeout_s):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return True
    return False

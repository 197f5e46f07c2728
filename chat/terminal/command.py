"""`chat join`: from arguments to an exit code."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping

from chat.client import Client
from chat.ops.signals import drain_on
from chat.terminal.lines import lines
from chat.terminal.screen import Screen
from chat.terminal.session import Exit, Session, Stop, Visit
from chat.terminal.tokens import token_source


def join(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Visit a room and return the exit code."""
    try:
        client = Client(options.url, token_source(options, environ))
    except ValueError as exc:
        sys.stderr.write(f"chat: {exc}\n")
        return 2
    logging.basicConfig(handlers=[logging.NullHandler()])  # states are shown, warnings repeat them
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    code = asyncio.run(_join(options, client))
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


async def _join(options: argparse.Namespace, client: Client) -> Exit:
    visit = Visit(
        room_id=options.room,
        json=options.json,
        history=options.history,
        wait_s=options.wait,
    )
    stop = Stop()
    screen = Screen(json=visit.json, out=sys.stdout, err=sys.stderr, on_unread=stop.wanted.set)
    typed = _silence() if options.listen else lines(sys.stdin.fileno())
    with drain_on((signal.SIGINT, signal.SIGTERM), stop.tell):
        async with client:
            return await Session(visit, client, screen, stop).run(typed)


async def _silence() -> AsyncIterator[str]:
    """Yield nothing, for ever."""
    await asyncio.Event().wait()
    yield ""

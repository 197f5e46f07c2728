"""`chat front`: HAProxy's servers file, and its runtime API by hand."""

import argparse
import asyncio
import socket
import sys

from chat.front.address import AddressError, parse
from chat.front.file import replace
from chat.front.registered import reachable
from chat.front.runtime import RuntimeApi, RuntimeApiError
from chat.front.servers import ServersError, addresses_of, render
from chat.nodes.living import NodesError, living, open_registry
from chat.settings import SLOT, Settings, SettingsError

DEFAULT_API = "127.0.0.1:8090"


class FileError(Exception):
    """The servers file cannot be written; the text says why."""


def front(options: argparse.Namespace, settings: Settings) -> int:
    """Run the chosen action; return the exit code.

    Raises:
        SettingsError: the addresses are wrong.
    """
    try:
        if options.action == "servers":
            _servers(options, settings)
        else:
            _ask(options, RuntimeApi(options.socket))
    except (RuntimeApiError, NodesError, FileError) as exc:
        sys.stderr.write(f"chat: {exc}\n")
        return 1
    return 0


# -------------------------------------------------------------------- servers


def _servers(options: argparse.Namespace, settings: Settings) -> None:
    try:
        text = render(_workers(options, settings), options.api or [DEFAULT_API])
    except ServersError as exc:
        raise SettingsError(f"The servers of HAProxy: {exc}.") from exc
    if options.output is None:
        sys.stdout.write(text)
        return
    try:
        is_changed = replace(options.output, text)
    except OSError as exc:
        raise FileError(f"{options.output} cannot be written: {exc.strerror}.") from exc
    sys.stdout.write("changed\n" if is_changed else "unchanged\n")


def _workers(options: argparse.Namespace, settings: Settings) -> list[str]:
    if not options.registered:
        return _given(options, settings)
    if options.slots:
        raise ServersError("--slots goes with a pattern and not with --registered")
    return asyncio.run(_registered(settings))


async def _registered(settings: Settings) -> list[str]:
    async with open_registry(settings) as registry:
        nodes = await living(registry, settings)
    addresses = reachable(nodes, socket.gethostname())
    if not addresses:  # a Redis that has just lost its data must not take all servers away
        raise NodesError("No worker that a HAProxy on this host could reach is registered.")
    return addresses


def _given(options: argparse.Namespace, settings: Settings) -> list[str]:
    slots = options.slots or settings.workers
    texts = options.workers or [settings.worker_sockets]
    if texts == [""]:
        raise ServersError("none are given, CHAT_WORKER_SOCKETS is empty, and no --registered")
    workers: list[str] = []
    for text in texts:
        workers += addresses_of(text, slots) if SLOT in text else [text]
    return workers


# ---------------------------------------------------------------- runtime API


def _ask(options: argparse.Namespace, api: RuntimeApi) -> None:
    if options.action == "state":
        sys.stdout.write(_table(api))
    elif options.action == "drain":
        api.drain(_server_name(options.worker))
    else:
        api.ready(_server_name(options.worker))


def _server_name(text: str) -> str:
    """Return the name of the server that an address, or a name, means."""
    try:
        return parse(text).name
    except AddressError:
        return text


def _table(api: RuntimeApi) -> str:
    rows = [("BACKEND", "SERVER", "STATUS", "CONNECTIONS", "CHECK", "ADDRESS")]
    rows += [
        (one.backend, one.name, one.status, str(one.connections), one.check, one.address)
        for one in api.servers()
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "".join(line.rstrip() + "\n" for line in lines)

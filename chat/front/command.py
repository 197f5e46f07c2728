"""`chat front`: HAProxy's servers file, and its runtime API by hand."""

import argparse
import sys

from chat.front.runtime import RuntimeApi, RuntimeApiError
from chat.front.servers import SLOT, ServersError, addresses_of, render
from chat.settings import Settings, SettingsError

DEFAULT_API = "127.0.0.1:8090"


def front(options: argparse.Namespace, settings: Settings) -> int:
    """Run the chosen action; return the exit code.

    Raises:
        SettingsError: the addresses of the workers are wrong.
    """
    if options.action == "servers":
        sys.stdout.write(_servers(options, settings))
        return 0
    api = RuntimeApi(options.socket)
    try:
        if options.action == "state":
            sys.stdout.write(_table(api))
        elif options.action == "drain":
            api.drain(options.worker)
        else:
            api.ready(options.worker)
    except RuntimeApiError as exc:
        sys.stderr.write(f"chat: {exc}\n")
        return 1
    return 0


def _servers(options: argparse.Namespace, settings: Settings) -> str:
    slots = options.slots or settings.workers
    workers: list[str] = []
    try:
        for text in options.workers or [settings.worker_sockets]:
            workers += addresses_of(text, slots) if SLOT in text else [text]
        return render(workers, options.api or [DEFAULT_API])
    except ServersError as exc:
        raise SettingsError(f"The servers of HAProxy: {exc}.") from exc


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

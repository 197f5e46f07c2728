"""A real process that behaves as a worker does towards its supervisor, or misbehaves on demand.

It greets each TCP connection with its process id. How it behaves stands in a file that is read
at start: `ready`, `never_ready`, `crash`, `wrong_settings`, `stubborn` (ignores SIGTERM).
"""

import argparse
import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

from chat.ops.reports import Report, State
from chat.ops.stats import Stats
from chat.supervisor.control import ControlChannel

REPORT_INTERVAL_S = 0.05


async def serve(options: argparse.Namespace, behaviour: str) -> int:
    ended = asyncio.Event()
    control = ControlChannel.from_fd(options.control_fd)
    control.start(on_eof=ended.set)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(
        signal.SIGTERM, (lambda: None) if behaviour == "stubborn" else ended.set
    )
    stats = Stats()

    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stats.connections_opened += 1
        writer.write(f"{os.getpid()}\n".encode())
        writer.close()

    def report(state: State) -> None:
        control.send(
            Report(
                worker_id=f"fake-{os.getpid()}",
                pid=os.getpid(),
                slot=options.slot,
                version="fake",
                state=state,
                reasons=["it never is"] if state == "not_ready" else [],
                stats=stats.snapshot(),
            )
        )

    servers = [
        await asyncio.start_server(greet, sock=socket.socket(fileno=fd)) for fd in options.listen_fd
    ]
    while not ended.is_set():
        report("not_ready" if behaviour == "never_ready" else "ready")
        try:
            async with asyncio.timeout(REPORT_INTERVAL_S):
                await ended.wait()
        except TimeoutError:
            continue
    for server in servers:
        server.close()
    report("draining")
    for _ in range(20):  # whoever was accepted until now is greeted, some rounds of the loop later
        await asyncio.sleep(0.0025)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("behaviour", type=Path)
    parser.add_argument("--listen-fd", type=int, action="append")
    parser.add_argument("--control-fd", type=int)
    parser.add_argument("--slot", type=int)
    options = parser.parse_args()
    behaviour = options.behaviour.read_text()
    if behaviour == "crash":
        return 3
    if behaviour == "wrong_settings":
        print("chat: CHAT_X is wrong.", file=sys.stderr)
        return 78
    return asyncio.run(serve(options, behaviour))


if __name__ == "__main__":
    sys.exit(main())

"""An agent that speaks the contract and plays no client: `python -m tests.loadtest.scripted_agent`.

The mode says what it does wrong: `well`, `refuse`, `vanish` (in the hold), `silent` (never says
another word, and does not finish), `garbage`, `late` (slow deliveries), `unconnected`, `lossy`.
"""

import argparse
import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hdrh.histogram import HdrHistogram
from msgspec import json

from loadtest.control import (
    Assignment,
    Challenge,
    ClockAnswer,
    ClockProbe,
    Counts,
    Finished,
    Hello,
    Histograms,
    Phase,
    Progress,
    Proof,
    Ready,
    Start,
    Stop,
    ToAgent,
    Welcome,
)
from loadtest.joining import VARIABLE, digest

TICK_S = 0.1
_PER_TICK = 10


class Agent:
    """One connection to a coordinator, and the story it tells."""

    def __init__(self, mode: str, address: tuple[str, int], secret: str) -> None:
        self.mode = mode
        self.secret = secret
        self.connection = socket.create_connection(address)
        self.decoder = json.Decoder(ToAgent)
        self.buffer = b""
        self.phase = "connect"
        self.clients = 0
        self.started = False
        self.sent = 0

    def say(self, message: Any) -> None:
        self.connection.sendall(json.encode(message) + b"\n")

    def run(self) -> int:
        self.say(
            Hello(
                host="scripted",
                pid=os.getpid(),
                boot_id=Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
                descriptors=20000,
                version="0",
            )
        )
        next_s = time.monotonic()
        while True:
            self.connection.settimeout(max(0.001, next_s - time.monotonic()))
            for message in self.heard():
                if message is None or self.take(message):
                    return 0
            if time.monotonic() >= next_s:
                next_s += TICK_S
                if self.started and self.mode != "silent":
                    self.report()

    def heard(self) -> Iterator[Any]:
        with contextlib.suppress(TimeoutError):
            data = self.connection.recv(65536)
            if not data:
                yield None
                return
            self.buffer += data
        *lines, self.buffer = self.buffer.split(b"\n")
        yield from (self.decoder.decode(line) for line in lines)

    def take(self, message: Any) -> bool:
        """Answer, and return whether it is over."""
        match message:
            case Challenge():
                self.say(Proof(digest=digest(self.secret, message.nonce)))
            case ClockProbe():
                now_ns = time.monotonic_ns()
                self.say(ClockAnswer(sent_ns=message.sent_ns, agent_ns=now_ns))
            case Assignment():
                self.clients = message.clients
                self.say(Ready(refusal="it is Sunday" if self.mode == "refuse" else None))
            case Start():
                self.started = True
            case Phase():
                self.phase = message.name
            case Stop() if self.mode != "silent":
                self.report()
                behind = 7 if self.mode == "lossy" else 9
                heads = {"load-1": (9, behind, 2), "load-2": (3, 0, 0)}
                self.say(Finished(counts=self.counts(), heads=heads))
                return True
            case Welcome() | Stop():
                pass
        return False

    def report(self) -> None:
        if self.phase == "hold" and self.mode == "vanish":
            os._exit(3)
        if self.phase == "hold" and self.mode == "garbage":
            self.connection.sendall(b"{}\n")
        histograms = Histograms()
        if self.phase in ("warm_up", "hold"):
            self.sent += _PER_TICK
            # What the warm-up measures is terrible, and must not be judged.
            us = 900_000 if self.phase == "warm_up" or self.mode == "late" else 4_000
            histograms = Histograms(delivery=encoded(us), send_lag=encoded(100))
        self.say(
            Progress(
                at_ns=time.monotonic_ns(),
                phase=self.phase,
                counts=self.counts(),
                histograms=histograms,
                cpu_s=time.process_time(),
                rss_kib=1000,
                loop_lag_ms=1.0,
            )
        )

    def counts(self) -> Counts:
        connected = 0 if self.mode == "unconnected" else self.clients
        return Counts(
            connected=connected,
            opened=connected,
            failed=self.clients - connected,
            messages_due=self.sent,
            messages_sent=self.sent,
            messages_acked=self.sent,
            deliveries=10 * self.sent,
            closes={} if connected else {"ECONNREFUSED": self.clients},
        )


def encoded(us: int) -> str:
    """Return a histogram of ten equal latencies."""
    histogram = HdrHistogram(1, 120_000_000, 3)
    histogram.record_value(us, 10)
    text: bytes = histogram.encode()
    return text.decode()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("mode")
    parser.add_argument("--join", required=True)
    options = parser.parse_args()
    host, _, port = options.join.rpartition(":")
    raise SystemExit(Agent(options.mode, (host, int(port)), os.environ[VARIABLE]).run())

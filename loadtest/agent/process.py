"""An agent: dials the coordinator, proves the secret, and does as it is told until it is done."""

import os
import resource
import socket
import sys
import time
from pathlib import Path

from chat import __version__
from loadtest.agent.dialer import Dialer, TargetError
from loadtest.agent.engine import Engine
from loadtest.agent.line import Line, LostError
from loadtest.agent.tokens import TokensError, find_tokens
from loadtest.control import (
    Assignment,
    Challenge,
    ClockAnswer,
    ClockProbe,
    Hello,
    Phase,
    Proof,
    Ready,
    Start,
    Stop,
    ToAgent,
    Welcome,
)
from loadtest.environment import boot_id
from loadtest.joining import digest

#: Descriptors that are not connections: standard streams, the epoll, the coordinator, a margin.
RESERVED_DESCRIPTORS = 64
_PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FAREWELL_S = 5.0
DONE, REFUSED, LOST = 0, 2, 3


def run_agent(host: str, port: int, secret: str) -> int:
    """Take part in one test.

    Args:
        host: of the coordinator.
        port: of the coordinator.
        secret: the join secret.

    Returns:
        Exit code: 0 done, 2 refused (by the coordinator, or the share cannot be done here), 3 the
        coordinator cannot be reached or was lost. Why is on standard error.
    """
    try:
        line = Line.dial(host, port)
    except OSError as exc:
        print(f"The coordinator at {host}:{port} cannot be reached: {exc}.", file=sys.stderr)
        return LOST
    with line:
        try:
            return _Agent(line, secret).run()
        except LostError as exc:
            print(f"The coordinator at {host}:{port} was lost: {exc}.", file=sys.stderr)
            return LOST


class _Agent:
    def __init__(self, line: Line, secret: str) -> None:
        self._line = line
        self._secret = secret
        self._welcome = False
        self._refused = False
        self._engine: Engine | None = None

    def run(self) -> int:
        line = self._line
        line.send(_hello(raise_descriptor_limit()))
        try:
            while self._engine is None:
                line.wait(1.0)
                self._obey()
                if self._refused:
                    line.finish(_FAREWELL_S)
                    return REFUSED
                if line.closed and not self._welcome:
                    print("The coordinator does not accept the join secret.", file=sys.stderr)
                    return REFUSED
                line.check()
            return self._work(self._engine)
        finally:
            if self._engine is not None:
                self._engine.close()

    def _work(self, engine: Engine) -> int:
        line = self._line
        engine.swarm.watch(line.fileno(), line.receive)
        while not engine.finished:
            engine.turn()
            self._obey()
            for report in engine.reports():
                line.send(report)
            line.check()
        line.send(engine.report())
        line.send(engine.last_word())
        line.finish(_FAREWELL_S)
        return DONE

    def _obey(self) -> None:
        for order in self._line.orders():
            self._do(order)

    def _do(self, order: ToAgent) -> None:
        engine = self._engine
        match order:
            case Challenge(nonce=nonce):
                self._line.send(Proof(digest=digest(self._secret, nonce)))
            case Welcome():
                self._welcome = True
            case ClockProbe(sent_ns=sent_ns):
                self._line.send(ClockAnswer(sent_ns=sent_ns, agent_ns=time.monotonic_ns()))
            case Assignment() if engine is None:
                self._prepare(order)
            case Start(at_ns=at_ns) if engine is not None:
                engine.start(at_ns)
            case Phase() if engine is not None:
                engine.begin(order)
            case Stop(drain_s=drain_s) if engine is not None:
                engine.stop(drain_s)
            case _:
                raise LostError(f"it said {type(order).__name__} out of turn")

    def _prepare(self, assignment: Assignment) -> None:
        scenario = assignment.scenario
        refusal = too_many(assignment)
        if refusal is None:
            try:
                dialer = Dialer(assignment.target)
                tokens = find_tokens(
                    os.environ,
                    scenario.rooms.prefix,
                    scenario.tokens.ttl_s,
                    assignment.first_client,
                    assignment.clients,
                )
            except (TargetError, TokensError) as exc:
                refusal = str(exc)
            else:
                self._engine = Engine(assignment, dialer, tokens)
        if refusal is not None:
            self._refused = True
            print(refusal, file=sys.stderr)
        self._line.send(Ready(refusal=refusal))


def too_many(assignment: Assignment) -> str | None:
    """Return why this process cannot hold so many connections, None if it can."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if assignment.clients > limit - RESERVED_DESCRIPTORS:
        return (
            f"{limit} descriptors are enough for {max(0, limit - RESERVED_DESCRIPTORS)} clients, "
            f"not for {assignment.clients}: use more agents, or raise the limit (ulimit -Hn)."
        )
    lowest, highest = map(int, _PORT_RANGE.read_text().split())
    sources = max(1, len(assignment.target.source_addresses))
    ports = sources * (highest - lowest + 1)
    if assignment.clients > ports:
        return (
            f"{sources} source addresses have {ports} ports, not enough for {assignment.clients} "
            f"clients: use more addresses, or widen net.ipv4.ip_local_port_range."
        )
    return None


def raise_descriptor_limit() -> int:
    """Raise the limit of open files as far as it goes, and return it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def _hello(descriptors: int) -> Hello:
    return Hello(
        host=socket.gethostname(),
        pid=os.getpid(),
        boot_id=boot_id(),
        descriptors=descriptors,
        version=__version__,
    )

"""The canaries' process: orders on standard input, answers on standard output.

A process of their own: an agent is one epoll without an asyncio loop, and what the SDK takes must
not be in the agents' figures.
"""

import asyncio
import os
import sys
from contextlib import AsyncExitStack

from msgspec import json

from loadtest.agent.dialer import TargetError
from loadtest.agent.tokens import TokensError, find_tokens
from loadtest.canaries.flock import Flock
from loadtest.canaries.orders import Finish, FromCanaries, Job, Report, ToCanaries
from loadtest.control import Phase, Ready, Start

LINE_LIMIT = 1 << 26  # the heads of a million rooms
_decoder: json.Decoder[ToCanaries] = json.Decoder(ToCanaries)
DONE, REFUSED, LOST = 0, 2, 3


def main() -> int:
    """Take part in one test; return 0 done, 2 refused, 3 the coordinator is gone."""
    return asyncio.run(_serve())


async def _serve() -> int:
    orders = await _standard_input()
    first = await orders.readline()
    job = _decoder.decode(first) if first else None
    if not isinstance(job, Job):
        return LOST
    async with AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        try:
            flock = await _flock(job, tasks, stack)
        except (OSError, TargetError, TokensError) as exc:
            _say(Ready(refusal=f"Canaries: {exc}"))
            return REFUSED
        _say(Ready())
        while line := await orders.readline():
            match _decoder.decode(line):
                case Start(at_ns=at_ns):
                    flock.start(at_ns)
                case Phase() as phase:
                    flock.begin(phase)
                case Finish(heads=heads, patience_s=patience_s):
                    _say(Report(facts=await flock.finish(heads, patience_s)))
                    return DONE
                case Job():
                    break
        flock.abandon()
        return LOST


async def _flock(job: Job, tasks: asyncio.TaskGroup, stack: AsyncExitStack) -> Flock:
    scenario = job.scenario
    tokens = find_tokens(
        os.environ,
        scenario.rooms.prefix,
        scenario.tokens.ttl_s,
        scenario.connections.count,
        scenario.canaries.count,
    )
    flock = Flock(job, tokens, tasks, stack)
    await flock.prepare()
    return flock


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=LINE_LIMIT)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _say(message: FromCanaries) -> None:
    sys.stdout.buffer.write(json.encode(message) + b"\n")
    sys.stdout.buffer.flush()

"""The worker's end of the control channel over a real socket pair."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from chat.ops.reports import Report, ReportError, decode_report
from chat.ops.stats import Stats
from chat.supervisor.control import ControlChannel
from tests.support.waiting import until


def report(number: int) -> Report:
    return Report(
        worker_id=f"w{number}",
        pid=1,
        slot=0,
        version="1",
        state="ready",
        reasons=["ünïcode"],
        stats=Stats().snapshot(),
    )


@pytest.fixture
def pair() -> Iterator[tuple[ControlChannel, socket.socket]]:
    theirs, ours = socket.socketpair()
    channel = ControlChannel(theirs)
    yield channel, ours
    channel.close()
    ours.close()


def test_a_report_arrives_as_it_was_sent(pair: tuple[ControlChannel, socket.socket]) -> None:
    channel, supervisor = pair
    assert channel.send(report(1))
    assert decode_report(supervisor.makefile("rb").readline()) == report(1)


def test_a_full_channel_never_blocks_and_what_arrives_is_whole_and_in_order(
    pair: tuple[ControlChannel, socket.socket],
) -> None:
    channel, supervisor = pair
    sent = [number for number in range(2000) if channel.send(report(number))]
    assert len(sent) < 2000
    supervisor.settimeout(20.0)
    reader = supervisor.makefile("rb")
    got = [int(decode_report(reader.readline()).worker_id[1:]) for _ in sent[:-1]]
    assert channel.send(report(9999)), "there is room again"
    got += [int(decode_report(reader.readline()).worker_id[1:]) for _ in range(2)]
    assert got == [*sent, 9999]


async def test_the_end_of_the_supervisor_is_told_once(
    pair: tuple[ControlChannel, socket.socket],
) -> None:
    channel, supervisor = pair
    told: list[bool] = []
    channel.start(lambda: told.append(True))
    supervisor.send(b"something a newer supervisor may say\n")
    await asyncio.sleep(0)
    supervisor.close()
    await until(lambda: told)
    assert told == [True]
    assert channel.send(report(1)), "a report after the end is harmless"


def test_what_is_no_report_is_an_error_of_its_own() -> None:
    for line in (b"", b"{}\n", b"not json\n", b'{"worker_id": 1}\n', b"\xff\n"):
        with pytest.raises(ReportError):
            decode_report(line)

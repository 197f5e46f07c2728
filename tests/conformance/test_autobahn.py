"""The Autobahn cases against the gateway, in a process of its own on uvloop."""

import pytest
from kosoku import FailureError, run_fuzzingclient

from tests.conformance.conftest import StartEcho

pytestmark = [pytest.mark.conformance, pytest.mark.slow, pytest.mark.timeout(600)]

#: 9: size and speed, up to 16 MiB; 12 and 13: compression, off by default.
LIMITS = ["9.*"]
COMPRESSION = ["12.*", "13.*"]
#: The package leaves its own test data files to the garbage collector.
UNCLOSED = "ignore:unclosed file .*testdata:ResourceWarning"


async def failures(port: int, *, run: list[str] | None = None, leave_out: list[str]) -> list[str]:
    """Run cases and return a line for each that is not OK, NON-STRICT or INFORMATIONAL."""
    try:
        results = await run_fuzzingclient(
            f"ws://127.0.0.1:{port}", cases=run, exclude_cases=leave_out
        )
    except FailureError as exc:
        return [
            f"{case.case_id}: {case.behavior.value}, close {case.behavior_close.value}: "
            f"{case.result} {case.result_close}"
            for case in exc.results
            if not case.passed
        ]
    assert results
    return []


async def test_every_autobahn_case_passes(echo: StartEcho) -> None:
    assert await failures(echo(), leave_out=LIMITS + COMPRESSION) == []


async def test_every_case_passes_with_compression_negotiable(echo: StartEcho) -> None:
    assert await failures(echo(compression=True), leave_out=LIMITS + COMPRESSION) == []


async def test_messages_up_to_16_mib_pass(echo: StartEcho) -> None:
    assert await failures(echo(), run=LIMITS, leave_out=[]) == []


@pytest.mark.filterwarnings(UNCLOSED)
async def test_compressed_messages_pass(echo: StartEcho) -> None:
    assert await failures(echo(compression=True), run=["12.1.*"], leave_out=[]) == []


@pytest.mark.filterwarnings(UNCLOSED)
async def test_every_way_to_negotiate_compression_passes(echo: StartEcho) -> None:
    run = [f"13.{offer}.{size}" for offer in range(1, 8) for size in (1, 6, 12)]
    assert await failures(echo(compression=True), run=run, leave_out=[]) == []

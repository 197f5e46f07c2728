"""What a worker tells its supervisor once a second, as one line of JSON."""

from typing import Any, Literal

from msgspec import DecodeError, Struct, json

State = Literal["starting", "ready", "not_ready", "draining"]


class ReportError(Exception):
    """A line on a control channel is not a report."""


class Report(Struct, frozen=True, kw_only=True):
    """The state of one worker, with all its counters.

    Args:
        worker_id: unique across hosts and restarts.
        pid: process id on this machine.
        slot: number of its place under the supervisor, 0 when it runs alone.
        version: version of the program it runs.
        state: whether it takes connections.
        reasons: why it is not ready, one sentence each.
        stats: `Stats.snapshot()`.
    """

    worker_id: str
    pid: int
    slot: int
    version: str
    state: State
    reasons: list[str]
    stats: dict[str, Any]


def worker_entry(
    slot: int, pid: int | None, state: str, *, ready: bool, report: Report | None = None
) -> dict[str, Any]:
    """Return a worker's entry of /readyz: the same keys alone, under a supervisor, and dead."""
    return {
        "slot": slot,
        "pid": pid,
        "workerId": report.worker_id if report else None,
        "version": report.version if report else None,
        "state": state,
        "ready": ready,
    }


_encoder = json.Encoder()
_decoder = json.Decoder(Report)


def encode_report(report: Report) -> bytes:
    """Return the report as one line, its end included."""
    return _encoder.encode(report) + b"\n"


def decode_report(line: bytes) -> Report:
    """Read one line.

    Raises:
        ReportError: it is not a report.
    """
    try:
        return _decoder.decode(line)
    except (DecodeError, UnicodeDecodeError) as exc:
        raise ReportError(str(exc)) from None

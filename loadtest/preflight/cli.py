"""`loadtest preflight`: say what to change on this machine before a test of that size.

Exit codes: 0 when it can be done, 1 when something blocks it, 2 for wrong arguments, or when the
target's operations port does not answer.
"""

import argparse
import http.client
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence

from loadtest.preflight.demand import Demand, Side
from loadtest.preflight.findings import blocks, text
from loadtest.preflight.readings import read
from loadtest.preflight.rules import check

_OPS_TIMEOUT_S = 5.0
_OPS_MAX_BYTES = 4 << 20
_READY = re.compile(r"^chat_workers_ready\s+(\d+)", re.MULTILINE)


class OpsError(Exception):
    """The operations port does not tell; the text says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        workers = options.workers or (workers_at(options.ops) if options.ops else 1)
    except OpsError as exc:
        sys.stderr.write(f"preflight: {exc}\n")
        return 2
    side: Side = options.side
    demand = Demand(
        connections=options.connections,
        workers=workers,
        agents=options.agents,
        side=side,
        source_addresses=options.source_addresses,
        listeners=options.listeners,
    )
    findings = check(demand, read())
    where = {"both": "target and agents", "target": "the target", "agent": "the agents"}[side]
    sys.stdout.write(
        f"{demand.connections:,} connections, {workers} workers, {demand.agents} agents; "
        f"this machine carries {where}.\n\n{text(findings)}\n"
    )
    return int(blocks(findings))


def workers_at(url: str) -> int:
    """Ask a supervisor's operations port how many workers are ready.

    Raises:
        OpsError: it does not answer, or there is none.
    """
    if not url.startswith(("http://", "https://")):
        raise OpsError(f"{url}: this must be an http address.")
    address = url.rstrip("/").removesuffix("/metrics") + "/metrics"
    try:
        with urllib.request.urlopen(address, timeout=_OPS_TIMEOUT_S) as answer:  # noqa: S310 # checked
            page = answer.read(_OPS_MAX_BYTES).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException, urllib.error.URLError) as exc:
        raise OpsError(f"{address}: {exc}") from None
    found = _READY.search(page)
    if found is None:
        return 1  # a worker that runs alone has no supervisor to count for
    if int(found[1]) == 0:
        raise OpsError(f"{address}: no worker is ready.")
    return int(found[1])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="loadtest preflight", description=__doc__)
    parser.add_argument(
        "--connections",
        type=_count,
        required=True,
        metavar="N",
        help="connections that this machine carries",
    )
    parser.add_argument("--agents", type=_count, default=1, help="agent processes (default: 1)")
    parser.add_argument(
        "--workers", type=_count, help="worker processes (default: ask --ops, or 1)"
    )
    parser.add_argument("--ops", metavar="URL", help="operations port of the target")
    side = parser.add_mutually_exclusive_group()
    side.add_argument(
        "--target-side",
        dest="side",
        action="store_const",
        const="target",
        default="both",
        help="only the target runs on this machine",
    )
    side.add_argument(
        "--agent-side",
        dest="side",
        action="store_const",
        const="agent",
        help="only agents run on this machine",
    )
    parser.add_argument(
        "--source-addresses",
        type=_count,
        default=1,
        metavar="K",
        help="addresses the agents connect from (default: 1)",
    )
    parser.add_argument(
        "--listeners",
        type=_count,
        default=1,
        metavar="K",
        help="pairs of address and port they connect to (default: 1)",
    )
    return parser


def _count(word: str) -> int:
    number = int(word.replace("_", "").replace(",", ""))
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number

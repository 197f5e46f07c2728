"""`python -m benchmarks.peers`: ours and others in turn, on this machine, with one client."""

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.peers.cases import CASES, FULL, QUICK, SLOW_CASES, Sizes, Values
from benchmarks.peers.report import print_case, print_ratios
from benchmarks.peers.servers import PEERS, Peer
from benchmarks.system import (
    BenchmarkError,
    compile_raw,
    machine,
    raise_descriptor_limit,
    temporary_directory,
)
from benchmarks.table import print_json
from loadtest.wire import WireError


def main(argv: Sequence[str] | None = None) -> int:
    """Install, measure and print; the exit code says whether everything could be measured."""
    options = _parse(argv)
    began_s = time.monotonic()
    raise_descriptor_limit()
    versions, missing = _prepare(options.peers)
    found: dict[str, dict[str, Values | str]] = {}
    with temporary_directory() as directory:
        program = compile_raw("load", directory)
        for name in options.cases:
            found[name] = _measure_all(name, options, missing, program)
            print(f"\n{name}: {CASES[name].what}\n")
            print_case(name, found[name])
    print()
    print_ratios(found, options.peers)
    print_json(
        "peers",
        {
            "quick": options.quick,
            "seconds": time.monotonic() - began_s,
            "versions": versions,
            "cases": found,
            **machine(),
        },
    )
    return int(any(isinstance(values, str) for case in found.values() for values in case.values()))


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--peers", type=_names(PEERS), default=list(PEERS), metavar="NAME,...")
    parser.add_argument("--cases", type=_names(CASES), metavar="NAME,...", help=", ".join(CASES))
    parser.add_argument("--quick", action="store_true", help="rough figures in a few minutes")
    parser.add_argument("--full", action="store_true", help="the cost with 100,000 idle, too")
    options = parser.parse_args(argv)
    if options.cases is None:
        options.cases = [name for name in CASES if not (options.quick and name in SLOW_CASES)]
    return options


def _names(known: Mapping[str, object]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(
                f"{', '.join(sorted(unknown))}: there are {', '.join(known)}"
            )
        return names

    return parse


def _prepare(names: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Install what each peer needs; returns the versions, and why one is missing."""
    versions, missing = {}, {}
    for name in names:
        try:
            PEERS[name].prepare()
            versions[name] = PEERS[name].version()
        except (BenchmarkError, OSError) as failure:
            missing[name] = str(failure)
    return versions, missing


def _measure_all(
    case_name: str, options: argparse.Namespace, missing: Mapping[str, str], program: Path
) -> dict[str, Values | str]:
    """Measure a case on every peer, one after the other; one that fails does not end the run."""
    case, found = CASES[case_name], {}
    for name in options.peers:
        if case.is_for(PEERS[name]):
            print(f"{case_name}: {name}", file=sys.stderr, flush=True)
            found[name] = missing.get(name) or _measure(
                PEERS[name], case.measure, program, _sizes(options)
            )
    return found


def _measure(
    peer: Peer, measure: Callable[[Peer, Path, Sizes], Values], program: Path, sizes: Sizes
) -> Values | str:
    try:
        return measure(peer, program, sizes)
    except (BenchmarkError, WireError, OSError) as failure:
        return str(failure)


def _sizes(options: argparse.Namespace) -> Sizes:
    sizes = QUICK if options.quick else FULL
    return sizes._replace(cost_idle=(*sizes.cost_idle, 100_000)) if options.full else sizes


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)

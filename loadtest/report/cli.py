"""`loadtest report`: results.json in, report.html out.

Exit codes: 0 written, 1 cannot be read or written, 2 for wrong arguments. Whether the test passed
is not this command's to say.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from msgspec import DecodeError

from loadtest.report import write_report
from loadtest.results import read


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="loadtest report", description=__doc__)
    parser.add_argument("results", type=Path, help="the JSON file that a run wrote")
    parser.add_argument(
        "-o", "--output", type=Path, help="where to write (default: beside it, as .html)"
    )
    options = parser.parse_args(arguments)
    output: Path = options.output or options.results.with_suffix(".html")
    if output == options.results:
        parser.error("the report would overwrite the results")
    try:
        write_report(read(options.results), output)
    except (OSError, DecodeError, UnicodeDecodeError) as exc:
        sys.stderr.write(f"report: {options.results}: {exc}\n")
        return 1
    sys.stdout.write(f"{output}\n")
    return 0

"""The report: results in, one self-contained HTML file out."""

from pathlib import Path

from loadtest.report.page import page
from loadtest.results import Results


def write_report(results: Results, path: Path) -> None:
    """Write the report of one load test.

    Raises:
        OSError: it cannot be written.
    """
    path.write_text(page(results), encoding="utf-8")

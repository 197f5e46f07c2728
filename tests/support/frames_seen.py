"""A pytest plugin: how many frames kept the contract, and whether any kind was never exchanged.

Under pytest-xdist every process counts for itself, and hands its counts over at its end.
"""

from collections import Counter
from typing import Any

import pytest

from tests.support.contract import CONTRACT

_HANDED_OVER = "frames_seen"
_WHOLE = pytest.StashKey[bool]()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run of all tests in which some command or event was never exchanged."""
    handing_over: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if handing_over is not None:
        handing_over[_HANDED_OVER] = [[kind, name, n] for (kind, name), n in CONTRACT.seen.items()]
        return
    is_whole = session.config.stash[_WHOLE] = _is_whole(session)
    if is_whole and CONTRACT.unseen():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over the counts of a process of pytest-xdist."""
    output: dict[str, Any] = getattr(node, "workeroutput", {})  # one that crashed has none
    CONTRACT.seen += Counter({(kind, name): n for kind, name, n in output.get(_HANDED_OVER, ())})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many frames were held against docs/asyncapi.json, and after a whole run which."""
    if not CONTRACT.seen:
        return
    terminalreporter.line(f"{CONTRACT.seen.total():,} frames kept docs/asyncapi.json")
    if not terminalreporter.config.stash.get(_WHOLE, False):
        return
    for kind in ("command", "event"):
        counts = sorted((name, n) for (of, name), n in CONTRACT.seen.items() if of == kind)
        terminalreporter.line(f"{kind}s: " + ", ".join(f"{name} {n:,}" for name, n in counts))
    if unseen := CONTRACT.unseen():
        never = ", ".join(f"{kind} {name}" for kind, name in unseen)
        terminalreporter.line(f"never exchanged: {never}")


def _is_whole(session: pytest.Session) -> bool:
    """Whether all tests of the suite were run, and to the end."""
    option = session.config.option
    return (
        session.config.args == session.config.getini("testpaths")
        and not (option.keyword or option.markexpr or option.deselect)
        and not (option.lf or option.failedfirst or option.collectonly)
        and not (session.shouldstop or session.shouldfail)
    )

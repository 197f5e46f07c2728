"""A pytest plugin: which tests go side by side when processes share the suite (pytest-xdist).

Some folders do nothing but wait, for leases, probes, failovers and images: they use a tenth of a
core. One process runs those, one after the other, while the others have the rest, a file at a time.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

#: The folders that wait.
WAITING = frozenset({"containers", "shards", "checker"})
#: A folder whose tests share what takes seconds to start.
TOGETHER = frozenset({"browser"})


class Sharing(LoadScopeScheduling):  # type: ignore[misc]  # it comes without types
    """Hands out groups of tests. What is in one group stays in one process, in order."""

    def _split_scope(self, nodeid: str) -> str:
        folder = _folder(nodeid)
        if folder in WAITING:
            return "waiting"
        return folder if folder in TOGETHER else nodeid.partition("::")[0]


@pytest.hookimpl
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing:
    """Let groups be ours."""
    return Sharing(config, log)


@pytest.hookimpl
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have what takes longest handed out first."""
    if hasattr(config, "workerinput"):  # one of several processes
        items.sort(key=_turn)


def _folder(nodeid: str) -> str:
    return nodeid.removeprefix("tests/").partition("/")[0]


def _turn(item: pytest.Item) -> int:
    folder = _folder(item.nodeid)
    return 0 if folder in WAITING else 1 if folder in TOGETHER else 2

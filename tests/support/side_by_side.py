"""A pytest plugin: which tests go side by side when two processes share the suite (pytest-xdist).

Some folders do nothing but wait, for leases, probes, failovers and images: they use a tenth of a
core. `make test` has one process run those and another one all the rest, one test after the other,
since many of these are about time and want the machine to themselves.
"""

import pytest

#: The folders that wait, each with whether its tests share fixtures that outlive them.
WAITING = {"containers": True, "shards": True, "checker": False}
REST = "rest"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the tests in groups. What is in one group stays in one process, in order."""
    if config.getoption("dist", "no") != "loadgroup":
        return
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=_is_late)


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(item.config.rootpath / "tests").parts[0]


def _group(item: pytest.Item) -> str:
    folder = _folder(item)
    if folder not in WAITING:
        return REST
    return folder if WAITING[folder] else item.name


def _is_late(item: pytest.Item) -> bool:
    """The rest takes longest, so it is handed out before what is in many small groups."""
    return not WAITING.get(_folder(item), True)

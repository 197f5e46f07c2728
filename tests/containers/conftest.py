"""One engine and one stack for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers import standins
from tests.containers.engine import Engine, sweep, why_not
from tests.containers.stack import IMAGE, LOAD_IMAGE, Stack, make_secrets
from tests.support.worker import REPOSITORY


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A Docker engine with stand-ins for what it would pull, and the images built on them."""
    if reason := why_not():
        pytest.skip(reason)
    sweep()
    with Engine() as running:
        standins.make(running)
        for name, target in ((IMAGE, "chat"), (LOAD_IMAGE, "loadtest")):
            command = ["build", "--network=host", f"--target={target}", f"--tag={name}"]
            running.docker(*command, str(REPOSITORY), timeout_s=180.0)
        yield running


@pytest.fixture(scope="session")
def stack(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack with three workers; without `chat api` where this version has none."""
    made = Stack(engine, tmp_path_factory.mktemp("secrets"))
    make_secrets(made.secrets)
    try:
        made.up("--scale=worker=3")
        yield made
    except BaseException:
        print(made.logs())
        raise
    finally:
        made.down()


@pytest.fixture
def empty_secrets(engine: Engine, tmp_path: Path) -> Iterator[Stack]:
    """A stack that nobody has made secrets for."""
    made = Stack(engine, tmp_path / "secrets", project="bare")
    yield made
    made.down()

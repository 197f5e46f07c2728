"""One engine and one stack for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers import standins
from tests.containers.engine import Engine, sweep, why_not
from tests.containers.stack import IMAGE, LOAD_IMAGE, Stack, make_secrets
from tests.support import processes
from tests.support.worker import REPOSITORY

_BUILD_TIMEOUT_S = 300.0


def _build(name: str, target: str) -> list[str]:
    return ["build", "--network=host", f"--target={target}", f"--tag={name}", str(REPOSITORY)]


class Building:
    """A build of the load harness's image in the background."""

    def __init__(self, engine: Engine, log: Path) -> None:
        self._log = log
        with log.open("wb") as file:
            self._process = engine.begin(*_build(LOAD_IMAGE, "loadtest"), log=file)
        processes.session_pids.add(self._process.pid)

    def wait(self) -> None:
        """Wait until the image is there."""
        code = self._process.wait(_BUILD_TIMEOUT_S)
        assert code == 0, self._log.read_text(errors="replace")[-4000:]

    def stop(self) -> None:
        """End it, should it still run."""
        self._process.terminate()
        self._process.wait()


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A Docker engine with stand-ins for what it would pull, and the image built on them."""
    if reason := why_not():
        pytest.skip(reason)
    sweep()
    with Engine() as running:
        standins.make(running)
        running.docker(*_build(IMAGE, "chat"), timeout_s=_BUILD_TIMEOUT_S)
        yield running


@pytest.fixture(scope="session")
def load_build(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Building]:
    """The load harness's image, which only one test needs, in the making while others run."""
    building = Building(engine, tmp_path_factory.mktemp("build") / "log")
    yield building
    building.stop()


@pytest.fixture
def load_image(load_build: Building) -> str:
    """The load harness's image."""
    load_build.wait()
    return LOAD_IMAGE


@pytest.fixture(scope="session")
def stack(
    engine: Engine, load_build: Building, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """The stack with three workers."""
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

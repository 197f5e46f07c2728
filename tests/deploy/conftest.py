"""Each overlay is built once."""

from functools import cache
from pathlib import Path

import pytest

from tests.deploy.manifests import OVERLAYS, SYSTEMS, Manifests, build, make_secrets, stage


class Built:
    """Overlays by name, built when they are first asked for."""

    def __init__(self, k8s: Path) -> None:
        self.k8s = k8s
        self.overlay = cache(self._build)

    def _build(self, name: str) -> Manifests:
        return build(self.k8s / "overlays" / name)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    k8s = stage(tmp_path_factory.mktemp("kubernetes") / "deploy")
    for name in OVERLAYS:
        if name == "loadtest":
            secrets = k8s / "overlays" / name / "secrets"
            secrets.mkdir()
            (secrets / "jwt-secret").write_text("x" * 32)
        made = make_secrets(k8s, name)
        assert made.returncode == 0, made.stderr
    return Built(k8s)


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest, built: Built) -> Manifests:
    return built.overlay(request.param)


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest, built: Built) -> Manifests:
    return built.overlay(request.param)


@pytest.fixture
def production(built: Built) -> Manifests:
    return built.overlay("production")


@pytest.fixture
def redis_cluster(built: Built) -> Manifests:
    return built.overlay("redis-cluster")

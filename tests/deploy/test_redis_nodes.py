"""The scripts of the Redis Cluster against real nodes, each on a loopback address of its own."""

import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import redis

from tests.support.redis_server import server_binary
from tests.support.waiting import until
from tests.support.worker import REPOSITORY

SCRIPTS = REPOSITORY / "deploy" / "k8s" / "redis" / "cluster"
SETTINGS = REPOSITORY / "deploy" / "k8s" / "redis" / "settings" / "redis.conf"
PORT = 6379
NODES = 6
PASSWORD = "a-password-of-the-test"
SLOTS = 16384
START_TRIES = 300

pytestmark = [
    pytest.mark.skipif(not shutil.which("redis-cli"), reason="needs redis-cli"),
    pytest.mark.timeout(180),
]


class Node:
    """A server with the settings of the manifests, on data that it keeps when it moves."""

    def __init__(self, folder: Path, auth: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self.config = folder / "redis.conf"
        text = SETTINGS.read_text(encoding="utf-8").replace("dir /data", f"dir {folder}")
        self.config.write_text(text.replace("/run/secrets/redis/auth.conf", str(auth)))
        self.host = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, host: str) -> None:
        self.host = host
        log = self._folder / "log"
        self._process = subprocess.Popen(
            [
                server_binary(), str(self.config),
                "--bind", host, "--bind-source-addr", host, "--logfile", str(log),
                "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf",
                "--cluster-node-timeout", "10000", "--cluster-require-full-coverage", "no",
            ]
        )  # fmt: skip

    def wait(self) -> None:
        with self.client() as client:
            for _ in range(START_TRIES):
                with suppress(redis.ConnectionError):
                    client.ping()
                    return
                time.sleep(0.1)
        raise AssertionError(f"{self.host} does not answer")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)
            self._process = None

    def client(self) -> redis.Redis:
        return redis.Redis(host=self.host, port=PORT, password=PASSWORD, decode_responses=True)

    def info(self) -> dict[str, str]:
        with self.client() as client:
            answer = client.execute_command("CLUSTER INFO")
        if isinstance(answer, dict):
            return answer
        return dict(line.split(":", 1) for line in answer.split())

    def is_master(self) -> bool:
        with self.client() as client:
            return bool(client.role()[0] == "master")


def addresses() -> list[str]:
    """Return addresses that nothing else listens on, one per node."""
    second, third = random.randrange(16, 255), random.randrange(1, 255)
    return [f"127.{second}.{third}.{last}" for last in range(1, NODES + 1)]


def start_all(nodes: list[Node]) -> None:
    """Start nodes where nobody is yet, and wait until they answer."""
    for node, host in zip(nodes, addresses(), strict=True):
        node.start(host)
    for node in nodes:
        node.wait()


@pytest.fixture
def auth_file(tmp_path: Path) -> Path:
    path = tmp_path / "auth.conf"
    path.write_text(f"requirepass {PASSWORD}\nmasterauth {PASSWORD}\n", encoding="utf-8")
    return path


@pytest.fixture
def nodes(tmp_path: Path, auth_file: Path) -> Iterator[list[Node]]:
    made = [Node(tmp_path / f"node-{number}", auth_file) for number in range(NODES)]
    try:
        start_all(made)
        yield made
    finally:
        for node in made:
            node.stop()


def run_script(name: str, auth_file: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(SCRIPTS / name)],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "AUTH_FILE": str(auth_file), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )


def listed(nodes: list[Node]) -> str:
    return " ".join(f"{node.host}:{PORT}" for node in nodes)


def form(nodes: list[Node], auth_file: Path) -> None:
    formed = run_script("form.sh", auth_file, NODES=listed(nodes), TRIES="60")
    assert formed.returncode == 0, formed.stdout + formed.stderr


@pytest.mark.slow
async def test_a_cluster_is_formed_once_and_found_formed_later(
    nodes: list[Node], auth_file: Path
) -> None:
    form(nodes, auth_file)
    masters = [node.is_master() for node in nodes]
    form(nodes, auth_file)

    assert sum(masters) == 3
    assert [node.is_master() for node in nodes] == masters
    await until(lambda: all(node.info()["cluster_known_nodes"] == str(NODES) for node in nodes))


@pytest.mark.slow
async def test_nodes_that_all_came_back_elsewhere_find_each_other(
    nodes: list[Node], auth_file: Path
) -> None:
    form(nodes, auth_file)
    for node in nodes:
        node.stop()

    start_all(nodes)
    for node in nodes:
        met = run_script("meet.sh", auth_file, SELF=f"{node.host}:{PORT}", PEERS=listed(nodes))
        assert met.returncode == 0, met.stderr

    def is_whole() -> bool:
        return all(
            node.info()["cluster_state"] == "ok"
            and node.info()["cluster_slots_ok"] == str(SLOTS)
            and node.info()["cluster_known_nodes"] == str(NODES)
            for node in nodes
        )

    await until(is_whole, timeout_s=40)


@pytest.mark.slow
async def test_a_node_without_a_cluster_is_left_alone(nodes: list[Node], auth_file: Path) -> None:
    one = nodes[0]

    met = run_script("meet.sh", auth_file, SELF=f"{one.host}:{PORT}", PEERS=listed(nodes))

    assert met.returncode == 0
    assert one.info()["cluster_known_nodes"] == "1"


@pytest.mark.slow
async def test_a_node_keeps_a_log_and_never_evicts(nodes: list[Node]) -> None:
    node = nodes[0]
    with node.client() as client:
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    stranger = redis.Redis(host=node.host, port=PORT)
    with stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()

"""HAProxy in its pod: its configuration, its servers, and what it must not depend on."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.conftest import Built
from tests.deploy.manifests import Manifests

#: Between the last cut of a tunnel and SIGKILL.
MARGIN_S = 10


def front_environment(manifests: Manifests) -> dict[str, str]:
    return manifests.environment(manifests.pod("chat-haproxy"))


def test_the_front_finds_its_servers_by_full_names(system: Manifests) -> None:
    environment = front_environment(system)

    for name, workload, port in (
        ("FRONT_WORKERS", "chat-worker", "ws"),
        ("FRONT_API", "chat-api", "http"),
    ):
        service = system.named("Service")[workload]["metadata"]
        full_name = f"{service['name']}.{service['namespace']}.svc.cluster.local"
        assert environment[name] == f"{full_name}:{system.pod(workload).ports[port]}"


def test_the_front_has_room_for_the_largest_rollout(production: Manifests) -> None:
    most = production.named("HorizontalPodAutoscaler")["chat-worker"]["spec"]["maxReplicas"]
    surge = production.named("Deployment")["chat-worker"]["spec"]["strategy"]["rollingUpdate"]
    share = float(surge["maxSurge"].removesuffix("%")) / 100

    # Those that leave are in DNS for a moment longer.
    assert int(front_environment(production)["FRONT_MAX_WORKERS"]) >= most * (1 + 2 * share)


def test_the_front_is_not_killed_before_it_cuts_its_tunnels(system: Manifests) -> None:
    pod = system.pod("chat-haproxy")
    hard_stop_s = int(front_environment(system)["FRONT_HARD_STOP"].removesuffix("s"))
    pause_s = pod.container["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert pod.spec["terminationGracePeriodSeconds"] >= pause_s + hard_stop_s + MARGIN_S


def test_an_outage_of_redis_takes_no_front_away(system: Manifests) -> None:
    container = system.pod("chat-haproxy").container

    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"] == {"path": "/healthz", "port": "stats"}


@pytest.mark.skipif(
    not shutil.which("haproxy"),
    reason="needs haproxy",
)
def test_haproxy_takes_the_configuration_and_the_environment_of_its_pod(
    built: Built, tmp_path: Path
) -> None:
    manifests = built.overlay("production")
    files = manifests.generated("ConfigMap", "chat-haproxy")["data"]
    arguments = []
    for path in manifests.pod("chat-haproxy").container["command"]:
        if path.startswith("/"):
            local = tmp_path / Path(path).name
            local.write_text(files[local.name], encoding="utf-8")
            arguments += ["-f", str(local)]
    environment = front_environment(manifests)

    checked = subprocess.run(
        [shutil.which("haproxy") or "haproxy", "-c", *arguments],
        env=environment
        | {
            "FRONT_CERTS": str(built.k8s / "overlays/production/secrets/tls.pem"),
            "FRONT_SOCKET": str(tmp_path / "admin.sock"),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr
    text = "".join(files.values())
    assert all(re.search(rf"\$\{{?{name}\b", text) for name in environment)
    assert "hash-key addr-port" in text

"""The manifests fit the program: its settings, ports, pages, metrics and the time it needs."""

import json
import re
from typing import Any

import pytest
import yaml

from chat.identity.apikeys import read_entries
from chat.settings import SECRETS, SettingsError, describe, from_environ, variable
from tests.deploy.conftest import Built
from tests.deploy.manifests import Document, Manifests
from tests.support.worker import REPOSITORY

#: What a worker needs after its drain: to hand its lease over and to end.
AFTER_DRAIN_S = 5
MARGIN_S = 10
ADAPTER = REPOSITORY / "deploy/k8s/components/autoscaling/prometheus-adapter.yaml"


def settings_known() -> set[str]:
    names = {name for name, _, _ in describe()}
    return names | {variable(name) + "_FILE" for name in SECRETS}


def chat_variables(manifests: Manifests, workload: str) -> dict[str, str]:
    environment = manifests.environment(manifests.pod(workload))
    return {name: text for name, text in environment.items() if name.startswith("CHAT_")}


@pytest.mark.parametrize("workload", ["chat-worker", "chat-api"])
def test_every_chat_variable_is_a_setting(system: Manifests, workload: str) -> None:
    assert chat_variables(system, workload).keys() <= settings_known()


@pytest.mark.parametrize("workload", ["chat-worker", "chat-api"])
def test_the_values_are_accepted_by_the_program(system: Manifests, workload: str) -> None:
    skipped = {variable(name) + "_FILE" for name in SECRETS}
    plain = {k: v for k, v in chat_variables(system, workload).items() if k not in skipped}

    settings = from_environ(plain)

    pod = system.pod(workload)
    assert settings.ops_port == pod.ports["ops"]
    assert settings.host == settings.ops_host == "0.0.0.0"
    if workload == "chat-worker":
        assert settings.port == pod.ports["ws"]


@pytest.mark.parametrize("workload", ["chat-worker", "chat-api"])
def test_files_of_secrets_are_where_the_settings_say(system: Manifests, workload: str) -> None:
    pod = system.pod(workload)
    folders = {mount["name"]: mount["mountPath"] for mount in pod.container["volumeMounts"]}
    there = [
        f"{folders[volume['name']]}/{key}"
        for volume in pod.spec["volumes"]
        if "secret" in volume
        for key in system.named("Secret")[volume["secret"]["secretName"]]["data"]
    ]
    named = [v for k, v in chat_variables(system, workload).items() if k.endswith("_FILE")]

    assert sorted(named) == sorted(there)


def test_only_the_http_side_has_the_keys_of_back_ends(system: Manifests) -> None:
    name = system.generated("Secret", "chat-api-secrets")["metadata"]["name"]
    mounted = [
        pod.workload
        for pod in system.pods
        if any(one.get("secret", {}).get("secretName") == name for one in pod.spec["volumes"])
    ]

    assert mounted == ["chat-api"]


def test_no_pod_gets_variables_that_chat_would_refuse(overlay: Manifests) -> None:
    with pytest.raises(SettingsError):  # what Kubernetes sets for the Service `chat-worker`
        from_environ({"CHAT_WORKER_SERVICE_HOST": "10.0.0.1"})
    for pod in overlay.pods:
        assert pod.spec["enableServiceLinks"] is False


def test_a_drain_has_the_time_it_needs(system: Manifests) -> None:
    pod = system.pod("chat-worker")
    drain_s = from_environ(
        {"CHAT_DRAIN_TIMEOUT": chat_variables(system, "chat-worker")["CHAT_DRAIN_TIMEOUT"]}
    ).drain_timeout
    pause_s = pod.container["lifecycle"]["preStop"]["sleep"]["seconds"]

    needed_s = pause_s + drain_s + AFTER_DRAIN_S + MARGIN_S
    assert pod.spec["terminationGracePeriodSeconds"] >= needed_s


@pytest.mark.parametrize("workload", ["chat-worker", "chat-api"])
def test_readiness_decides_on_traffic_and_life_on_restarts(
    system: Manifests, workload: str
) -> None:
    container = system.pod(workload).container
    ops = {"port": "ops"}

    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", **ops}
    for probe in ("startupProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/healthz", **ops}


@pytest.mark.parametrize("workload", ["chat-worker", "chat-api", "chat-haproxy"])
def test_a_rollout_starts_the_new_before_the_old_leaves(system: Manifests, workload: str) -> None:
    strategy = system.named("Deployment")[workload]["spec"]["strategy"]["rollingUpdate"]

    assert strategy["maxUnavailable"] == 0
    assert strategy["maxSurge"]
    assert system.named("PodDisruptionBudget")[workload]["spec"]["maxUnavailable"] == 1


def autoscaled_metric(manifests: Manifests) -> Document:
    metrics = manifests.named("HorizontalPodAutoscaler")["chat-worker"]["spec"]["metrics"]
    (pods,) = (m["pods"] for m in metrics if m["type"] == "Pods")
    return dict(pods)


def test_workers_are_scaled_by_a_metric_that_exists(production: Manifests) -> None:
    name = autoscaled_metric(production)["metric"]["name"]
    (rule,) = yaml.safe_load(ADAPTER.read_text(encoding="utf-8"))["rules"]["custom"]

    assert f"| `{name}` | gauge |" in (REPOSITORY / "docs/metrics.md").read_text(encoding="utf-8")
    assert rule["name"]["as"] == name
    assert rule["seriesQuery"].startswith(f"{name}{{")


def test_workers_are_added_before_they_are_full(production: Manifests) -> None:
    target = int(autoscaled_metric(production)["target"]["averageValue"])
    most = int(chat_variables(production, "chat-worker")["CHAT_MAX_CONNECTIONS"])

    assert target <= 0.7 * most


def test_the_autoscaler_owns_the_number_of_workers(production: Manifests) -> None:
    for name in production.named("HorizontalPodAutoscaler"):
        assert "replicas" not in production.named("Deployment")[name]["spec"]


@pytest.mark.parametrize(("overlay_name", "service", "nodes"), [
    ("production", "chat-redis", ["chat-redis"]),
    ("redis-cluster", "chat-redis-cluster", [
        f"chat-redis-cluster-{number}.chat-redis-cluster" for number in range(6)
    ]),
])  # fmt: skip
def test_the_url_names_the_redis_that_is_there(
    built: Built, overlay_name: str, service: str, nodes: list[str]
) -> None:
    url = (built.k8s / "overlays" / overlay_name / "secrets/redis-url").read_text(encoding="utf-8")
    named = re.findall(r"([a-z0-9.-]+):6379", url)

    assert service in built.overlay(overlay_name).named("Service")
    assert named
    assert set(named) <= set(nodes)


def test_the_scripts_of_the_cluster_know_every_node(redis_cluster: Manifests) -> None:
    stateful_set = redis_cluster.named("StatefulSet")["chat-redis-cluster"]
    expected = [
        f"chat-redis-cluster-{number}.{stateful_set['spec']['serviceName']}:6379"
        for number in range(stateful_set["spec"]["replicas"])
    ]
    server = redis_cluster.environment(redis_cluster.pod("chat-redis-cluster"))
    job = redis_cluster.environment(redis_cluster.pod("chat-redis-cluster-form"))

    assert server["PEERS"].split() == job["NODES"].split() == expected


def test_keys_made_for_development_are_keys_that_chat_takes(built: Built) -> None:
    path = built.k8s / "overlays/development/secrets/jwt-keys.json"
    (key,) = json.loads(path.read_text(encoding="utf-8"))["keys"]

    from chat.ops.signing import signing_key

    assert signing_key(from_environ({"CHAT_JWT_KEYS_FILE": str(path)})).kid == key["kid"]


def test_the_file_of_api_keys_that_is_made_is_one_without_keys(built: Built) -> None:
    assert read_entries(built.k8s / "overlays/production/secrets/api-keys") == []


def rule(text: str) -> Any:
    return yaml.safe_load(text)["spec"]["groups"]


def test_alerts_use_metrics_that_exist() -> None:
    text = (REPOSITORY / "deploy/k8s/components/monitoring/prometheus-rule.yaml").read_text(
        encoding="utf-8"
    )
    metrics = (REPOSITORY / "docs/metrics.md").read_text(encoding="utf-8")

    for group in rule(text):
        for alert in group["rules"]:
            for name in re.findall(r"\bchat_[a-z_]+", alert["expr"]):
                assert f"`{re.sub('_(bucket|sum|count)$', '', name)}`" in metrics


def test_alerts_are_those_that_prometheus_has_elsewhere() -> None:
    alerts = REPOSITORY / "deploy/prometheus/alerts.yml"
    if not alerts.exists():
        pytest.skip("there is no deploy/prometheus/alerts.yml")
    made = REPOSITORY / "deploy/k8s/components/monitoring/prometheus-rule.yaml"

    assert (
        rule(made.read_text(encoding="utf-8"))
        == yaml.safe_load(alerts.read_text(encoding="utf-8"))["groups"]
    ), "run `make k8s-rules`"

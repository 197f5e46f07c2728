"""The manifests are whole: they fit Kubernetes' schemas and all that they name is there."""

from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.deploy.manifests import SYSTEMS, Manifests, Pod, build, kustomize, make_secrets, stage

#: The oldest Kubernetes that has all that is used, and the newest there is a schema for.
VERSIONS = ("1.32", "1.37")
#: Kinds of other projects, which the schemas of Kubernetes do not have.
CUSTOM = frozenset({"PodMonitor", "PrometheusRule", "Certificate"})


def volumes(pod: Pod, kind: str, name: str) -> set[str]:
    return {volume[kind][name] for volume in pod.spec.get("volumes", ()) if kind in volume}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_document_fits_the_schemas_of_kubernetes(overlay: Manifests, version: str) -> None:
    for document in overlay.documents:
        if document["kind"] not in CUSTOM:
            kubernetes_validate.validate(document, version, strict=True)


def test_all_that_a_pod_needs_is_applied_with_it(overlay: Manifests) -> None:
    for pod in overlay.pods:
        maps = volumes(pod, "configMap", "name")
        maps |= {s["configMapRef"]["name"] for s in pod.container.get("envFrom", ())}
        assert maps <= overlay.named("ConfigMap").keys()
        assert volumes(pod, "secret", "secretName") <= overlay.named("Secret").keys()
        claims = overlay.named("PersistentVolumeClaim").keys()
        assert volumes(pod, "persistentVolumeClaim", "claimName") <= claims
        mounted = {
            mount["name"] for one in pod.spec["containers"] for mount in one.get("volumeMounts", ())
        }
        given = {volume["name"] for volume in pod.spec.get("volumes", ())}
        assert mounted - {"data"} == given
        if "serviceAccountName" in pod.spec:
            assert pod.spec["serviceAccountName"] in overlay.named("ServiceAccount")


def test_every_service_leads_to_ports_that_are_open(overlay: Manifests) -> None:
    for service in overlay.named("Service").values():
        chosen = [
            pod for pod in overlay.pods if service["spec"]["selector"].items() <= pod.labels.items()
        ]
        assert chosen
        for port in service["spec"]["ports"]:
            for pod in chosen:
                target = port.get("targetPort", port["port"])
                assert target in [*pod.ports.keys(), *pod.ports.values()]


def test_every_budget_and_monitor_selects_pods(production: Manifests) -> None:
    components = {pod.component for pod in production.pods}

    for budget in production.named("PodDisruptionBudget").values():
        labels = budget["spec"]["selector"]["matchLabels"]
        assert any(labels.items() <= pod.labels.items() for pod in production.pods)
    for monitor in production.named("PodMonitor").values():
        selector = monitor["spec"]["selector"]
        chosen = {selector.get("matchLabels", {}).get("app.kubernetes.io/component")} - {None}
        for expression in selector.get("matchExpressions", ()):
            if expression["key"] == "app.kubernetes.io/component":
                chosen |= set(expression["values"])
        assert chosen
        assert chosen <= components
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        for pod in production.pods:
            if pod.component in chosen:
                assert endpoint["port"] in pod.ports


@pytest.mark.parametrize("overlay_name", SYSTEMS)
def test_without_its_secret_files_nothing_is_built(overlay_name: str, tmp_path: Path) -> None:
    refused = kustomize(stage(tmp_path / "deploy") / "overlays" / overlay_name)

    assert refused.returncode != 0
    assert "secrets/" in refused.stderr


def test_the_script_makes_secrets_once_and_keeps_what_is_there(tmp_path: Path) -> None:
    k8s = stage(tmp_path / "deploy")
    secrets = k8s / "overlays" / "redis-cluster" / "secrets"

    first = make_secrets(k8s, "redis-cluster")
    texts = {path.name: path.read_bytes() for path in secrets.iterdir()}
    second = make_secrets(k8s, "redis-cluster")

    assert first.returncode == second.returncode == 0
    assert second.stdout == ""
    assert texts == {path.name: path.read_bytes() for path in secrets.iterdir()}
    assert texts.keys() == {
        "redis-auth.conf",
        "redis-exporter.json",
        "redis-url",
        "jwt-keys.json",
        "api-keys",
        "tls.pem",
    }
    assert all(path.stat().st_mode & 0o077 == 0 for path in secrets.iterdir())
    password = texts["redis-auth.conf"].split()[1]
    assert b":" + password + b"@" in texts["redis-url"]
    assert password in texts["redis-exporter.json"]


def test_the_script_does_not_make_up_the_secret_of_a_target(tmp_path: Path) -> None:
    made = make_secrets(stage(tmp_path / "deploy"), "loadtest")

    assert made.returncode == 1
    assert "jwt-secret" in made.stderr


def test_a_certificate_may_come_from_cert_manager(tmp_path: Path) -> None:
    k8s = stage(tmp_path / "deploy")
    assert make_secrets(k8s, "production").returncode == 0
    path = k8s / "overlays" / "production" / "kustomization.yaml"
    overlay = yaml.safe_load(path.read_text(encoding="utf-8"))
    overlay["components"].append("../../components/cert-manager")
    overlay["secretGenerator"] = [
        one for one in overlay["secretGenerator"] if one["name"] != "chat-tls"
    ]
    path.write_text(yaml.safe_dump(overlay), encoding="utf-8")

    manifests = build(path.parent)

    certificate = manifests.named("Certificate")["chat-tls"]["spec"]
    (volume,) = (v for v in manifests.pod("chat-haproxy").spec["volumes"] if v["name"] == "certs")
    assert volume["secret"]["secretName"] == certificate["secretName"]
    assert volume["secret"]["items"] == [{"key": "tls-combined.pem", "path": "tls.pem"}]
    assert certificate["additionalOutputFormats"] == [{"type": "CombinedPEM"}]


def test_files_in_messages_take_a_component_and_a_secret(tmp_path: Path) -> None:
    k8s = stage(tmp_path / "deploy")
    assert make_secrets(k8s, "production").returncode == 0
    path = k8s / "overlays" / "production" / "kustomization.yaml"
    overlay = yaml.safe_load(path.read_text(encoding="utf-8"))
    overlay["components"].append("../../components/uploads")
    path.write_text(yaml.safe_dump(overlay), encoding="utf-8")

    manifests = build(path.parent)

    api = manifests.pod("chat-api").spec
    (container,) = api["containers"]
    given = {each["name"]: each.get("value") for each in container["env"]}
    mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    assert given["CHAT_UPLOAD_STORE"].startswith("s3://")
    assert given["CHAT_UPLOAD_SPOOL"] == mounts["spool"]
    assert given["CHAT_UPLOAD_S3_SECRET_FILE"] == f"{mounts['upload-secrets']}/s3-secret"
    assert given["CHAT_API_PORT"] == "8090"
    policy = manifests.named("NetworkPolicy")["chat-api-bucket"]["spec"]
    assert policy["podSelector"]["matchLabels"] == {"app.kubernetes.io/component": "api"}


def test_the_namespace_comes_before_what_is_in_it(system: Manifests) -> None:
    namespace = system.documents[0]

    assert namespace["kind"] == "Namespace"
    for document in system.documents[1:]:
        assert document["metadata"]["namespace"] == namespace["metadata"]["name"]


def test_a_job_can_be_applied_again_with_other_contents(redis_cluster: Manifests) -> None:
    for job in redis_cluster.named("Job").values():  # a finished one cannot be changed, only made
        assert job["spec"]["ttlSecondsAfterFinished"] <= 600

"""Webhooks on Kubernetes: the component, added to an overlay as docs/webhooks.md says."""

from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from chat.protocol.signature import make_secret
from chat.settings import from_environ
from chat.webhooks.endpoints import read_endpoints
from tests.deploy.manifests import Manifests, build, make_secrets, stage

ENDPOINT = """\
[[endpoint]]
name = "crm"
url = "https://crm.example/hooks/chat"
secret_file = "webhook-secret"
"""


@pytest.fixture(scope="module")
def webhooks(tmp_path_factory: pytest.TempPathFactory) -> Manifests:
    k8s = stage(tmp_path_factory.mktemp("webhooks") / "deploy")
    assert make_secrets(k8s, "production").returncode == 0
    folder = k8s / "overlays" / "production"
    (folder / "secrets" / "webhooks.toml").write_text(ENDPOINT)
    (folder / "secrets" / "webhook-secret").write_text(make_secret())
    overlay = yaml.safe_load((folder / "kustomization.yaml").read_text())
    overlay["components"] += ["../../components/webhooks", "../../components/webhooks-monitoring"]
    names = ("webhooks.toml", "webhook-secret")
    files = [f"{name}=secrets/{name}" for name in names]
    overlay["secretGenerator"].append({"name": "chat-webhooks", "files": files})
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    return build(folder)


def test_the_documents_fit_the_schemas_of_kubernetes(webhooks: Manifests) -> None:
    for document in webhooks.documents:
        if "monitoring.coreos.com" not in document["apiVersion"]:
            kubernetes_validate.validate(document, "1.37", strict=True)


def test_all_processes_know_that_there_are_webhooks(webhooks: Manifests) -> None:
    for workload in ("chat-worker", "chat-api", "chat-hooks"):
        assert webhooks.environment(webhooks.pod(workload))["CHAT_WEBHOOKS"] == "true"


def test_the_endpoints_are_where_the_settings_say(webhooks: Manifests, tmp_path: Path) -> None:
    pod = webhooks.pod("chat-hooks")
    given = webhooks.environment(pod)
    plain = {k: v for k, v in given.items() if k != "CHAT_REDIS_URL_FILE"}
    settings = from_environ(plain)
    folders = {mount["name"]: mount["mountPath"] for mount in pod.container["volumeMounts"]}
    assert settings.webhooks_file == f"{folders['webhooks']}/webhooks.toml"
    assert settings.ops_port == pod.ports["ops"]
    data = webhooks.generated("Secret", "chat-webhooks")["data"]
    assert data.keys() == {"webhooks.toml", "webhook-secret"}
    (tmp_path / "webhooks.toml").write_text(ENDPOINT)
    (tmp_path / "webhook-secret").write_text(make_secret())
    local = from_environ(
        {"CHAT_WEBHOOKS": "true", "CHAT_WEBHOOKS_FILE": str(tmp_path / "webhooks.toml")}
    )
    assert [endpoint.name for endpoint in read_endpoints(local)] == ["crm"]


def test_it_reaches_redis_and_the_world_but_no_private_network(webhooks: Manifests) -> None:
    policy = webhooks.named("NetworkPolicy")["chat-hooks"]["spec"]
    redis, world = policy["egress"]
    assert [port["port"] for port in redis["ports"]] == [6379]
    assert [port["port"] for port in world["ports"]] == [443]
    blocks = [peer["ipBlock"] for peer in world["to"]]
    assert {"10.0.0.0/8", "169.254.0.0/16", "127.0.0.0/8"} <= set(blocks[0]["except"])
    assert "ingress" not in policy


def test_it_may_do_no_more_than_the_others(webhooks: Manifests) -> None:
    hooks, api = webhooks.pod("chat-hooks"), webhooks.pod("chat-api")
    assert hooks.spec["securityContext"] == api.spec["securityContext"]
    assert hooks.container["securityContext"] == api.container["securityContext"]
    assert hooks.container["image"] == api.container["image"]
    assert hooks.spec["automountServiceAccountToken"] is False
    assert "valueFrom" not in str(hooks.container["env"])

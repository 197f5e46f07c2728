"""What a pod may do, and how much it may take."""

import base64
import re

import yaml

from chat import __version__
from tests.deploy.manifests import Manifests

#: Namespaced, and allowed by every kubelet that is at least 1.32 without being asked.
SAFE_SYSCTLS = {
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_wmem",
}


def test_no_container_is_root_or_writes_to_its_image(overlay: Manifests) -> None:
    for pod in overlay.pods:
        context = pod.spec["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod.spec["containers"]:
            own = container["securityContext"]
            assert own["readOnlyRootFilesystem"] is True
            assert own["allowPrivilegeEscalation"] is False
            assert own["capabilities"] == {"drop": ["ALL"]}


def test_no_pod_gets_a_token_for_kubernetes(overlay: Manifests) -> None:
    for pod in overlay.pods:
        assert pod.spec["automountServiceAccountToken"] is False
    for account in overlay.named("ServiceAccount").values():
        assert account["automountServiceAccountToken"] is False


def test_every_container_has_a_memory_limit_and_asks_for_its_share(overlay: Manifests) -> None:
    for pod in overlay.pods:
        for container in pod.spec["containers"]:
            resources = container["resources"]
            assert "memory" in resources["limits"]
            assert {"cpu", "memory"} <= resources["requests"].keys()


def test_images_are_pinned_to_a_version(overlay: Manifests) -> None:
    for pod in overlay.pods:
        for container in pod.spec["containers"]:
            name, _, tag = container["image"].partition(":")
            assert re.match(r"v?\d+\.\d+\.\d+", tag), f"{name} has no version"
            if name.startswith("chat"):
                assert tag == __version__


def test_only_safe_sysctls_are_set(overlay: Manifests) -> None:
    for pod in overlay.pods:
        for sysctl in pod.spec["securityContext"].get("sysctls", ()):
            assert sysctl["name"] in SAFE_SYSCTLS


def test_the_password_is_in_secrets_only(system: Manifests) -> None:
    auth = system.generated("Secret", "chat-redis-auth")["data"]["auth.conf"]
    password = base64.b64decode(auth).decode().split()[1]

    assert len(password) >= 32
    for document in system.documents:
        if document["kind"] != "Secret":
            assert password not in yaml.safe_dump(document)


def test_no_secret_is_in_a_variable(system: Manifests) -> None:
    for pod in system.pods:
        for container in pod.spec["containers"]:
            assert not any("valueFrom" in variable for variable in container.get("env", ()))

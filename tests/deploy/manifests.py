"""The overlays of deploy/k8s, built by kustomize as `kubectl apply -k` builds them."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.support.worker import REPOSITORY

Document = dict[str, Any]
#: Whole systems; `loadtest` is applied beside one of them.
SYSTEMS = ("development", "production", "redis-cluster")
OVERLAYS = (*SYSTEMS, "loadtest")
_WORKLOADS = frozenset({"Deployment", "StatefulSet", "Job"})
_BUILD_TIMEOUT_S = 50


class Pod(NamedTuple):
    """The pods of one workload."""

    workload: str
    labels: dict[str, str]
    spec: Document

    @property
    def component(self) -> str:
        """Return what the pod is: `worker`, `haproxy`, `redis` and so on."""
        return self.labels.get("app.kubernetes.io/component", self.labels.get("app", ""))

    @property
    def container(self) -> Document:
        """Return the container that the pod is for; others stand behind it."""
        return dict(self.spec["containers"][0])

    @property
    def ports(self) -> dict[str, int]:
        """Return the ports of all containers by name."""
        found = [p for one in self.spec["containers"] for p in one.get("ports", ())]
        return {port["name"]: int(port["containerPort"]) for port in found}


class Manifests:
    """What one overlay applies."""

    def __init__(self, documents: list[Document]) -> None:
        self.documents = documents

    def named(self, kind: str) -> dict[str, Document]:
        """Return the documents of a kind by name."""
        return {d["metadata"]["name"]: d for d in self.documents if d["kind"] == kind}

    def generated(self, kind: str, name: str) -> Document:
        """Return the one document whose name is `name` and a hash of what is in it."""
        pattern = re.compile(rf"{name}-[0-9a-z]{{10}}")
        (found,) = (one for key, one in self.named(kind).items() if pattern.fullmatch(key))
        return found

    @cached_property
    def pods(self) -> list[Pod]:
        """Return the pods of all workloads."""
        return list(self._pods())

    def _pods(self) -> Iterator[Pod]:
        for document in self.documents:
            if document["kind"] in _WORKLOADS:
                template = document["spec"]["template"]
                yield Pod(
                    document["metadata"]["name"], template["metadata"]["labels"], template["spec"]
                )

    def pod(self, workload: str) -> Pod:
        """Return the pods of one workload."""
        (found,) = (pod for pod in self.pods if pod.workload == workload)
        return found

    def environment(self, pod: Pod) -> dict[str, str]:
        """Return the variables of a pod's container, ConfigMaps included, secrets not."""
        container = pod.container
        values: dict[str, str] = {}
        for source in container.get("envFrom", ()):
            values |= self.named("ConfigMap")[source["configMapRef"]["name"]]["data"]
        for variable in container.get("env", ()):
            values[variable["name"]] = variable.get("value", "")
        return values


def stage(target: Path) -> Path:
    """Copy deploy/ to a folder where secrets may be made; return its k8s folder."""
    shutil.copytree(REPOSITORY / "deploy", target, ignore=shutil.ignore_patterns("secrets"))
    return target / "k8s"


def make_secrets(k8s: Path, overlay: str) -> subprocess.CompletedProcess[str]:
    """Run the script that makes an overlay's secrets."""
    script = str(k8s / "secrets.sh")
    return subprocess.run([script, overlay], capture_output=True, text=True, check=False)


def kustomize(folder: Path) -> subprocess.CompletedProcess[str]:
    """Build a kustomization with the restrictions of `kubectl apply -k`."""
    kubectl = Path(sys.executable).with_name("kubectl")
    return subprocess.run(
        [str(kubectl), "kustomize", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=_BUILD_TIMEOUT_S,
    )


def build(folder: Path) -> Manifests:
    """Build a kustomization that has to succeed, without a warning."""
    built = kustomize(folder)
    if built.returncode != 0 or built.stderr:
        raise AssertionError(built.stderr)
    return Manifests(list(yaml.safe_load_all(built.stdout)))

"""The manifests of a load test inside Kubernetes: they parse, and they fit the program."""

from typing import Any

import pytest
import yaml

from loadtest.arguments import build_parser
from loadtest.scenario import load
from tests.support.worker import REPOSITORY

MANIFEST = REPOSITORY / "deploy" / "k8s" / "overlays" / "loadtest" / "loadtest.yaml"


@pytest.fixture
def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(MANIFEST.read_text(encoding="utf-8")))


def job(documents: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (found,) = (one for one in documents if one["metadata"]["name"] == f"chat-loadtest-{name}")
    spec: dict[str, Any] = found["spec"]
    return spec


def container(spec: dict[str, Any]) -> dict[str, Any]:
    (found,) = spec["template"]["spec"]["containers"]
    return dict(found)


def options(spec: dict[str, Any]) -> Any:
    def nothing(_: Any) -> int:
        return 0

    parser = build_parser(run=nothing, agent=nothing, scenarios=nothing)
    return parser.parse_args(container(spec)["args"])


def test_every_argument_is_one_the_program_knows(documents: list[dict[str, Any]]) -> None:
    coordinator = options(job(documents, "coordinator"))
    agent = options(job(documents, "agents"))

    assert load(coordinator.scenario).title
    assert coordinator.listen[1] == agent.join[1]
    assert agent.join[0] == "chat-loadtest"


def test_the_coordinator_waits_for_as_many_agents_as_there_are(
    documents: list[dict[str, Any]],
) -> None:
    agents = job(documents, "agents")

    assert agents["completionMode"] == "Indexed"
    count = options(job(documents, "coordinator")).remote_agents
    assert agents["completions"] == agents["parallelism"] == count


def test_source_ports_are_enough_for_an_agents_share(documents: list[dict[str, Any]]) -> None:
    coordinator = options(job(documents, "coordinator"))
    (ports,) = job(documents, "agents")["template"]["spec"]["securityContext"]["sysctls"]
    lowest, highest = map(int, ports["value"].split())

    share = load(coordinator.scenario).connections.count / coordinator.remote_agents

    assert share <= highest - lowest


@pytest.mark.parametrize("name", ["coordinator", "agents"])
def test_secrets_come_from_a_secret_only(name: str, documents: list[dict[str, Any]]) -> None:
    spec = job(documents, name)

    for variable in container(spec).get("env", []):
        assert "value" not in variable
        assert "secretKeyRef" in variable["valueFrom"]
    (secret,) = (v for v in spec["template"]["spec"]["volumes"] if v["name"] == "secret")
    assert secret["secret"]["secretName"] == "chat-loadtest"


def test_the_service_selects_the_coordinator(documents: list[dict[str, Any]]) -> None:
    (service,) = (one for one in documents if one["kind"] == "Service")
    labels = job(documents, "coordinator")["template"]["metadata"]["labels"]

    assert service["metadata"]["name"] == "chat-loadtest"
    assert service["spec"]["selector"].items() <= labels.items()

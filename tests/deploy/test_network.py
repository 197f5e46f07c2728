"""Who may talk to whom: the policies, worked out as a cluster does it."""

from typing import Any, NamedTuple

import pytest

from tests.deploy.conftest import Built
from tests.deploy.manifests import Manifests, Pod


class Flow(NamedTuple):
    """A connection that both ends allow."""

    source: str
    target: str
    port: int


FRONT = {
    Flow("haproxy", "worker", 8080),
    Flow("haproxy", "api", 8090),
    Flow("worker", "redis", 6379),
    Flow("api", "redis", 6379),
}
CLUSTER = {
    Flow("redis", "redis", 6379),
    Flow("redis", "redis", 16379),
    Flow("redis-form", "redis", 6379),
}


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    for expression in selector.get("matchExpressions", ()):
        assert expression["operator"] == "In"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return True


def allows(manifests: Manifests, way: str, pod: Pod, other: Pod, port: int) -> bool:
    """Return whether a policy of `pod` lets it be reached by, or reach, `other`."""
    peers = "from" if way == "Ingress" else "to"
    for policy in manifests.named("NetworkPolicy").values():
        spec = policy["spec"]
        if way not in spec["policyTypes"] or not selects(spec["podSelector"], pod.labels):
            continue
        for rule in spec.get(way.lower(), ()):
            from_any = peers not in rule
            from_here = any(
                "namespaceSelector" not in peer and selects(peer["podSelector"], other.labels)
                for peer in rule.get(peers, ())
            )
            if (from_any or from_here) and port in {p["port"] for p in rule["ports"]}:
                return True
    return False


def flows(manifests: Manifests) -> set[Flow]:
    return {
        Flow(source.component, target.component, port)
        for source in manifests.pods
        for target in manifests.pods
        for port in target.ports.values()
        if allows(manifests, "Egress", source, target, port)
        and allows(manifests, "Ingress", target, source, port)
    }


@pytest.mark.parametrize(("name", "expected"), [
    ("development", FRONT), ("production", FRONT), ("redis-cluster", FRONT | CLUSTER),
])  # fmt: skip
def test_only_the_flows_that_are_needed_are_open(
    built: Built, name: str, expected: set[Flow]
) -> None:
    assert flows(built.overlay(name)) == expected


def test_a_load_test_reaches_the_front_and_itself(built: Built) -> None:
    both = Manifests([*built.overlay("production").documents, *built.overlay("loadtest").documents])

    assert flows(both) - FRONT == {
        Flow("chat-loadtest", "chat-loadtest", 7400),
        Flow("chat-loadtest", "haproxy", 8443),
        Flow("chat-loadtest", "haproxy", 8080),
    }


def test_everything_else_is_refused(system: Manifests) -> None:
    default = system.named("NetworkPolicy")["chat-default-deny"]["spec"]

    assert default == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_only_the_front_is_reached_from_outside(system: Manifests) -> None:
    open_to_all = set()
    for policy in system.named("NetworkPolicy").values():
        for rule in policy["spec"].get("ingress", ()):
            if "from" not in rule:
                open_to_all |= {
                    (pod.component, port["port"])
                    for pod in system.pods
                    if selects(policy["spec"]["podSelector"], pod.labels)
                    for port in rule["ports"]
                }
    published = {name for name, one in system.named("Service").items() if "type" in one["spec"]}

    assert open_to_all == {("haproxy", 8080), ("haproxy", 8443)}
    assert published == {"chat-haproxy"}

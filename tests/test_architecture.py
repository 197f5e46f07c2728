"""The layers of the house: who may import whom, who may touch a dependency, what is pure."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "chat").rglob("*.py"))

#: What each package may import of the others, besides itself and `chat.settings`.
ALLOWED = {
    "protocol": set(),
    "limits": {"protocol.patterns"},
    "conversations": {"protocol", "identity.access", "identity.users"},
    "identity": {"protocol.patterns"},
    "gateway": {"protocol", "ops.stats"},
    "moderation": {"protocol"},
    "screening": {"protocol", "ops.stats"},
    "broker": {"conversations", "limits.users", "moderation", "protocol", "ops.stats"},
    "rooms": {"broker", "conversations", "moderation", "protocol", "ops.stats"},
    "nodes": {"broker", "ops.stats"},
    "worker": {
        "broker",
        "conversations",
        "gateway",
        "screening",
        "identity",
        "limits",
        "moderation",
        "ops",
        "protocol",
        "rooms",
        "supervisor",
    },
    "files": set(),
    "api": {
        "broker",
        "conversations",
        "files",
        "gateway",
        "screening",
        "identity",
        "limits",
        "moderation",
        "ops",
        "protocol",
        "rooms",
    },
    "webhooks": {"broker", "ops", "protocol"},
    "ops": {"gateway.http", "identity"},
    "supervisor": {"ops"},
    "front": {"broker.registry", "nodes.living"},
    "client": set(),
    "terminal": {"client", "ops.signals"},
}

#: Each third-party package comes in by few doors.
DOORS = {
    "aiohttp": {"screening/remote.py", "webhooks/poster.py"},
    "h11": {"api/server.py"},
    "hiredis": {"broker/link.py"},
    "redis": {"broker/target.py", "supervisor/embedded.py"},
    "jwt": {
        "identity/jwks.py",
        "identity/keys.py",
        "identity/keys_file.py",
        "identity/tokens.py",
        "ops/signing.py",
    },
    "prometheus_client": {"api/metrics.py", "webhooks/metrics.py", "ops/metrics.py"},
    "starlette": {
        "api/acting.py",
        "api/application.py",
        "api/authentication.py",
        "api/body.py",
        "api/changing.py",
        "api/conversations.py",
        "api/event_stream.py",
        "api/events.py",
        "api/health.py",
        "api/incoming.py",
        "api/messages.py",
        "api/operations.py",
        "api/participants.py",
        "api/reporting.py",
        "api/reports.py",
        "api/presence.py",
        "api/room.py",
        "api/rooms.py",
        "api/sanctions.py",
        "api/serving.py",
        "api/statistics.py",
        "api/tokens.py",
        "api/unread.py",
        "api/uploading.py",
        "api/users.py",
    },
    "obstore": {"files/bucket.py"},
    "puremagic": {"files/kinds.py"},
    "uvicorn": {"api/server.py"},
    "uvloop": {"api/main.py", "webhooks/main.py", "worker/main.py"},
}

#: Pure code takes the time as an argument and returns what is to be done.
PURE = (
    "protocol",
    "limits",
    "rooms/stream.py",
    "rooms/room.py",
    "identity/access.py",
    "identity/users.py",
    "api/idempotency.py",
    "api/sse.py",
    "moderation",
    "screening/breaker.py",
    "screening/memory.py",
    "screening/plain.py",
    "screening/words.py",
    "conversations",
    "gateway/proxy_header.py",
    "webhooks/answers.py",
    "webhooks/delivery.py",
    "webhooks/kinds.py",
    "front/address.py",
    "front/registered.py",
    "front/servers.py",
    "client/errors.py",
    "client/events",
    "client/fold.py",
    "client/outbox.py",
    "client/policy.py",
    "client/published.py",
    "client/typists.py",
    "client/walk.py",
    "terminal/plain.py",
    "terminal/wording.py",
)
IMPURE = {"socket", "ssl", "time", "random", "os", "logging", "threading", "redis"}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def place(path: Path) -> str:
    return path.relative_to(ROOT / "chat").as_posix()


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_a_package_imports_only_from_the_layers_below_it(path: Path) -> None:
    package = place(path).split("/")[0]
    if package not in ALLOWED:
        return  # the top: cli, settings and their like
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "chat" or len(parts) == 1 or parts[1] in (package, "settings"):
            continue
        inner = ".".join(parts[1:])
        assert any(inner == ok or inner.startswith(ok + ".") for ok in ALLOWED[package]), name


@pytest.mark.parametrize("dependency", DOORS)
def test_a_dependency_comes_in_by_its_doors_only(dependency: str) -> None:
    users = {
        place(path)
        for path in MODULES
        if any(name.split(".")[0] == dependency for name in imports(path))
    }
    assert users <= DOORS[dependency]


@pytest.mark.parametrize(
    "path", [path for path in MODULES if place(path).startswith(PURE)], ids=place
)
def test_pure_code_does_no_input_or_output(path: Path) -> None:
    assert not {name.split(".")[0] for name in imports(path)} & IMPURE

"""The harness is a client of any deployment: it knows nothing of the server but the protocol."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "loadtest"
MODULES = sorted(ROOT.rglob("*.py"))
PURE = ("agent/plan", "agent/schedule", "agent/stamp", "agent/timers", "agent/tracking", "wire")
IMPURE = {"os", "pathlib", "select", "socket", "ssl", "time"}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_harness_imports_nothing_of_the_server(path: Path) -> None:
    for name in imports(path):
        top, _, inner = name.partition(".")
        assert top not in ("benchmarks", "tests"), name
        # Its version is all; canaries are programs on the SDK, by the door that programs have.
        sdk = inner == "client" and path.parent == ROOT / "canaries"
        assert top != "chat" or not inner or sdk, name


@pytest.mark.parametrize("name", PURE)
def test_pure_modules_do_no_input_or_output_and_ask_no_clock(name: str) -> None:
    assert not {one.split(".")[0] for one in imports(ROOT / f"{name}.py")} & IMPURE

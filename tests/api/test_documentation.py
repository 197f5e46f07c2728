"""The page about the HTTP side is played: every command in it works and answers as it says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.api.conftest import StartApi
from tests.front.conftest import StartCluster
from tests.support.tokens import SECRET
from tests.support.worker import REPOSITORY

pytestmark = pytest.mark.slow

PAGE = (REPOSITORY / "docs" / "http-api.md").read_text()
COMMAND = re.compile(
    r"((?:^    \$ [^\n]*\n(?:^      [^\n]*\n)*)+)(?:\n```json\n(.*?)```)?", re.MULTILINE | re.DOTALL
)
#: How long a stream is looked at: longer again where the machine was too busy to open it.
LOOKS_S = (1, 5, 20)
TIMED_OUT = 28  # curl's exit code


class Example(NamedTuple):
    """Commands, and what the page shows as the answer of the last of them."""

    commands: str
    answer: Any


def examples() -> list[Example]:
    """Return what the page tells to type."""
    found = []
    for commands, answer in COMMAND.findall(PAGE):
        text = re.sub(r"^    (?:\$ )?", "", commands, flags=re.MULTILINE)
        found.append(Example(text, json.loads(answer) if answer else None))
    return found


def played(script: str, folder: Path, **variables: str) -> str:
    """Run a script as a person would and return what it prints; it has to succeed."""
    binaries = folder / "bin"
    if not binaries.exists():
        binaries.mkdir()
        chat = binaries / "chat"
        chat.write_text(f'#!/bin/sh\nexec {sys.executable} -m chat "$@"\n')
        chat.chmod(0o755)
    environ = {name: text for name, text in os.environ.items() if not name.startswith("CHAT_")}
    environ |= {
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "CHAT_JWT_SECRET": SECRET,
        **variables,
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def shape(value: Any) -> Any:
    """Return what stays when the values are taken out of a JSON value."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items() if name != "retryAfterMs"}
    if isinstance(value, list):
        return [shape(part) for part in value[:1]]
    return type(value).__name__


async def test_every_command_of_the_page_works(
    start_api: StartApi, cluster: StartCluster, tmp_path: Path
) -> None:
    await cluster(1)
    first, *rest = examples()
    assert "chat api-key" in first.commands
    secrets = played(f'{first.commands}\necho "$KEY"\necho "$TOKEN"', tmp_path).splitlines()
    key, token = secrets[-2:]
    api = await start_api(api_keys_file=str(tmp_path / "api-keys"))
    assert len(rest) >= 6
    for example in rest:
        script = example.commands.replace("127.0.0.1:8090", f"127.0.0.1:{api.port}")
        script = script.replace("curl", "curl --silent --show-error --fail-with-body")
        is_stream = "--no-buffer" in script
        printed = ""
        for look_s in LOOKS_S if is_stream else (0,):
            looking = script.replace("--no-buffer", f"--no-buffer --max-time {look_s}")
            if is_stream:
                looking = f"{looking.rstrip()} || test $? = {TIMED_OUT}"
            printed = played(looking, tmp_path, KEY=key, TOKEN=token)
            if "event: stream_opened\n" in printed:
                break
        assert not is_stream or "event: stream_opened\n" in printed
        if example.answer is not None:
            assert shape(json.loads(printed)) == shape(example.answer), example.commands


async def test_the_page_names_every_operation(start_api: StartApi) -> None:
    api = await start_api()
    document = await api.ask("/api/openapi.json", None)
    for path in document.body["paths"]:
        assert path in PAGE

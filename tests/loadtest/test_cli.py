"""The command: help, exit codes, sentences. Whole tests are in test_load_test.py."""

import subprocess
import sys
from pathlib import Path

import pytest

from loadtest.arguments import DELEGATED
from loadtest.cli import COULD_NOT_RUN, main
from loadtest.environment import describe
from tests.support.worker import REPOSITORY

NOWHERE = "ws://127.0.0.1:1/ws"


@pytest.mark.parametrize("command", ["", "run", "agent", "scenarios"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])

    assert ended.value.code == 0
    assert "usage: chat-loadtest" in capsys.readouterr().out


def test_the_scenarios_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios"]) == 0

    out = capsys.readouterr().out
    assert "chat-mix" in out
    assert "1,000,000  A million clients" in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "no-such"], "no-such: No such file"),
        (["run", "chat-mix", "--url", "http://x"], "is not like ws://host"),
        (["run", "chat-mix", "--agents", "0"], "leaves nobody"),
        (["run", "chat-mix", "--set", "rooms.size=0"], "Expected `int` >= 1"),
        (["run", "chat-mix", "--remote-agents", "1"], "need a join secret"),
        (["run", "chat-mix", "--ops", "nonsense"], "is not like http://host"),
        (["agent", "--join", "127.0.0.1:1"], "There is no join secret"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    arguments: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LOADTEST_SECRET", raising=False)
    monkeypatch.chdir(tmp_path)

    assert main(arguments) == COULD_NOT_RUN

    said = capsys.readouterr().err
    assert sentence in said
    assert "Traceback" not in said


@pytest.mark.parametrize("command", DELEGATED)
def test_commands_with_a_parser_of_their_own_have_help(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip(DELEGATED[command][0])

    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    assert ended.value.code == 0
    assert command in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "chat-mix", "--connections", "0"],
        ["run", "chat-mix", "--rate", "inf"],
        ["run", "chat-mix", "--set", "nothing"],
        ["agent", "--join", "nowhere"],
        [],
    ],
)
def test_wrong_arguments_end_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == COULD_NOT_RUN


def test_it_runs_from_a_checkout_as_a_module() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "loadtest", "scenarios"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "million" in answer.stdout


@pytest.mark.parametrize(
    "address",
    ["redis://me:hidden@cache:6379/0", "--redis=redis://:hidden@cache", "redis://:hid@den@cache/0"],
)
def test_passwords_do_not_get_into_results(address: str) -> None:
    environment = describe(["chat-loadtest", "--redis", address, "--url", "ws://h:1/ws"])

    assert "hid" not in environment.command
    assert "***@cache" in environment.command
    assert environment.command.endswith("ws://h:1/ws")


def test_the_environment_is_described() -> None:
    environment = describe([])

    assert environment.cores > 0
    assert environment.versions["chat-cluster"]

"""The arguments and the help of the `chat-loadtest` command."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chat import __version__
from loadtest.addresses import split
from loadtest.overriding import parse_setting
from loadtest.scenario import ScenarioError

Command = Callable[[argparse.Namespace], int]

DEFAULT_URL = "ws://127.0.0.1:8080/ws"
#: Commands with a parser of their own: where it is, and what they do.
DELEGATED = {
    "report": ("loadtest.report.cli", "make the page of a test out of its results.json"),
    "capacity": ("loadtest.capacity.cli", "tell what a deployment of a given size needs"),
    "preflight": ("loadtest.preflight.cli", "tell whether this machine can carry a test"),
}

_EPILOG = """\
Each command has its own --help; docs/loadtest.md is the whole story.

exit codes of run:
  0    every threshold was kept
  1    a threshold was missed, or the test broke off
  2    the test could not begin, or an argument is wrong
  130  interrupted; what was found until then is written
"""
_RUN = """\
SCENARIO is the name of a shipped one (`scenarios` lists them) or the path of a TOML file.

Agents sign the clients' tokens with LOADTEST_JWT_SECRET or CHAT_JWT_SECRET of their environment;
the key never travels. Agents on other machines need the join secret too: put one into a file for
--secret-file, or into LOADTEST_SECRET, on every machine.

Ctrl-C lets messages on their way arrive and writes what was found; a second one cuts.

examples:
  CHAT_JWT_SECRET=... python -m loadtest run idle-hold
  python -m loadtest run chat-mix --connections 500 --rate 50 --hold 20
  python -m loadtest run ./mine.toml --set thresholds.delivery_p99_ms=80 --out results/mine
  python -m loadtest run million --url wss://chat.example/ws --agents 0 --remote-agents 60 \\
      --listen 10.0.0.5:7400 --secret-file join-secret --ops http://10.0.1.1:9100
"""
_AGENT = """\
Joins a coordinator, takes its share of a test, and ends with it.

examples:
  python -m loadtest agent --join 10.0.0.5:7400 --secret-file join-secret
  LOADTEST_SECRET=... LOADTEST_JWT_SECRET=... python -m loadtest agent --join 10.0.0.5:7400
"""


def build_parser(*, run: Command, agent: Command, scenarios: Command) -> argparse.ArgumentParser:
    """Return the parser; the chosen command is in `options.command`."""
    parser = argparse.ArgumentParser(
        prog="chat-loadtest",
        description="Load tests for the chat cluster: many clients, honest figures, a verdict.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"chat-loadtest {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    _run_arguments(_add(commands, "run", run, "run a load test", _RUN))
    _agent_arguments(_add(commands, "agent", agent, "carry clients for a coordinator", _AGENT))
    _add(commands, "scenarios", scenarios, "list the shipped scenarios", "")
    for name, (_, summary) in DELEGATED.items():
        commands.add_parser(name, help=summary, add_help=False)
    return parser


def _add(
    commands: Any, name: str, command: Command, summary: str, text: str
) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    added.set_defaults(command=command)
    return added


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", metavar="SCENARIO")
    _target_arguments(parser.add_argument_group("target"))
    _size_arguments(parser.add_argument_group("instead of what the scenario says"))
    _agents_arguments(parser.add_argument_group("agents"))
    _sampling_arguments(parser.add_argument_group("what else is looked at"))
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="where results go (default: loadtest-results/TIME-SCENARIO)",
    )
    parser.add_argument(
        "--plain", action="store_true", help="lines instead of a live view on a terminal"
    )


def _target_arguments(group: Any) -> None:
    group.add_argument(
        "--url", default=DEFAULT_URL, help=f"WebSocket address (default: {DEFAULT_URL})"
    )
    group.add_argument("--ca-file", metavar="FILE", help="authorities to trust, on the agents")
    group.add_argument(
        "--insecure", action="store_true", help="do not verify the server's certificate"
    )
    group.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="connect from this address of the agents' machine; may be repeated (default for a "
        "target on this machine: many of 127.0.0.0/8)",
    )


def _size_arguments(group: Any) -> None:
    group.add_argument("--connections", type=positive, metavar="N", help="clients in all")
    group.add_argument("--ramp", type=seconds, metavar="N", help="clients that arrive a second")
    group.add_argument("--hold", type=seconds, metavar="S", help="seconds that are judged")
    group.add_argument("--rate", type=seconds, metavar="N", help="messages a second in all")
    group.add_argument(
        "--canaries",
        type=number,
        metavar="N",
        help="clients of the Python SDK beside the others, in a process of their own on this "
        "machine; judged and reported apart",
    )
    group.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="PATH=VALUE",
        help="any field, such as storm.share=0.5; may be repeated",
    )
    group.add_argument(
        "--seed",
        type=number,
        default=1,
        metavar="N",
        help="who is in which room and sends when follows from it (default: 1)",
    )


def _agents_arguments(group: Any) -> None:
    group.add_argument(
        "--agents",
        type=number,
        metavar="N",
        help="processes on this machine (default: one per core, more where descriptors are few; "
        "none with --remote-agents)",
    )
    group.add_argument(
        "--remote-agents",
        type=number,
        default=0,
        metavar="N",
        help="wait for so many from other machines",
    )
    group.add_argument(
        "--listen",
        type=address,
        metavar="HOST:PORT",
        help="where agents join (default: a free port of 127.0.0.1)",
    )
    group.add_argument(
        "--join-timeout",
        type=seconds,
        default=60.0,
        metavar="S",
        help="longest wait for the agents (default: 60)",
    )
    _secret_argument(group)


def _sampling_arguments(group: Any) -> None:
    group.add_argument(
        "--ops",
        action="append",
        default=[],
        metavar="URL",
        help="an operations port, such as http://127.0.0.1:9100; may be repeated",
    )
    group.add_argument("--redis", metavar="URL", help="the deployment's Redis, for its INFO")
    group.add_argument(
        "--worker-pids",
        type=_pids,
        default=[],
        metavar="PID,PID",
        help="workers on this machine that no --ops tells of",
    )
    group.add_argument(
        "--sample-interval",
        type=seconds,
        default=2.0,
        metavar="S",
        help="between two samples (default: 2)",
    )


def _agent_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--join", required=True, type=address, metavar="HOST:PORT")
    _secret_argument(parser)


def _secret_argument(group: Any) -> None:
    group.add_argument(
        "--secret-file",
        type=Path,
        metavar="FILE",
        help="the join secret, instead of LOADTEST_SECRET",
    )


def _setting(text: str) -> tuple[str, Any]:
    try:
        return parse_setting(text)
    except ScenarioError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from None


def address(text: str) -> tuple[str, int]:
    """Read `host:port`."""
    try:
        return split(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from None


def number(text: str) -> int:
    """Read a whole number from 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0")
    return int(text)


def positive(text: str) -> int:
    """Read a whole number from 1."""
    found = number(text)
    if found < 1:
        raise argparse.ArgumentTypeError("it must be at least 1")
    return found


def seconds(text: str) -> float:
    """Read a number from 0 that is not infinite."""
    try:
        found = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0 <= found < float("inf"):
        raise argparse.ArgumentTypeError("it must be at least 0")
    return found


def _pids(text: str) -> list[int]:
    return [positive(word.strip()) for word in text.split(",")]

"""The `chat-loadtest` command: `run`, `agent`, `scenarios`, `report`, `capacity`, `preflight`."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console

from loadtest import environment
from loadtest.addresses import is_loopback
from loadtest.arguments import DELEGATED, build_parser
from loadtest.control import Target
from loadtest.coordinator.coordinator import INTERRUPTED
from loadtest.coordinator.plan import CannotRunError, InterruptedEarlyError, Plan
from loadtest.coordinator.sharing import local_agents, loopback_sources
from loadtest.joining import VARIABLE, SecretError, find_secret, new_secret
from loadtest.overriding import override
from loadtest.run import Sampling, run_test, save
from loadtest.sampling.operations import OperationsError
from loadtest.sampling.store import StoreError
from loadtest.scenario import SHIPPED, Scenario, ScenarioError, load
from loadtest.summary import summarize

PASSED, MISSED, COULD_NOT_RUN, BROKEN_OFF = 0, 1, 2, 130
_FOLDER = Path("loadtest-results")


class ArgumentsError(Exception):
    """Arguments do not fit together; the text says which."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in DELEGATED:
        code: int = import_module(DELEGATED[arguments[0]][0]).main(list(arguments[1:]))
        return code
    parser = build_parser(run=_run, agent=_agent, scenarios=_scenarios)
    options = parser.parse_args(arguments)
    try:
        code = options.command(options)
    except (
        ArgumentsError,
        CannotRunError,
        OperationsError,
        ScenarioError,
        SecretError,
        StoreError,
    ) as exc:
        print(f"chat-loadtest: {exc}", file=sys.stderr)
        return COULD_NOT_RUN
    except (InterruptedEarlyError, KeyboardInterrupt):
        return BROKEN_OFF
    return code


# ------------------------------------------------------------------------ run


def _run(options: argparse.Namespace) -> int:
    scenario = override(load(options.scenario), _settings(options))
    directory = options.out or _FOLDER / _name(options.scenario)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ArgumentsError(f"{directory}: {exc.strerror}.") from None
    plan = _plan(options, scenario, directory)
    sampling = Sampling(
        ops=options.ops,
        redis=options.redis,
        pids=options.worker_pids,
        interval_s=max(1.0, options.sample_interval),
    )
    command = ["chat-loadtest", *sys.argv[1:]]
    console = Console(stderr=True)
    found = asyncio.run(run_test(plan, sampling, console, command, plain=options.plain))
    print(summarize(found))
    try:
        paths = save(found, directory)
    except OSError as exc:
        raise ArgumentsError(f"The results cannot be written: {exc}.") from None
    for path in paths:
        print(path)
    if found.ended_by == INTERRUPTED:
        return BROKEN_OFF
    return PASSED if found.passed else MISSED


def _settings(options: argparse.Namespace) -> list[tuple[str, Any]]:
    named = {
        "connections.count": options.connections,
        "connections.ramp_per_s": options.ramp,
        "hold_s": options.hold,
        "traffic.messages_per_s": options.rate,
        "canaries.count": options.canaries,
    }
    given = [(path, value) for path, value in named.items() if value is not None]
    return [*given, *options.set]


def _name(scenario: str) -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{Path(scenario).stem}"


def _plan(options: argparse.Namespace, scenario: Scenario, directory: Path) -> Plan:
    target = _target(options, scenario)
    count = options.agents
    if count is None:
        count = 0
        if not options.remote_agents:
            limit = environment.descriptor_limit()
            count = local_agents(scenario.connections.count, os.cpu_count() or 1, limit)
    if count + options.remote_agents == 0:
        raise ArgumentsError("--agents 0 leaves nobody: say --remote-agents N too.")
    secret = find_secret(options.secret_file)
    if options.remote_agents and secret is None:
        raise ArgumentsError(f"Remote agents need a join secret: --secret-file or {VARIABLE}.")
    if options.remote_agents and options.listen is None:
        raise ArgumentsError("Remote agents need an address to join: --listen HOST:PORT.")
    return Plan(
        scenario=scenario,
        target=target,
        seed=options.seed,
        secret=secret or new_secret(),
        local_agents=count,
        remote_agents=options.remote_agents,
        listen=options.listen or ("127.0.0.1", 0),
        join_timeout_s=options.join_timeout,
        log_dir=directory,
    )


def _target(options: argparse.Namespace, scenario: Scenario) -> Target:
    url = urlsplit(options.url)
    if url.scheme not in ("ws", "wss") or not url.hostname:
        raise ArgumentsError(f"--url {options.url!r} is not like ws://host:8080/ws.")
    sources = tuple(options.source)
    if not sources and is_loopback(url.hostname):
        sources = loopback_sources(scenario.connections.count, scenario.connections.ramp_per_s)
    return Target(
        url=options.url,
        ca_file=options.ca_file,
        verify_tls=not options.insecure,
        source_addresses=sources,
    )


# ---------------------------------------------------------------------- agent


def _agent(options: argparse.Namespace) -> int:
    secret = find_secret(options.secret_file)
    if secret is None:
        raise ArgumentsError(f"There is no join secret: --secret-file or {VARIABLE}.")
    host, port = options.join
    code: int = import_module("loadtest.agent.process").run_agent(host, port, secret)
    return code


# ------------------------------------------------------------------ scenarios


def _scenarios(_options: argparse.Namespace) -> int:
    paths = sorted(SHIPPED.glob("*.toml"))
    width = max(len(path.stem) for path in paths)
    for path in paths:
        scenario = load(path.stem)
        print(f"{path.stem:<{width}}  {scenario.connections.count:>9,}  {scenario.title}")
    print(f"\n{'':<{width}}  {'clients':>9}  description: {SHIPPED}/NAME.toml")
    return 0

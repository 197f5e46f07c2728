"""The arguments and the help of the `chat` command."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chat import __version__
from chat.identity.access import MEMBER, Action
from chat.identity.apikeys import Scope
from chat.settings import Settings

Command = Callable[[argparse.Namespace, Settings], int]

_CHAT = """\
Settings are CHAT_ variables of the environment: `chat settings` shows those in force,
docs/settings.md explains each.
"""
_UP = """\
Starts the workers (CHAT_WORKERS, default one per core) behind one port, restarts those that die
and serves /healthz, /readyz and /metrics for all of them on the operations port.

signals:
  SIGTERM, SIGINT  drain and stop; a second one hurries, a third one kills
  SIGHUP           replace the workers one at a time

examples:
  chat up --local                      everything on this machine, nothing to configure
  chat up --local --workers 1 --data-dir /tmp/try
  chat up --local --webhook http://localhost:9000/
  CHAT_REDIS_URL=redis://cache:6379/0 CHAT_JWT_SECRET=... CHAT_HOST=0.0.0.0 chat up
"""
_WORKER = """\
Runs one worker in this process. `chat up` starts workers itself; alone, a worker suits a
container or a service manager that does what `chat up` does.

Without --listen-fd it binds CHAT_HOST and CHAT_PORT. It serves its own operations port
(--ops-fd, or CHAT_OPS_HOST and CHAT_OPS_PORT) unless it reports to a supervisor.
SIGTERM drains it.

examples:
  CHAT_REDIS_URL=redis://cache:6379/0 CHAT_JWT_SECRET=... chat worker
  CHAT_PORT=8081 CHAT_OPS_PORT=9101 CHAT_JWT_SECRET=... chat worker
"""
_NODES = """\
Lists the workers that live, of all hosts, as they registered in Redis (CHAT_REDIS_URL and
CHAT_REDIS_PREFIX). A worker that was killed is gone after CHAT_LEASE_TTL.

exit codes: 0; 1 with a sentence if Redis cannot be reached

examples:
  chat nodes
  chat nodes --json | jq -r '.[] | select(.state != "ready").address'
"""
_API = """\
Runs one process of the HTTP side: the web page, rooms without a WebSocket under /api/v1, the
description at /api/openapi.json and /docs. It suits a container or a service manager; for
more of them, run more.

Without --listen-fd it binds CHAT_API_HOST and CHAT_API_PORT, and without --ops-fd CHAT_OPS_HOST
and CHAT_OPS_PORT for /healthz, /readyz and /metrics. SIGTERM drains it: /readyz turns red, after
CHAT_API_DRAIN_DELAY it stops accepting and ends with the last answer. A second signal hurries.

With --local it serves the cluster of `chat up --local` (or `make run`, which has one already) on
this machine, on operations port 9110, with the API keys of the file `api-keys` in the data folder.

examples:
  chat api --local                     beside `make run`
  CHAT_REDIS_URL=redis://cache:6379/0 CHAT_JWT_SECRET=... chat api
  CHAT_API_PORT=8091 CHAT_OPS_PORT=9111 CHAT_JWT_SECRET=... chat api
"""
_HOOKS = """\
Posts what happens in rooms to endpoints of others, signed, in the order of each room, and again
until it is taken (docs/webhooks.md). The endpoint is that of CHAT_WEBHOOK_URL, or the endpoints are
those of the file CHAT_WEBHOOKS_FILE. Workers and `chat api` need CHAT_WEBHOOKS=true, too. Several
processes share the rooms.

Without --ops-fd it binds CHAT_OPS_HOST and CHAT_OPS_PORT for /healthz, /readyz and /metrics.
SIGTERM: what is under way is ended, the rest is left to the others.

examples:
  chat hooks --secret
  CHAT_WEBHOOKS=true CHAT_WEBHOOKS_FILE=webhooks.toml chat hooks --check
  CHAT_WEBHOOKS=true CHAT_WEBHOOK_URL=https://crm.example/chat CHAT_WEBHOOK_SECRET=... chat hooks
"""
_MINTING = """\
Prints a token, and nothing else, signed with CHAT_JWT_SECRET or with the first private or
symmetric key of CHAT_JWT_KEYS_FILE. For development and tests: in production your own sign-in
service makes tokens.

examples:
  chat token --user ann
  chat token --user ann --name Ann --room 'news-*=join' --room team=join,publish --ttl 600
"""
_API_KEY = """\
Makes an API key for a back end. It is printed once and kept nowhere: the file of
CHAT_API_KEYS_FILE has its hash. Without --file two lines are printed, the key and its line for
the file; with --file the line is added there and the key alone is printed. Every `chat api` reads
its file again when it changes; to take a key out of force, take out its line.

scopes:
  publish     publish, in the name of any user
  read        history, presence, event streams
  tokens      mint tokens for users
  statistics  totals of the cluster
  moderate    moderate; with `publish`, not held back by slow mode and users' limits

examples:
  chat api-key --scope publish --room 'news-*' --note cms --file api-keys
  chat api-key --scope publish --room '*' --file chat-data/api-keys   for `make run`
  chat api-key --scope tokens,statistics --room '*'
"""
_FRONT = """\
For HAProxy in front of the workers (docs/haproxy.md). `servers` prints its list of servers,
`state` shows what it thinks of them, `drain` keeps new connections away from a worker and `ready`
takes that back; connections that it has stay.

examples:
  chat front servers --registered --output /etc/haproxy/servers.cfg
  chat front servers 10.0.0.1:8080 10.0.0.2:8080 --api 10.0.0.1:8090 > servers.cfg
  chat front state
  chat front drain 10.0.0.1:8080
"""
_SERVERS = """\
Prints the file that goes with haproxy.cfg. The workers are those of the addresses, else those of
CHAT_WORKER_SOCKETS, or with --registered those that live, as they registered in Redis
(CHAT_REDIS_URL and CHAT_REDIS_PREFIX), if a HAProxy on this host can reach them: loopback
addresses and sockets count on their own host only. Workers that share an address, as those of
`chat up` without sockets of their own, are one server. Names and ids are made of the addresses,
so that several HAProxies agree.

With --output a file is replaced in one step, if anything changed: it prints `changed` or
`unchanged`. It never writes an empty list.

exit codes: 0; 78 with a sentence if an address is wrong; 1 with a sentence if Redis cannot be
reached, no worker is registered or the file cannot be written, which is then as it was

examples:
  chat front servers 'unix:/run/chat/worker-{slot}.sock' --slots 4 > servers.cfg
  chat front servers 10.0.0.1:8080 10.0.0.2:8080 --api 10.0.0.1:8090 > servers.cfg
  chat front servers --registered --output /etc/haproxy/servers.cfg
"""
_JOIN = """\
Says in a room what comes in on standard input, line by line, and prints what happens there.
Messages go to standard output, the state of the connection and who comes and goes to standard
error. It comes back when the connection breaks, without losing or repeating a line. The end of the
input, Ctrl-C or SIGTERM end it once everything read is acknowledged; a second signal ends it at
once.

With --json every event is a line of JSON as in docs/protocol.md, acknowledgements and refusals
too, and a line of input may be an object: {"content": "Hi"}, or a command with its `type`.

The token is that of --token-file, CHAT_TOKEN or, on the machine of `chat up --local`, one for
--user.

exit codes: 0; 1 if a line was refused or is not acknowledged; 3 if the server did not let one in,
or put one out; 2 and 78 for wrong arguments and settings

examples:
  chat join lobby
  echo 'Deployed.' | CHAT_TOKEN=... chat join ops --url wss://chat.example/ws
  chat join lobby --history 100 --json </dev/null | jq -r .content
"""
_SETTINGS = """\
Prints every setting in force as CHAT_ variables, secrets masked, a * before those that differ
from the default. Fails with a sentence if one is wrong.

examples:
  chat settings
  CHAT_PORT=80800 chat settings
"""
_ASYNCAPI = """\
Prints the AsyncAPI 3.0 document of the WebSocket, as JSON: every command, every event and what
answers what. `chat api` serves the same at /api/asyncapi.json.

examples:
  chat asyncapi > asyncapi.json
  chat asyncapi | jq .components.schemas.JoinRoom
"""


def build_parser(
    *,
    up: Command,
    worker: Command,
    api: Command,
    hooks: Command,
    nodes: Command,
    token: Command,
    api_key: Command,
    settings: Command,
    front: Command,
    join: Command,
    asyncapi: Command,
) -> argparse.ArgumentParser:
    """Return the parser; the chosen command is in `options.command`."""
    parser = argparse.ArgumentParser(
        prog="chat", description="A real-time chat server cluster.", epilog=_CHAT
    )
    parser.add_argument("--version", action="version", version=f"chat {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _up_arguments(_add(commands, "up", up, "run workers behind one port", _UP))
    _worker_arguments(_add(commands, "worker", worker, "run one worker", _WORKER))
    _api_arguments(_add(commands, "api", api, "run the HTTP side", _API))
    _hooks_arguments(_add(commands, "hooks", hooks, "post what happens to others", _HOOKS))
    _nodes_arguments(_add(commands, "nodes", nodes, "list the workers of all hosts", _NODES))
    _join_arguments(_add(commands, "join", join, "talk in a room from here", _JOIN))
    _token_arguments(_add(commands, "token", token, "print a token for development", _MINTING))
    _api_key_arguments(_add(commands, "api-key", api_key, "make a key for a back end", _API_KEY))
    _add(commands, "settings", settings, "print the settings in force", _SETTINGS)
    _front_arguments(_add(commands, "front", front, "what HAProxy needs, and a word to it", _FRONT))
    _add(commands, "asyncapi", asyncapi, "print the protocol's description", _ASYNCAPI)
    return parser


def _add(
    commands: Any, name: str, command: Command, summary: str, text: str
) -> argparse.ArgumentParser:
    added = _explained(commands, name, summary, text)
    added.set_defaults(command=command)
    return added


def _explained(commands: Any, name: str, summary: str, text: str) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return added


def _up_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--local",
        action="store_true",
        help="for this machine only: a key made by itself, tokens for anyone who asks from here, "
        "an HTTP side at the same port, an embedded Redis unless CHAT_REDIS_URL is set",
    )
    parser.add_argument(
        "--embedded-redis",
        action="store_true",
        help="start a Redis of our own (part of --local): redis-server on PATH, else the one "
        "that comes with the extra `embedded`",
    )
    _data_dir_argument(parser, "where the embedded Redis keeps its data")
    parser.add_argument(
        "--workers", type=_positive, metavar="N", help="worker processes, instead of CHAT_WORKERS"
    )
    parser.add_argument(
        "--webhook",
        metavar="URL",
        help="post what happens in rooms to this URL, by a `chat hooks` beside the workers; with "
        "--local its secret is made and shown (docs/webhooks.md)",
    )


def _data_dir_argument(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path("chat-data"),
        metavar="DIR",
        help=f"{text} (default: ./chat-data)",
    )


def _api_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--local", action="store_true", help="serve the cluster of `chat up --local`"
    )
    _data_dir_argument(parser, "with --local: the folder of `chat up --local`")
    parser.add_argument(
        "--listen-fd", type=_number, metavar="N", help="inherited public listening socket"
    )
    _ops_argument(parser)


def _hooks_arguments(parser: argparse.ArgumentParser) -> None:
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--check", action="store_true", help="show the endpoints, or what is wrong, and end"
    )
    instead.add_argument(
        "--secret", action="store_true", help="print a new secret for an endpoint, and end"
    )
    _ops_argument(parser)


def _ops_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ops-fd", type=_number, metavar="N", help="inherited operations listening socket"
    )


def _worker_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--listen-fd",
        action="append",
        type=_number,
        metavar="N",
        help="inherited public listening socket; may be repeated",
    )
    _ops_argument(parser)
    parser.add_argument(
        "--control-fd", type=_number, metavar="N", help="inherited channel to the supervisor"
    )
    parser.add_argument(
        "--slot", type=_number, default=0, metavar="N", help="number under the supervisor"
    )


def _nodes_arguments(parser: argparse.ArgumentParser) -> None:
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for scripts")
    form.add_argument("--watch", action="store_true", help="again every two seconds")


def _join_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("room", metavar="ROOM", help="the room id")
    parser.add_argument(
        "--url",
        default="ws://localhost:8080/ws",
        metavar="URL",
        help="WebSocket address (default: ws://localhost:8080/ws)",
    )
    tokens = parser.add_mutually_exclusive_group()
    tokens.add_argument("--token-file", type=Path, metavar="FILE", help="read for each connection")
    tokens.add_argument(
        "--token", metavar="T", help="the token itself, which other users of this machine can see"
    )
    tokens.add_argument(
        "--user",
        metavar="NAME",
        help="ask the server of `chat up --local` for a token of this user (default: your login)",
    )
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.add_argument(
        "--history", type=_number, default=0, metavar="N", help="first show N earlier messages"
    )
    parser.add_argument(
        "--listen", action="store_true", help="read no input: only a signal ends it"
    )
    parser.add_argument(
        "--wait",
        type=_seconds,
        default=10.0,
        metavar="S",
        help="how long the last lines may take to be acknowledged at the end (default: 10 s)",
    )


def _token_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", required=True, metavar="U", help="the user id, claim `sub`")
    parser.add_argument(
        "--room",
        action="append",
        type=_room,
        metavar="PATTERN=RIGHTS",
        help="what the user may do where: a room id or a pattern with *, and rights out of "
        f"{', '.join(Action)}; may be repeated (default: *={','.join(MEMBER)})",
    )
    parser.add_argument(
        "--ttl", type=_seconds, default=3600.0, metavar="S", help="seconds (default: 3600)"
    )
    parser.add_argument("--name", metavar="DISPLAY", help="display name, shown to other members")


def _api_key_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scope",
        action="append",
        required=True,
        type=_scopes,
        metavar="SCOPES",
        help="what it is for, out of publish, read, tokens, statistics, moderate; several with "
        "commas between them; may be repeated",
    )
    parser.add_argument(
        "--room",
        action="append",
        default=[],
        metavar="PATTERN",
        help="a room id or a pattern with * in which it may be used; may be repeated; needed for "
        "every scope but statistics",
    )
    parser.add_argument("--note", default="", metavar="TEXT", help="for whoever reads the file")
    parser.add_argument("--file", type=Path, metavar="FILE", help="add the line to this file")


def _front_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    servers = _explained(actions, "servers", "print the servers file of HAProxy", _SERVERS)
    workers = servers.add_mutually_exclusive_group()
    workers.add_argument(
        "workers",
        nargs="*",
        default=[],
        metavar="ADDRESS",
        help="host:port, unix:/path or abns:name of a worker, or a pattern with {slot} in it "
        "(default: CHAT_WORKER_SOCKETS)",
    )
    workers.add_argument(
        "--registered", action="store_true", help="the workers that are registered in Redis"
    )
    servers.add_argument(
        "--slots", type=_positive, metavar="N", help="slots of a pattern (default: CHAT_WORKERS)"
    )
    servers.add_argument(
        "--api",
        action="append",
        metavar="ADDRESS",
        help="of `chat api`; may be repeated (default: 127.0.0.1:8090)",
    )
    servers.add_argument(
        "--output", type=Path, metavar="FILE", help="replace this file, if anything changed"
    )
    for name, text in (
        ("state", "show HAProxy's servers"),
        ("drain", "send a worker no new connections"),
        ("ready", "use a worker again"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument(
            "--socket",
            type=Path,
            default=Path("/run/haproxy/admin.sock"),
            metavar="PATH",
            help="HAProxy's stats socket (default: /run/haproxy/admin.sock)",
        )
        if name != "state":
            action.add_argument(
                "worker", metavar="SERVER", help="its name in `state`, or its address"
            )


def _room(text: str) -> tuple[str, list[str]]:
    pattern, _, allowed = text.partition("=")
    rights = [right.strip() for right in allowed.split(",")]
    if not pattern or not set(rights) <= set(Action):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not like 'PATTERN=join,publish' (rights: {', '.join(Action)})"
        )
    return pattern, rights


def _scopes(text: str) -> list[Scope]:
    try:
        return [Scope(name.strip()) for name in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not out of {', '.join(scope.value for scope in Scope)}"
        ) from None


def _number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0")
    return int(text)


def _positive(text: str) -> int:
    number = _number(text)
    if number < 1:
        raise argparse.ArgumentTypeError("it must be at least 1")
    return number


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds") from None
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError("it must be more than 0")
    return seconds

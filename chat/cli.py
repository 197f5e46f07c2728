"""The `chat` command and its parts, from `up` to `join` (chat/arguments.py).

Exit codes: 0 for a clean end, 78 for wrong settings (with one sentence), 2 for wrong arguments,
1 for anything else.
"""

import argparse
import asyncio
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

import orjson
from msgspec import structs

from chat.arguments import build_parser
from chat.ops import logs
from chat.ops.signing import signing_key
from chat.settings import (
    SECRETS,
    Settings,
    SettingsError,
    describe,
    from_environ,
    is_given,
    variable,
)
from chat.supervisor.control import ControlChannel
from chat.supervisor.embedded import EmbeddedRedis
from chat.supervisor.listening import bind
from chat.supervisor.local_run import LocalRun
from chat.supervisor.side_process import SideProcess
from chat.supervisor.slot import EXIT_SETTINGS
from chat.supervisor.supervisor import Supervisor

TOKEN_VARIABLE = "CHAT_TOKEN"  # noqa: S105 - a name, not a secret
_OPS_BACKLOG = 128
_LOCAL_BACKLOG = 512


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = build_parser(
        up=_up,
        worker=_worker,
        api=_api,
        hooks=_hooks,
        nodes=_nodes,
        token=_token,
        api_key=_api_key,
        settings=_settings,
        front=_front,
        join=_join,
        asyncapi=_asyncapi,
    )
    options = parser.parse_args(arguments)
    try:
        code: int = options.command(options, from_environ(_settings_of(os.environ)))
    except SettingsError as exc:
        print(f"chat: {exc}", file=sys.stderr)
        return EXIT_SETTINGS
    except KeyboardInterrupt:
        return 130  # before there was anything to stop
    return code


def _settings_of(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the one variable that is no setting: a token to join with."""
    return {name: text for name, text in environ.items() if name != TOKEN_VARIABLE}


# ------------------------------------------------------------------------- up


def _up(options: argparse.Namespace, settings: Settings) -> int:
    if options.workers is not None:
        settings = structs.replace(settings, workers=options.workers)
    if options.local:
        settings = LocalRun(options.data_dir).for_workers(settings)
    if options.webhook is not None:
        settings = _with_webhook(settings, options)
    with ExitStack() as stack:
        api_socket = None  # kept over the lives of the HTTP side: requests wait in its queue
        if options.local:
            names = ("local_api_port",)
            api_socket = stack.enter_context(bind("127.0.0.1", 0, _LOCAL_BACKLOG, names=names))
            settings = structs.replace(settings, local_api_port=api_socket.getsockname()[1])
        logs.setup(settings)
        return asyncio.run(_supervise(options, settings, api_socket))


def _with_webhook(settings: Settings, options: argparse.Namespace) -> Settings:
    """Return the settings with an endpoint; a local run makes its secret if there is none."""
    from chat.protocol.signature import make_secret
    from chat.webhooks.endpoints import read_endpoints  # what only this option needs

    secret = settings.webhook_secret or (make_secret() if options.local else "")
    try:
        settings = structs.replace(
            settings,
            webhooks=True,
            webhook_url=options.webhook,
            webhook_secret=secret,
        )
    except ValueError as exc:
        raise SettingsError(f"{exc}.") from None
    read_endpoints(settings)
    return settings


async def _supervise(
    options: argparse.Namespace, settings: Settings, api_socket: socket.socket | None
) -> int:
    redis = None
    if options.embedded_redis or (options.local and not is_given(os.environ, "redis_url")):
        redis = EmbeddedRedis(options.data_dir, restart_backoff_max_s=settings.restart_backoff_max)

    def announce(supervisor: Supervisor) -> None:
        LocalRun(options.data_dir).started(redis.url if redis else None)
        print(_welcome(supervisor.port, supervisor.ops_port, settings, redis), flush=True)

    on_ready = announce if options.local else None
    return await Supervisor(
        settings, redis=redis, beside=_beside(options, settings, api_socket), on_ready=on_ready
    ).run()


def _beside(
    options: argparse.Namespace, settings: Settings, api_socket: socket.socket | None
) -> list[SideProcess]:
    """Return what else is kept alive: the HTTP side of a local run, and what posts to others."""
    patience_s = settings.restart_backoff_max
    found = []
    if api_socket is not None:
        api = SideProcess(
            "api",
            *("--listen-fd", str(api_socket.fileno())),
            environ=LocalRun(options.data_dir).environ_of_api(settings),
            pass_fds=(api_socket.fileno(),),
            restart_backoff_max_s=patience_s,
        )
        found.append(api)
    if options.webhook is not None:
        found.append(SideProcess("hooks", restart_backoff_max_s=patience_s))
    return found


def _welcome(port: int, ops_port: int, settings: Settings, redis: EmbeddedRedis | None) -> str:
    host = _name_of(settings.host)
    where = f"in {redis.data_dir}" if redis else "in the Redis of CHAT_REDIS_URL"
    workers = f"{settings.workers} worker{'s' if settings.workers > 1 else ''}"
    webhook = ""
    if settings.webhook_url:
        webhook = f"  Webhook     {settings.webhook_url}\n  its secret  {settings.webhook_secret}\n"
    return (
        "\n"
        f"  Chat is running with {workers}.\n"
        "\n"
        f"  Page        http://{host}:{port}\n"
        f"  WebSocket   ws://{host}:{port}/ws\n"
        f"  HTTP        http://{host}:{port}/api/v1, explained at http://{host}:{port}/docs\n"
        f"  Operations  http://{settings.ops_host}:{ops_port}/readyz and /metrics\n"
        f"  Data        {where}\n"
        f"{webhook}"
        "\n"
        "  Ctrl-C stops it; the data stays.\n"
    )


def _name_of(host: str) -> str:
    """Return what a person types for an address."""
    return "localhost" if host == "127.0.0.1" else host


# --------------------------------------------------------------------- worker


def _worker(options: argparse.Namespace, settings: Settings) -> int:
    from chat.worker.main import run_worker  # what only a worker needs, uvloop too

    listen_sockets = [_socket(fd) for fd in options.listen_fd or ()] or [
        bind(settings.host, settings.port, settings.listen_backlog, names=("host", "port"))
    ]
    ops_socket = None if options.ops_fd is None else _socket(options.ops_fd)
    control = None
    if options.control_fd is not None:
        control = ControlChannel.from_fd(options.control_fd)
    elif ops_socket is None:
        ops_socket = _bind_ops(settings)
    return run_worker(
        settings,
        listen_sockets=listen_sockets,
        ops_socket=ops_socket,
        control=control,
        slot=options.slot,
    )


def _bind_ops(settings: Settings) -> socket.socket:
    return bind(settings.ops_host, settings.ops_port, _OPS_BACKLOG, names=("ops_host", "ops_port"))


def _socket(fd: int) -> socket.socket:
    try:
        return socket.socket(fileno=fd)
    except OSError as exc:
        raise SettingsError(f"Descriptor {fd} is not a socket: {exc.strerror}.") from exc


# ------------------------------------------------------------------------ api


def _api(options: argparse.Namespace, settings: Settings) -> int:
    from chat.api.main import run_api  # what only the HTTP side needs

    if options.local:
        settings = LocalRun(options.data_dir).for_api(settings, os.environ)
    if options.listen_fd is not None:
        listen_socket = _socket(options.listen_fd)
    else:
        listen_socket = bind(
            settings.api_host,
            settings.api_port,
            settings.listen_backlog,
            names=("api_host", "api_port"),
        )
    ops_socket = _bind_ops(settings) if options.ops_fd is None else _socket(options.ops_fd)
    if options.local:
        print(_api_welcome(settings, listen_socket.getsockname()[1]), flush=True)
    return run_api(settings, listen_socket=listen_socket, ops_socket=ops_socket)


def _api_welcome(settings: Settings, port: int) -> str:
    host = _name_of(settings.api_host)
    return (
        "\n"
        f"  HTTP        http://{host}:{port}/api/v1, explained at http://{host}:{port}/docs\n"
        f"  Keys        in {settings.api_keys_file}, made by chat api-key\n"
        "\n"
        "  Ctrl-C stops it.\n"
    )


# ---------------------------------------------------------------------- hooks


def _hooks(options: argparse.Namespace, settings: Settings) -> int:
    from chat.protocol.signature import make_secret
    from chat.webhooks.command import checked  # what only this command needs
    from chat.webhooks.main import run_hooks

    if options.secret:
        print(make_secret())
        return 0
    endpoints = checked(options, settings, print)
    if options.check:
        return 0
    ops_socket = _bind_ops(settings) if options.ops_fd is None else _socket(options.ops_fd)
    return run_hooks(settings, endpoints, ops_socket=ops_socket)


# ---------------------------------------------------------------------- nodes


def _nodes(options: argparse.Namespace, settings: Settings) -> int:
    from chat.nodes.command import show  # what only this command needs
    from chat.nodes.living import NodesError

    try:
        asyncio.run(show(options, settings, print))
    except NodesError as exc:
        print(f"chat: {exc}", file=sys.stderr)
        return 1
    return 0


# ---------------------------------------------------------------------- front


def _front(options: argparse.Namespace, settings: Settings) -> int:
    from chat.front.command import front  # what only this command needs

    return front(options, settings)


# ----------------------------------------------------------------------- join


def _join(options: argparse.Namespace, _settings: Settings) -> int:
    from chat.terminal.command import join  # what only this command needs

    return join(options, os.environ)


# ------------------------------------------------------------------- asyncapi


def _asyncapi(_options: argparse.Namespace, _settings: Settings) -> int:
    from chat.protocol.asyncapi import describe as describe_protocol  # what only this command needs

    print(orjson.dumps(describe_protocol(), option=orjson.OPT_INDENT_2).decode())
    return 0


# ---------------------------------------------------------------------- token


def _token(options: argparse.Namespace, settings: Settings) -> int:
    from chat.identity.access import MEMBER  # what only this command needs
    from chat.identity.tokens import mint

    key = signing_key(settings)
    token = mint(
        key.key,
        key.algorithm,
        options.user,
        ttl_s=options.ttl,
        rooms=dict(options.room or [("*", list(MEMBER))]),
        user={"name": options.name} if options.name else None,
        kid=key.kid,
        issuer=settings.jwt_issuer or None,
        audience=settings.jwt_audience or None,
    )
    print(token)
    return 0


# -------------------------------------------------------------------- api-key


def _api_key(options: argparse.Namespace, _settings: Settings) -> int:
    from chat.identity.minting import KeyRequestError, make_key  # what only this command needs

    scopes = [scope for scopes in options.scope for scope in scopes]
    try:
        key, line = make_key(scopes, options.room, options.note, options.file)
    except KeyRequestError as exc:
        print(f"chat: {exc}", file=sys.stderr)
        return 1
    print(key)
    if options.file is None:
        print(line)
    return 0


# ------------------------------------------------------------------- settings


def _settings(_options: argparse.Namespace, settings: Settings) -> int:
    width = max(len(name) for name, _, _ in describe())
    for field in structs.fields(Settings):
        value = getattr(settings, field.name)
        shown = "[set]" if field.name in SECRETS and value else value
        mark = " " if value == field.default else "*"
        print(f"{mark} {variable(field.name):<{width}}  {shown}")
    print("\n* differs from the default")
    return 0

"""Starts each peer: two server processes over one Redis on loopback, as its documentation says."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import chat
from benchmarks.peers import dialects, install
from benchmarks.peers.dialects import Dialect
from benchmarks.peers.processes import Running, processes_on
from benchmarks.system import (
    READY_TIMEOUT_S,
    BenchmarkError,
    compile_raw,
    running_workers,
    temporary_directory,
)
from tests.support.ports import listening_socket, port_of, unused_port
from tests.support.processes import children_of
from tests.support.redis_server import RedisServer

PROCESSES = 2
_BACKLOG = 4096


class Peer(NamedTuple):
    """A server to measure.

    Attributes:
        version: what is measured, asked for after it was installed.
        prepare: installs what it needs.
        run: runs it over a Redis that has a loopback port.
        fan_out_only: it has no rooms and no accounts, only one room that all are in.
    """

    name: str
    dialect: Dialect
    prepare: Callable[[], object]
    version: Callable[[], str]
    run: Callable[[RedisServer, int], contextlib.AbstractContextManager[Running]]
    fan_out_only: bool = False


def redis_url(redis: RedisServer) -> str:
    """Return the loopback address, which all peers can use."""
    return f"redis://127.0.0.1:{redis.port}"


@contextlib.contextmanager
def _run_ours(redis: RedisServer, processes: int) -> Iterator[Running]:
    with running_workers(redis, processes, redis_url=redis_url(redis)) as workers:
        yield Running([worker.port for worker in workers], [worker.pid for worker in workers])


@contextlib.contextmanager
def _run_node(script: str, redis: RedisServer, processes: int) -> Iterator[Running]:
    environment = {
        "NODE_ENV": "production",
        "NODE_PATH": str(install.node_modules()),
        "REDIS_URL": redis_url(redis),
    }
    ports = [unused_port() for _ in range(processes)]
    with processes_on(
        [
            (["node", str(install.NODE_DIRECTORY / script)], environment | {"PORT": str(port)})
            for port in ports
        ],
        ports,
    ) as pids:
        yield Running(ports, pids)


@contextlib.contextmanager
def _run_python_socketio(redis: RedisServer, processes: int) -> Iterator[Running]:
    ports = [unused_port() for _ in range(processes)]
    uvicorn = [str(install.python_environment()), "-m", "uvicorn", "socketio_server:app"]
    options = ["--loop", "uvloop", "--log-level", "warning", "--no-access-log"]
    place = ["--app-dir", str(install.PYTHON_DIRECTORY), "--host", "127.0.0.1"]
    environment = {"REDIS_URL": redis_url(redis), "PYTHONDONTWRITEBYTECODE": "1"}
    commands = [([*uvicorn, *options, *place, "--port", str(port)], environment) for port in ports]
    with processes_on(commands, ports) as pids:
        yield Running(ports, pids)


@contextlib.contextmanager
def _run_nchan(redis: RedisServer, processes: int) -> Iterator[Running]:
    nginx, port = install.nginx(), unused_port()
    with temporary_directory() as directory:
        (directory / "nginx.conf").write_text(
            nginx_configuration(nginx.module, port, redis_url(redis), processes)
        )
        command = [str(nginx.program), "-p", str(directory), "-c", "nginx.conf", "-e", "stderr"]
        with processes_on([(command, {})], [port]) as (master,):
            yield Running([port], [master, *_children(master, processes)])


def _children(master: int, count: int) -> list[int]:
    """Return the workers; the port accepts connections before they have been started."""
    deadline_s = time.monotonic() + READY_TIMEOUT_S
    while len(found := sorted(children_of(master))) < count:
        if time.monotonic() > deadline_s:
            raise BenchmarkError(f"{len(found)} of {count} workers were started")
        time.sleep(0.05)
    return found


def nginx_configuration(module: Path, port: int, redis: str, workers: int) -> str:
    """Return the configuration: defaults, but for what the number of connections demands."""
    user = "user root;" if os.geteuid() == 0 else ""
    temporary = "\n".join(
        f"  {kind}_temp_path {kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""
load_module {module};
{user}
daemon off;
pid nginx.pid;
worker_processes {workers};
events {{ worker_connections 19000; }}
http {{
  access_log off;
{temporary}
  upstream redis {{ nchan_redis_server {redis}; }}
  server {{
    listen 127.0.0.1:{port} reuseport backlog={_BACKLOG};
    location ~ ^/([\\w-]+)$ {{
      nchan_pubsub websocket;
      nchan_channel_id $1;
      nchan_message_buffer_length 1000;
      nchan_redis_pass redis;
    }}
  }}
}}
"""


@contextlib.contextmanager
def _run_relay(_: RedisServer, processes: int) -> Iterator[Running]:
    with temporary_directory() as directory, contextlib.ExitStack() as stack:
        program = compile_raw("relay", directory)
        listeners = [stack.enter_context(listening_socket(_BACKLOG)) for _ in range(processes)]
        fds = [sock.fileno() for sock in listeners]
        command = [str(program), *map(str, fds)]
        ports = [port_of(sock) for sock in listeners]
        pids = stack.enter_context(processes_on([(command, {})], ports, pass_fds=fds))
        yield Running(ports, pids)


PEERS = {
    peer.name: peer
    for peer in (
        Peer(
            "ours",
            dialects.CHAT,
            prepare=lambda: None,
            version=lambda: f"chat {chat.__version__}",
            run=_run_ours,
        ),
        Peer(
            "node",
            dialects.NODE,
            prepare=install.node_modules,
            version=lambda: install.node_versions("ws", "redis"),
            run=lambda redis, processes: _run_node("chat.js", redis, processes),
        ),
        Peer(
            "socketio",
            dialects.SOCKET_IO,
            prepare=install.node_modules,
            version=lambda: install.node_versions("socket.io", "@socket.io/redis-adapter"),
            run=lambda redis, processes: _run_node("socketio.js", redis, processes),
        ),
        Peer(
            "python-socketio",
            dialects.SOCKET_IO,
            prepare=install.python_environment,
            version=lambda: install.python_versions("python-socketio", "uvicorn[standard]"),
            run=_run_python_socketio,
        ),
        Peer(
            "nchan",
            dialects.RELAY,
            prepare=install.nginx,
            version=lambda: f"libnginx-mod-nchan {install.nginx().version}",
            run=_run_nchan,
        ),
        Peer(
            "raw",
            dialects.RELAY,
            prepare=lambda: None,
            version=lambda: "raw/relay.c",
            run=_run_relay,
            fan_out_only=True,
        ),
    )
}

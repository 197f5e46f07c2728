"""The compose stack as an operator runs it: `docker compose` and what it shows."""

import asyncio
import contextlib
import json
import os
import signal
import ssl
import subprocess
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.containers.engine import COMPOSE, CommandError, Engine
from tests.containers.subnets import unused_subnet
from tests.support.ports import unused_port
from tests.support.tokens import token
from tests.support.waiting import until
from tests.support.worker import REPOSITORY

IMAGE, LOAD_IMAGE = "chat:local", "chat-loadtest:local"


class Stack:
    """docker-compose.yml in an engine, with secrets of its own.

    Args:
        engine: where it runs.
        secrets: the folder of its secrets.
        project: its name; several stacks can be in one engine.
    """

    def __init__(self, engine: Engine, secrets: Path, project: str = "chat") -> None:
        self._engine = engine
        self.secrets = secrets
        self._project = project
        self.https_port, self.http_port, self.grafana_port = (unused_port() for _ in range(3))
        self._environ = {
            "STACK_SECRETS": str(secrets),
            "STACK_FRONT_SUBNET": unused_subnet(),
            "STACK_HTTPS_PORT": str(self.https_port),
            "STACK_HTTP_PORT": str(self.http_port),
            "STACK_GRAFANA_PORT": str(self.grafana_port),
            "STACK_NOFILE": "16384",
            "STACK_HAPROXY_MAXCONN": "8000",
        }

    @property
    def url(self) -> str:
        """Address of the WebSocket, through HAProxy."""
        return f"wss://localhost:{self.https_port}/ws"

    @property
    def page(self) -> str:
        """Address of the web page, through HAProxy."""
        return f"https://localhost:{self.https_port}/"

    @property
    def certificate(self) -> Path:
        """The file of the certificate and its key."""
        return self.secrets / "certs" / "localhost.pem"

    def tls(self) -> ssl.SSLContext:
        """Trust in this stack's certificate and no other."""
        return ssl.create_default_context(cafile=str(self.certificate))

    @property
    def secret(self) -> str:
        """The key that tokens are signed with."""
        return (self.secrets / "loadtest-jwt-secret").read_text().strip()

    def token(self, user: str, secret: str = "") -> str:
        """Mint a token with this stack's key, or another."""
        return token(user, secret=secret or self.secret)

    def compose(self, *arguments: str, timeout_s: float = 180.0) -> str:
        """Run a `docker compose` command.

        Raises:
            CommandError: it failed.
        """
        command = [str(COMPOSE), "--project-name", self._project]
        command += ["--project-directory", str(REPOSITORY)]
        return self._engine.run([*command, *arguments], timeout_s=timeout_s, more=self._environ)

    def script(self, name: str, *arguments: str, timeout_s: float = 400.0) -> str:
        """Run a script of deploy.

        Raises:
            CommandError: it failed.
        """
        more = {"COMPOSE": str(COMPOSE), "COMPOSE_PROJECT_NAME": self._project, **self._environ}
        path = REPOSITORY / "deploy" / name
        return self._engine.run([str(path), *arguments], timeout_s=timeout_s, more=more)

    def up(self, *arguments: str) -> None:
        """Start what is not running and wait until it is healthy; build and pull nothing."""
        self.compose(*_profile(arguments), "up", "--no-build", "--wait", *arguments)

    def containers(self, service: str) -> list[str]:
        """Return the ids of the running containers of a service."""
        return self.compose("ps", "--quiet", "--status=running", service).split()

    def inspect(self, container: str) -> dict[str, Any]:
        """Return all that the engine knows of a container or an image."""
        found: list[dict[str, Any]] = json.loads(self._engine.docker("inspect", container))
        return found[0]

    def execute(self, container: str, *command: str, stdin: str | None = None) -> str:
        """Run a command inside a container."""
        interactive = [] if stdin is None else ["--interactive"]
        return self._engine.docker("exec", *interactive, container, *command, stdin=stdin)

    def crash(self, container: str) -> None:
        """Kill -9 everything in a container from outside, as the kernel does when memory is out."""
        os.kill(self.inspect(container)["State"]["Pid"], signal.SIGKILL)

    def workers_up(self) -> int:
        """Return how many workers HAProxy sends connections to."""
        [haproxy] = self.containers("haproxy")
        text = self.execute(haproxy, "wget", "-q", "-O", "-", "http://127.0.0.1:8404/metrics")
        families = {family.name: family for family in text_string_to_metric_families(text)}
        return sum(
            sample.value > 0
            for sample in families["haproxy_server_status"].samples
            if sample.labels["proxy"] == "workers_any" and sample.labels["state"] == "UP"
        )

    def connections(self, container: str) -> int:
        """Return how many connections a worker has."""
        code = "from urllib.request import *; print(urlopen('http://127.0.0.1:9100/metrics').read().decode())"
        text = self.execute(container, "python", "-c", code)
        families = {family.name: family for family in text_string_to_metric_families(text)}
        return int(families["chat_connections"].samples[0].value)

    def said(self, service: str) -> str:
        """Return all that the containers of a service have written."""
        return self.compose("logs", "--no-color", "--no-log-prefix", service)

    def remove_data(self) -> None:
        """Lose all that Redis has, as a disk does."""
        self.compose("rm", "--stop", "--force", "redis")
        self._engine.docker("volume", "rm", f"{self._project}_redis-data")

    def down(self) -> None:
        """Remove everything, data too."""
        self.compose("--profile=*", "down", "--volumes", "--timeout=1")

    def logs(self) -> str:
        """Return the end of what all containers have said."""
        with contextlib.suppress(CommandError):
            return self.compose("--profile=*", "logs", "--no-color", "--tail=30")[-8000:]
        return ""


async def workers_behind_haproxy(stack: Stack, count: int) -> None:
    """Wait until HAProxy sends connections to so many workers."""

    async def are_there() -> bool:
        return await asyncio.to_thread(stack.workers_up) == count

    await until(are_there, 90.0, what=f"{count} workers behind HAProxy", interval_s=0.5)


def _profile(arguments: tuple[str, ...]) -> list[str]:
    """Services of a profile can be named only with it."""
    return ["--profile=monitoring"] if "prometheus" in arguments else []


def make_secrets(folder: Path) -> None:
    """Make secrets as `make secrets` does."""
    script = str(REPOSITORY / "deploy" / "make-secrets.sh")
    subprocess.run([script, str(folder)], check=True, capture_output=True, timeout=30)

"""A master with replicas and three Sentinels that watch it, all on loopback."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import redis

from tests.support.closing import Started
from tests.support.ports import unused_port
from tests.support.redis_server import RedisServer, server_binary
from tests.support.redis_tls import RedisTls

SERVICE = "chat"
_START_TIMEOUT_S = 40.0
_DOWN_AFTER_MS = 1000


class _Watch:
    """One Sentinel process."""

    def __init__(
        self, directory: Path, master_port: int, quorum: int, password: str, tls: RedisTls | None
    ) -> None:
        self.port = unused_port()
        self._authority = str(tls.authority) if tls else None
        config = directory / f"sentinel-{self.port}.conf"
        lines = [
            *(["port 0", f"tls-port {self.port}"] if tls else [f"port {self.port}"]),
            *(f"{name} {text}" for name, text in (tls.server() if tls else {}).items()),
            "bind 127.0.0.1",
            f"dir {directory}",
            f"sentinel monitor {SERVICE} 127.0.0.1 {master_port} {quorum}",
            f"sentinel down-after-milliseconds {SERVICE} {_DOWN_AFTER_MS}",
            f"sentinel failover-timeout {SERVICE} 1000",
            f"sentinel parallel-syncs {SERVICE} 1",
        ]
        if password:
            lines.append(f"sentinel auth-pass {SERVICE} {password}")
        config.write_text("\n".join(lines) + "\n")
        log = (directory / f"sentinel-{self.port}.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [server_binary(), str(config), "--sentinel"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def run(self, *command: str) -> object:
        with self._connect() as client:
            return client.execute_command(*command)

    def instances(self, *command: str) -> list[dict[str, str]]:
        """Run a command of which redis-py would keep only some fields."""
        with self._connect() as client:
            connection = client.connection_pool.get_connection()
            connection.send_command("SENTINEL", *command)
            found = connection.read_response()
        return [
            dict(zip(fields[::2], fields[1::2], strict=True))
            if isinstance(fields, list)
            else fields
            for fields in found
        ]

    def _connect(self) -> "redis.Redis":
        return redis.Redis(
            "127.0.0.1",
            self.port,
            decode_responses=True,
            socket_timeout=20.0,
            ssl=self._authority is not None,
            ssl_ca_certs=self._authority,
        )

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


class Sentinels(Started):
    """Two servers, the first one the master at the start, and three Sentinels.

    Args:
        password: of the servers.
        tls: spoken by the servers and the Sentinels, and by nobody anything else.
    """

    def __init__(self, password: str = "", tls: RedisTls | None = None) -> None:
        self._dir = Path(tempfile.mkdtemp(prefix="sentinels-", dir="/tmp"))
        self._password = password
        self._tls = tls
        self.servers = [
            RedisServer(tcp=True, tls=tls is not None, password=password) for _ in range(2)
        ]
        for server in self.servers:
            # No file: a former master that comes back has nothing but what the new one gives it.
            server.configure(appendonly="no", repl_diskless_sync_delay="0")
            server.configure(**(tls.server() if tls else {}))
            if password:
                server.configure(requirepass=password, masterauth=password)
        self._watches: list[_Watch] = []

    @property
    def url(self) -> str:
        """CHAT_REDIS_URL of the service."""
        hosts = ",".join(f"127.0.0.1:{watch.port}" for watch in self._watches)
        user = f":{self._password}@" if self._password else ""
        return f"{'rediss' if self._tls else 'redis'}+sentinel://{user}{hosts}/0?service={SERVICE}"

    @property
    def master(self) -> RedisServer:
        """The server that the Sentinels name."""
        named = self._watches[0].run("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        if not isinstance(named, list):
            raise TypeError(f"no master: {named!r}")
        return next(server for server in self.servers if server.port == int(named[1]))

    @property
    def replica(self) -> RedisServer:
        """The other one."""
        master = self.master
        return next(server for server in self.servers if server is not master)

    def start(self) -> Self:
        """Start all, and wait until the Sentinels know the replica and each other."""
        for server in self.servers:
            server.start()
        first, second = self.servers
        second.run("REPLICAOF", "127.0.0.1", first.port)
        self._wait(lambda: second.replication()["master_link_status"] == "up", "the replica")
        self._watches = [
            _Watch(self._dir, first.port, 2, self._password, self._tls) for _ in range(3)
        ]
        self._wait(self._complete, "the Sentinels")
        return self

    def pids(self) -> set[int]:
        """Return the process ids of all that runs."""
        found = {server.pid for server in self.servers if server.is_running}
        found |= {watch.process.pid for watch in self._watches}
        return found

    def heal(self) -> None:
        """Start what is dead as a replica of the master, and wait until all know of it."""
        master, other = self.master, self.replica
        if not other.is_running:
            other.start()
        other.run("REPLICAOF", "127.0.0.1", master.port)
        self._wait(lambda: other.replication()["master_link_status"] == "up", "the replica")
        self._wait(self._complete, "the Sentinels")

    def wait_replicated(self) -> None:
        """Wait until the replica has all that the master has."""
        master, replica = self.master, self.replica
        self._wait(
            lambda: (
                replica.replication()["slave_repl_offset"]
                >= master.replication()["master_repl_offset"]
            ),
            "the replica to catch up",
        )

    def fail_over(self, pause_s: float) -> None:
        """Have the master take no writes for a while, and ask for a failover; returns at once."""
        self.master.run("CLIENT", "PAUSE", int(pause_s * 1000), "WRITE")
        self._watches[0].run("SENTINEL", "FAILOVER", SERVICE)

    def cut_replication(self) -> None:
        """From here on the master keeps to itself what it is told; who is connected stays so."""
        master = self.master
        with master.connect() as client:
            client.config_set("requirepass", "a password the replica does not know")
            client.client_kill_filter(_type="replica")

    def _complete(self) -> bool:
        return all(self._is_well(watch) for watch in self._watches)

    def _is_well(self, watch: _Watch) -> bool:
        """Whether a Sentinel sees a master and a replica that are up, and the other Sentinels."""
        (master,) = watch.instances("MASTERS")
        replicas = watch.instances("REPLICAS", SERVICE)
        others = watch.instances("SENTINELS", SERVICE)
        flags = [master["flags"], *(replica["flags"] for replica in replicas)]
        return flags == ["master", "slave"] and len(others) == 2

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                if condition():
                    return
            except (redis.ConnectionError, KeyError):
                pass
            time.sleep(0.05)
        raise AssertionError(f"waited {_START_TIMEOUT_S} s for {what}")

    def close(self) -> None:
        """End all."""
        for watch in self._watches:
            watch.end()
        for server in self.servers:
            server.close()
        shutil.rmtree(self._dir, ignore_errors=True)

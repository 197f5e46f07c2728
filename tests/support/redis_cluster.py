"""A Redis Cluster on loopback: three masters, each with a replica if wanted."""

import itertools
import subprocess
import time
from collections.abc import Callable
from typing import Self
from urllib.parse import quote

from chat.broker.slots import SLOTS, slot_of_tag
from tests.support.closing import Started
from tests.support.ports import unused_port
from tests.support.redis_server import RedisServer
from tests.support.redis_tls import RedisTls

_TIMEOUT_S = 40.0
_TOOL_TIMEOUT_S = 45.0
NODE_TIMEOUT_MS = 1500


class RedisCluster(Started):
    """Servers that share the slots.

    Args:
        replicas: of each master, 0 or 1.
        password: that all nodes ask for.
        tls: spoken by all nodes, on their bus too.
    """

    def __init__(
        self, replicas: int = 1, *, password: str = "", tls: RedisTls | None = None
    ) -> None:
        self._password = password
        self._tls = tls
        # The usual bus port, 10,000 above the other, is out of range for some.
        self._bus = [unused_port() for _ in range(3 * (1 + replicas))]
        self.nodes = [
            RedisServer(tcp=True, tls=tls is not None, password=password) for _ in self._bus
        ]
        for node, bus in zip(self.nodes, self._bus, strict=True):
            node.configure(
                appendonly="no",
                cluster_enabled="yes",
                cluster_port=str(bus),
                cluster_node_timeout=str(NODE_TIMEOUT_MS),
                cluster_replica_validity_factor="0",
                repl_diskless_sync_delay="0",
                # A room of a shard that is away is unavailable, the others go on.
                cluster_require_full_coverage="no",
            )
            if password:
                node.configure(requirepass=password, masterauth=password)
            if tls:
                node.configure(tls_cluster="yes", **tls.server())
        self.ids: dict[str, RedisServer] = {}

    @property
    def url(self) -> str:
        """CHAT_REDIS_URL of the cluster: some of its nodes are enough."""
        user = f":{quote(self._password)}@" if self._password else ""
        nodes = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:3])
        return f"{'rediss' if self._tls else 'redis'}+cluster://{user}{nodes}"

    def start(self) -> Self:
        """Start all nodes, share the slots and wait until everyone agrees."""
        for number, node in enumerate(self.nodes):
            node.start()
            node.run("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            self.ids[str(node.run("CLUSTER", "MYID"))] = node
        masters = self.nodes[:3]
        share = SLOTS // 3 + 1
        for number, node in enumerate(masters):
            first, last = number * share, min(SLOTS, (number + 1) * share) - 1
            node.run("CLUSTER", "ADDSLOTSRANGE", first, last)
        for node, bus in zip(self.nodes[1:], self._bus[1:], strict=True):
            self.nodes[0].run("CLUSTER", "MEET", "127.0.0.1", node.port, bus)
        self.until(self._all_know_all, "the nodes to meet")
        for number, node in enumerate(self.nodes[3:]):
            node.run("CLUSTER", "REPLICATE", self.id_of(masters[number]))
        self.until(self._is_whole, "the cluster")
        return self

    def pids(self) -> set[int]:
        """Return the process ids of all that runs."""
        return {node.pid for node in self.nodes if node.is_running}

    def heal(self) -> None:
        """Start what is dead, and wait until every master has its replica again."""
        for node in self.nodes:
            if not node.is_running:
                node.start()
        self.until(self._is_whole, "the cluster to be whole again")

    def _all_know_all(self) -> bool:
        return all(len(self._lines(node)) == len(self.nodes) for node in self.nodes)

    def _is_whole(self) -> bool:
        return all(self._is_well(node) for node in self.nodes)

    def _is_well(self, node: RedisServer) -> bool:
        """Whether a node is linked to its master, and sees all slots served by masters like it."""
        if "cluster_state:ok" not in str(_text(node, "CLUSTER", "INFO")):
            return False
        state = node.replication()
        if state["role"] == "slave" and state["master_link_status"] != "up":
            return False
        served, masters, followed = 0, set(), set()
        for line in self._lines(node):
            name, _, flags, of, _, _, _, link, *spans = line.split()
            if "fail" in flags or (link != "connected" and "myself" not in flags):
                return False
            if "master" in flags:
                masters.add(name)
                served += sum(len(_range(span)) for span in spans)
            else:
                followed.add(of)
        has_replicas = len(self.nodes) > len(masters)
        return served == SLOTS and len(masters) == 3 and (not has_replicas or followed == masters)

    def _lines(self, node: RedisServer) -> list[str]:
        lines = _text(node, "CLUSTER", "NODES").splitlines()
        return [line for line in lines if line and "handshake" not in line]

    def id_of(self, node: RedisServer) -> str:
        """Return the id of a node."""
        return next(name for name, known in self.ids.items() if known is node)

    def living(self) -> list[RedisServer]:
        """Return the nodes that run."""
        return [node for node in self.nodes if node.is_running]

    def master_of(self, room_id: str) -> RedisServer:
        """Return the node that serves the slot of a room, as the others see it."""
        slot = slot_of_tag(room_id)
        for line in self._lines(self.living()[0]):
            name, _, flags, _, _, _, _, _, *spans = line.split()
            alive = "master" in flags and "fail" not in flags
            if alive and any(slot in _range(span) for span in spans):
                return self.ids[name]
        raise AssertionError(f"nobody serves slot {slot}")

    def replica_of(self, master: RedisServer) -> RedisServer:
        """Return the replica of a master."""
        for line in self._lines(self.living()[0]):
            name, _, _, of, *_ = line.split()
            if of == self.id_of(master):
                return self.ids[name]
        raise AssertionError("it has no replica")

    def masters(self) -> list[RedisServer]:
        """Return the living masters."""
        return [node for node in self.living() if node.replication()["role"] == "master"]

    def move_slot(self, room_id: str, target: RedisServer, *, pause_s: float = 0.0) -> None:
        """Move the slot of a room to another master, key by key as the usual tools do.

        Args:
            room_id: a room in the slot.
            target: the master to get it.
            pause_s: wait so long in the middle, with the keys on both.
        """
        slot, source = slot_of_tag(room_id), self.master_of(room_id)
        self.begin_move(room_id, target)
        paused = False
        while keys := source.run("CLUSTER", "GETKEYSINSLOT", slot, 10):
            source.run("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
            if not paused:
                time.sleep(pause_s)
                paused = True
        target.run("CLUSTER", "SETSLOT", slot, "NODE", self.id_of(target))
        source.run("CLUSTER", "SETSLOT", slot, "NODE", self.id_of(target))
        for node in self.masters():
            node.run("CLUSTER", "SETSLOT", slot, "NODE", self.id_of(target))

    def reshard(self, source: RedisServer, target: RedisServer, slots: int) -> None:
        """Move the first slots of a master to another one, with Redis's own tool."""
        self._tool(
            "reshard",
            *("--cluster-from", self.id_of(source)),
            *("--cluster-to", self.id_of(target)),
            *("--cluster-slots", str(slots)),
        )

    def rebalance(self) -> None:
        """Give all masters the same number of slots, with Redis's own tool."""
        self._tool("rebalance", "--cluster-threshold", "1")

    def slots_of(self, master: RedisServer) -> list[int]:
        """Return the slots of a master, as it sees them."""
        mine = next(line for line in self._lines(master) if "myself" in line)
        return [slot for span in mine.split()[8:] for slot in _range(span)]

    def early_room(self, master: RedisServer, among: int) -> str:
        """Return a room in one of the first slots of a master."""
        first = set(self.slots_of(master)[:among])
        rooms = (f"early-{number}" for number in itertools.count())
        return next(room for room in rooms if slot_of_tag(room) in first)

    def _tool(self, command: str, *options: str) -> None:
        self.until(lambda: not self._redis_cli("check").returncode, "the nodes to agree")
        done = self._redis_cli(command, *options, "--cluster-yes")
        if done.returncode:
            raise AssertionError(f"redis-cli --cluster {command}: {done.stdout}{done.stderr}")

    def _redis_cli(self, command: str, *options: str) -> "subprocess.CompletedProcess[str]":
        tls = ["--tls", "--cacert", str(self._tls.authority)] if self._tls else []
        entry = f"127.0.0.1:{self.living()[0].port}"
        return subprocess.run(
            ["redis-cli", *tls, "--cluster", command, entry, *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TOOL_TIMEOUT_S,
            check=False,
        )

    def begin_move(self, room_id: str, target: RedisServer) -> None:
        """Declare that the slot of a room is going to move, and move nothing."""
        slot, source = slot_of_tag(room_id), self.master_of(room_id)
        target.run("CLUSTER", "SETSLOT", slot, "IMPORTING", self.id_of(source))
        source.run("CLUSTER", "SETSLOT", slot, "MIGRATING", self.id_of(target))

    def forbid_failover(self, master: RedisServer, *, forbidden: bool = True) -> None:
        """Keep the replica of a master from taking over, or allow it again."""
        value = "yes" if forbidden else "no"
        self.replica_of(master).run("CONFIG", "SET", "cluster-replica-no-failover", value)

    def wait_replicated(self) -> None:
        """Wait until every replica has all that its master has."""
        for master in self.masters():
            replica = self.replica_of(master)
            self.until(
                lambda master=master, replica=replica: (  # type: ignore[misc]
                    replica.replication()["slave_repl_offset"]
                    >= master.replication()["master_repl_offset"]
                ),
                "a replica to catch up",
            )

    def cut_replication(self, master: RedisServer) -> None:
        """From here on a master keeps to itself what it is told; who is connected stays so."""
        with master.connect() as client:
            client.config_set("requirepass", "a password the replica does not know")
            client.client_kill_filter(_type="replica")

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until a condition holds."""
        deadline = time.monotonic() + _TIMEOUT_S
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {_TIMEOUT_S} s for {what}")
            time.sleep(0.05)

    def close(self) -> None:
        """End all nodes."""
        for node in self.nodes:
            node.kill_and_close()


def _text(node: RedisServer, *command: str) -> str:
    """Run a command whose answer redis-py would parse, and return it as it came."""
    with node.connect() as client:
        name = " ".join(command)
        client.set_response_callback(name, lambda reply, **_: reply)
        return str(client.execute_command(name))


def _range(span: str) -> range:
    """Return the slots of `12-34` or `12`; none of a slot that is on its way."""
    first, _, last = span.partition("-")
    return range(int(first), int(last or first) + 1) if first.isdecimal() else range(0)


def rooms_of_every_shard(cluster: RedisCluster, each: int = 1) -> list[str]:
    """Return rooms, as many of each master."""
    found: dict[int, list[str]] = {master.port: [] for master in cluster.masters()}
    number = 0
    while any(len(rooms) < each for rooms in found.values()):
        room = f"room-{number}"
        number += 1
        rooms = found[cluster.master_of(room).port]
        if len(rooms) < each:
            rooms.append(room)
    return [room for rooms in found.values() for room in rooms]

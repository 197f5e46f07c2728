"""Which workers there are: each says so again and again, and counts as dead when it stops.

A worker costs Redis one small script per heartbeat, whatever it serves. Dead workers are forgotten
by whoever beats next, and both keys end an hour after the last heartbeat of all.
"""

from msgspec import DecodeError, Struct, json

from chat.broker.store import Store


class Node(Struct, frozen=True, kw_only=True, rename="camel"):
    """A worker as others see it.

    Args:
        worker_id: unique across hosts and restarts.
        host: name of its host.
        address: where balancers reach it: `HOST:PORT`, `unix:PATH` or `abns:NAME`.
        slot: its number under the supervisor, 0 when it runs alone.
        pid: process id on its host.
        version: of the program.
        started_at_ms: Unix time by its own clock.
        state: starting, ready, not_ready or draining.
        reasons: why it is not ready.
        connections: open ones, as of the heartbeat.
        rooms: that it is subscribed to.
    """

    worker_id: str
    host: str
    address: str
    slot: int
    pid: int
    version: str
    started_at_ms: int
    state: str
    reasons: list[str] = []
    connections: int = 0
    rooms: int = 0


#: Hash tag of both keys.
TAG = "nodes"
_encoder = json.Encoder()
_decoder = json.Decoder(Node)


class Registry:
    """What Redis knows of the workers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def is_up(self) -> bool:
        """Commands can be sent."""
        return self._store.shard(TAG).is_up

    async def beat(self, node: Node, ttl_s: float) -> None:
        """Say that a worker lives, for `ttl_s` seconds from now.

        Raises:
            LinkError: no answer.
        """
        await self._store.evaluated(
            self._store.scripts.node_beat,
            TAG,
            self._store.keys.nodes,
            node.worker_id,
            int(ttl_s * 1000),
            _encoder.encode(node),
        )

    async def leave(self, worker_id: str) -> None:
        """Forget a worker that ends.

        Raises:
            LinkError: no answer; it is forgotten when its time is over.
        """
        await self._store.evaluated(
            self._store.scripts.node_leave, TAG, self._store.keys.nodes, worker_id
        )

    async def living(self) -> list[Node]:
        """Return the workers that live, in the order of hosts and slots.

        Raises:
            LinkError: no answer.
        """
        found = await self._store.evaluated(
            self._store.scripts.node_list, TAG, self._store.keys.nodes
        )
        nodes = [node for node in map(_decoded, found) if node is not None]
        return sorted(nodes, key=lambda node: (node.host, node.slot, node.started_at_ms))


def _decoded(description: bytes) -> Node | None:
    try:
        return _decoder.decode(description)
    except (DecodeError, UnicodeDecodeError):  # of another version, or a stranger's
        return None

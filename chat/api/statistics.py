"""The cluster in a few figures, out of what its workers registered in Redis."""

from collections.abc import Sequence

from msgspec import json
from starlette.requests import Request
from starlette.responses import Response

from chat.api.authentication import Guard
from chat.api.operations import JSON, Operation
from chat.api.refusals import AUTHENTICATED
from chat.broker.registry import Node, Registry
from chat.identity.apikeys import Scope
from chat.protocol.errors import ErrorCode
from chat.protocol.http import Statistics


class Cluster:
    """The operation on the cluster as a whole."""

    def __init__(self, registry: Registry, guard: Guard) -> None:
        self._registry = registry
        self._guard = guard

    def operations(self) -> list[Operation]:
        """Return what can be asked."""
        return [
            Operation(
                path="/api/v1/statistics",
                handler=self.statistics,
                name="readStatistics",
                summary="Totals of the cluster",
                description=(
                    "How many workers, connections and rooms there are, in the whole cluster. It "
                    "takes an API key. Metrics over time are for Prometheus: every process has "
                    "them on its operations port."
                ),
                answer=Statistics,
                errors=(*AUTHENTICATED, ErrorCode.UNAVAILABLE),
                scope=Scope.STATISTICS,
                is_for_users=False,
            )
        ]

    async def statistics(self, request: Request) -> Response:
        """Answer the totals.

        Raises:
            CommandError: the request is refused.
            LinkError: Redis is away.
        """
        self._guard.require_key(await self._guard.admit(request), Scope.STATISTICS)
        nodes = await self._registry.living()
        return Response(json.encode(totals(nodes)), media_type=JSON)


def totals(nodes: Sequence[Node]) -> Statistics:
    """Sum up the workers that live."""
    return Statistics(
        hosts=len({node.host for node in nodes}),
        workers=len(nodes),
        workersReady=sum(node.state == "ready" for node in nodes),
        connections=sum(node.connections for node in nodes),
        rooms=sum(node.rooms for node in nodes),
        versions=sorted({node.version for node in nodes}),
    )

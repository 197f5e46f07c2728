"""An endpoint of webhooks: a real HTTP server that keeps what it gets, and fails as it is told."""

import base64
import hashlib
import hmac
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from aiohttp import web

from tests.support.closing import Closing
from tests.support.ports import unused_port
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "whsec_" + base64.b64encode(b"a secret of these tests, 32 byte").decode()


class Taken(NamedTuple):
    """A delivery."""

    delivery_id: str
    timestamp_s: int
    events: list[dict[str, Any]]
    is_signed: bool
    status: int


class Receiver(Closing):
    """Listens on a loopback port that stays the same over `stop` and `start`.

    Attributes:
        answer: returns status and headers for the events of a delivery.
        deliveries: all, in the order of their answers; refused ones too.
    """

    def __init__(self, secret: str = SECRET) -> None:
        self.secret = secret
        self.port = unused_port()
        self.answer: Callable[[list[dict[str, Any]]], tuple[int, dict[str, str]]] = _well
        self.deliveries: list[Taken] = []
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Address."""
        return f"http://127.0.0.1:{self.port}/hook"

    async def open(self) -> None:
        """Listen."""
        await self.start()

    async def close(self) -> None:
        """Listen no more."""
        await self.stop()

    async def start(self) -> None:
        """Listen (again)."""
        app = web.Application(client_max_size=1 << 24)
        app.router.add_post("/hook", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()

    async def stop(self) -> None:
        """Close the port and all connections."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        events = orjson.loads(body)["data"]["events"]
        status, headers = self.answer(events)
        self.deliveries.append(
            Taken(
                request.headers["webhook-id"],
                int(request.headers["webhook-timestamp"]),
                events,
                self._is_signed(request, body),
                status,
            )
        )
        return web.Response(status=status, headers=headers)

    def _is_signed(self, request: web.Request, body: bytes) -> bool:
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        head = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}."
        digest = hmac.new(key, head.encode() + body, hashlib.sha256).digest()
        expected = "v1," + base64.b64encode(digest).decode()
        return expected in request.headers["webhook-signature"].split()

    # ------------------------------------------------------------- what was taken

    def taken(self) -> list[dict[str, Any]]:
        """Return all events that were answered with 2xx, doubles too."""
        return [event for got in self.deliveries if got.status < 300 for event in got.events]

    def events(self, *kinds: str, room: str | None = None) -> list[dict[str, Any]]:
        """Return each event once, where it came first."""
        seen: set[str] = set()
        found = []
        for event in self.taken():
            wanted = (not kinds or event["type"] in kinds) and room in (None, event.get("roomId"))
            if wanted and event["eventId"] not in seen:
                seen.add(event["eventId"])
                found.append(event)
        return found

    def contents(self, room: str | None = None) -> list[str]:
        """Return the contents of messages, in the order in which they came first."""
        return [event["content"] for event in self.events("chat_message", room=room)]

    def doubles(self) -> int:
        """Return how many events came more than once."""
        counts = Counter(event["eventId"] for event in self.taken())
        return sum(count > 1 for count in counts.values())

    async def until(
        self, count: int, *kinds: str, room: str | None = None, timeout_s: float = 30.0
    ) -> list[dict[str, Any]]:
        """Wait for that many different events; return them."""
        await until(
            lambda: len(self.events(*kinds, room=room)) >= count,
            timeout_s,
            what=f"{count} events {kinds}",
        )
        return self.events(*kinds, room=room)


def _well(_events: list[dict[str, Any]]) -> tuple[int, dict[str, str]]:
    return 204, {}

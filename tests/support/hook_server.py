"""A pre-publish hook for tests: a real HTTP server that answers as told and checks who asks."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.support.closing import Closing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

KEY = b"a secret of the tests, 32 bytes."
SECRET = "whsec_" + base64.b64encode(KEY).decode()

Question = dict[str, Any]
#: What to answer: a verdict, or a whole response.
Answer = dict[str, Any] | web.Response
ALLOW: Answer = {"action": "allow"}


class HookServer(Closing):
    """One hook on a fixed port; it may be closed and opened again.

    `asked` holds every question, `ids` the `webhook-id` of each. What it answers is up to `judge`,
    which may be replaced at any time.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/check?of=messages"
        self.asked: list[Question] = []
        self.ids: list[str] = []
        self.forged: list[str] = []
        self.judge: Callable[[Question], Awaitable[Answer]] = _allow
        self._port = port
        self._runner: web.AppRunner | None = None

    def says(self, answer: Answer) -> None:
        """Answer everything so."""

        async def judge(_question: Question) -> Answer:
            return answer

        self.judge = judge

    async def open(self) -> None:
        """Listen."""
        application = web.Application()
        application.router.add_post("/check", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True).start()

    async def close(self) -> None:
        """Close the door and every connection, with questions that have no answer yet."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        if (fault := _fault(request, body)) is not None:
            self.forged.append(fault)
        question = json.loads(body)
        self.asked.append(question)
        self.ids.append(request.headers["webhook-id"])
        answer = await self.judge(question)
        if isinstance(answer, web.Response):
            return answer
        return web.json_response(answer)


async def _allow(_question: Question) -> Answer:
    return ALLOW


def _fault(request: web.Request, body: bytes) -> str | None:
    """Return what is wrong with a signature, None if nothing is."""
    message_id, sent_s = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    content = b".".join((message_id.encode(), sent_s.encode(), body))
    wanted = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
    if request.headers["webhook-signature"] != f"v1,{wanted}":
        return f"the signature of {body!r}"
    if abs(time.time() - int(sent_s)) > 60 or "." in message_id:
        return "the time or the id"
    return None


class Gate:
    """Holds questions back until they are let through, or for good."""

    def __init__(self) -> None:
        self._open = asyncio.Event()

    def open(self) -> None:
        """Let everything through."""
        self._open.set()

    async def passed(self) -> None:
        """Wait until it is open."""
        await self._open.wait()

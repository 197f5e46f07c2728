"""A browser's own client of event streams: it follows a room and resumes by itself."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.api.site import Api, settings_of
from tests.browser.conftest import shares_a_loop
from tests.support.redis_server import RedisServer
from tests.support.tokens import token
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(180), shares_a_loop]

FOLLOW = """(url) => {
  window.seen = [];
  const source = new EventSource(url);
  source.addEventListener("stream_opened", (event) => window.seen.push(event.type));
  source.addEventListener("chat_message", (event) =>
    window.seen.push(JSON.parse(event.data).content));
}"""


@pytest_asyncio.fixture(loop_scope="package")
async def api(redis_server: RedisServer, redis_prefix: str) -> AsyncIterator[Api]:
    made = Api(settings_of(redis_server, redis_prefix, token_in_query=True, api_stream_retry=0.2))
    try:
        yield await made.start()
    finally:
        await made.close()


async def test_a_browser_resumes_after_the_process_was_killed(browser: Browser, api: Api) -> None:
    page = await browser.new_page()
    await page.goto(f"http://127.0.0.1:{api.port}/docs")
    await page.evaluate(FOLLOW, f"/api/v1/rooms/lobby/events?token={token('ann')}")

    async def sees(*expected: str) -> bool:
        return bool(await page.evaluate("window.seen") == list(expected))

    await until(lambda: sees("stream_opened"))
    await api.publish("lobby", "1", "ben")
    await until(lambda: sees("stream_opened", "1"))
    await api.kill()
    await api.start()
    await api.publish("lobby", "2", "ben")
    await until(lambda: sees("stream_opened", "1", "stream_opened", "2"), 20.0)
    await page.close()

"""A browser, windows in it, and the whole system as `make run` starts it."""

import itertools
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, async_playwright

from chat.gateway.page import load_page
from tests.browser.window import Window
from tests.support.cluster import Supervised

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

OpenWindow = Callable[..., Awaitable[Window]]


@asynccontextmanager
async def chromium(*more: str, quic: bool = False) -> AsyncIterator[Browser]:
    """Start a headless Chromium from PATH, so that nothing is downloaded; `more` are arguments."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        pytest.skip(f"none of {', '.join(CHROMIUM)} is on PATH")
    async with async_playwright() as playwright:
        arguments = [*ARGUMENTS, *more] if quic else [*ARGUMENTS, "--disable-quic", *more]
        browser = await playwright.chromium.launch(executable_path=found, args=arguments)
        yield browser
        await browser.close()


#: All tests here share a browser, a site and the loop that these live in.
shares_a_loop = pytest.mark.asyncio(loop_scope="package")
_shared = pytest_asyncio.fixture(scope="package", loop_scope="package")
_numbers = itertools.count(1)


@_shared
async def browser() -> AsyncIterator[Browser]:
    """A browser for all tests here."""
    async with chromium() as started:
        yield started


@_shared
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Supervised]:
    """Two workers and an embedded Redis, as `make run` starts them, for all tests here."""
    arguments = ("--local", "--data-dir", str(tmp_path_factory.mktemp("data")))
    async with Supervised(None, 2, arguments=arguments) as supervised:
        yield supervised


@pytest.fixture
def room() -> str:
    """A room that no other test is in."""
    return f"tea-{next(_numbers)}"


@pytest_asyncio.fixture(loop_scope="package")
async def open_window(browser: Browser) -> AsyncIterator[OpenWindow]:
    """Open windows: `await open_window(site, color_scheme="dark")`. None may have had a fault."""
    windows: list[Window] = []

    async def open_(site: Supervised, **options: Any) -> Window:
        options = {"viewport": {"width": 1000, "height": 700}, **options}
        context = await browser.new_context(**options)
        window = Window(await context.new_page(), f"http://localhost:{site.port}/")
        windows.append(window)
        return window

    yield open_
    for window in windows:
        await window.page.context.close()
    assert [fault for window in windows for fault in window.faults] == []


@_shared
async def modules(browser: Browser) -> Page:
    """An empty page that can import the web client's modules: no server, no conversation."""
    page = await browser.new_page()
    files = load_page()
    empty = "text/html", b"<!doctype html>"

    async def serve(route: Route) -> None:
        path = urlsplit(route.request.url).path
        content_type, body = files[path] if path.startswith("/static/") else empty
        await route.fulfill(body=body, content_type=content_type)

    await page.route("**/*", serve)
    await page.goto("http://modules.test/")
    return page

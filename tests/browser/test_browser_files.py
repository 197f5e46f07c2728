"""Files go from one window to the other: under `make run`, and through a real front."""

import asyncio
import base64
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FilePayload, Locator

from tests.api.site import Api, settings_of
from tests.browser.axe import flaws
from tests.browser.conftest import OpenWindow, shares_a_loop
from tests.browser.window import Window, becomes, press_twice
from tests.front.certificates import make_certificates
from tests.support.cluster import NO_LIMITS, Cluster, Supervised
from tests.support.haproxy import Haproxy, servers_file
from tests.support.pictures import GPS, exif, png
from tests.support.redis_server import RedisServer
from tests.support.tokens import token
from tests.support.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300), shares_a_loop]

FORMATS = """
async () => {
  const canvas = new OffscreenCanvas(60, 40);
  canvas.getContext("2d").fillRect(0, 0, 30, 40);
  const encoded = {};
  for (const type of ["image/jpeg", "image/webp"]) {
    const blob = await canvas.convertToBlob({ type });
    encoded[type] = btoa(String.fromCharCode(...new Uint8Array(await blob.arrayBuffer())));
  }
  return encoded;
}
"""
GIVE = """
([how, name, type, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type }));
  const options = { bubbles: true, cancelable: true };
  if (how === "paste") {
    const event = new ClipboardEvent("paste", { ...options, clipboardData: data });
    document.getElementById("draft").dispatchEvent(event);
  } else {
    const event = new DragEvent("drop", { ...options, dataTransfer: data });
    document.getElementById("talk").dispatchEvent(event);
  }
}
"""
SHOWN = """
() => Array.from(document.querySelectorAll("#messages .thumbnail img"), (image) => {
  const { width, height } = image.getBoundingClientRect();
  return [image.alt, image.complete, image.naturalWidth, image.naturalHeight, width, height];
})
"""


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def front(
    redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """A worker and an HTTP side with a place for files behind HAProxy; returns the address."""
    behind: dict[str, Any] = {"trusted_proxies": "127.0.0.1", **NO_LIMITS}
    prefix = f"t{uuid.uuid4().hex[:12]}"
    folder = Path(tempfile.mkdtemp(prefix="front-", dir="/tmp"))  # a short socket path
    certificates = make_certificates(tmp_path_factory.mktemp("certificates"))
    async with AsyncExitStack() as stack:
        cluster = Cluster(redis_server, 1, redis_prefix=prefix, **behind)
        await stack.enter_async_context(cluster)
        store: dict[str, Any] = {"upload_store": str(tmp_path_factory.mktemp("files"))}
        store["upload_max_bytes"] = 200_000
        api = Api(settings_of(redis_server, prefix, **behind, **store))
        stack.push_async_callback(api.close)
        await api.start()
        workers, apis = [f"127.0.0.1:{cluster[0].port}"], [f"127.0.0.1:{api.port}"]
        servers = servers_file(folder, workers, apis)
        haproxy = Haproxy(folder, servers, certificates.folder, api_check="/api/v1/health")
        await stack.enter_async_context(haproxy)
        await haproxy.wait_up(backend="api")
        yield f"https://localhost:{haproxy.port}/"
    shutil.rmtree(folder)


async def enter(browser: Browser, site: str, name: str, room: str, **options: Any) -> Window:
    options = {"viewport": {"width": 1000, "height": 700}, **options}
    context = await browser.new_context(ignore_https_errors=True, **options)
    window = Window(await context.new_page(), site)
    await window.enter(name, room, token(name, user={"name": name}))
    await window.page.locator("#composer .attach").wait_for(state="visible")
    return window


async def attach(window: Window, name: str, kind: str, data: bytes) -> None:
    file: FilePayload = {"name": name, "mimeType": kind, "buffer": data}
    await window.page.locator("#composer .tools input").set_input_files(file)


async def wait_ready(window: Window, count: int) -> None:
    """Wait until so many files are in the tray, all of them uploaded."""
    ready = window.page.locator("#composer .tray li:not(.failed) progress[hidden]")
    await until(lambda: _counts(ready, count), 40, what=f"{count} uploaded files")
    await until(window.page.locator("#composer .send").is_enabled, 40, what="that it can be sent")


def _says(locator: Locator, text: str) -> Callable[[], Awaitable[bool]]:
    async def says() -> bool:
        return await locator.all_text_contents() == [text]

    return says


async def _counts(locator: Locator, count: int) -> bool:
    return bool(await locator.count() == count)


async def wait_shown(window: Window, *names: str) -> list[list[Any]]:
    """Wait until these pictures are there and decoded; return what is known of them."""
    shown: list[list[Any]] = []

    async def all_there() -> bool:
        nonlocal shown
        shown = await window.page.evaluate(SHOWN)
        return [one[0] for one in shown] == list(names) and all(one[1] for one in shown)

    await until(all_there, 40, what=f"pictures {names}")
    return shown


async def test_pictures_that_are_chosen_pasted_and_dropped_appear_in_the_other_window(
    browser: Browser, front: str, room: str
) -> None:
    ada, grace = await asyncio.gather(
        enter(browser, front, "Ada", room),
        enter(browser, front, "Grace", room, color_scheme="dark"),
    )
    await attach(ada, "tea.png", "image/png", png(640, 480, notes=GPS))
    await wait_ready(ada, 1)
    await ada.say("Look at that")
    [tea] = await wait_shown(grace, "tea.png")
    assert tea[2:] == [640, 480, 320, 240]
    await grace.wait_texts("Look at that")

    formats = await ada.page.evaluate(FORMATS)
    photo, webp = (base64.b64decode(formats[kind]) for kind in ("image/jpeg", "image/webp"))
    photo = photo[:2] + exif(6) + photo[2:]
    for how, name, kind, data in (
        ("paste", "photo.jpg", "image/jpeg", photo),
        ("drop", "picture.webp", "image/webp", webp),
    ):
        words = [how, name, kind, base64.b64encode(data).decode()]
        await ada.page.evaluate(GIVE, words)
    await wait_ready(ada, 2)
    await ada.shot("files-in-the-tray")
    assert await flaws(ada) == []
    await ada.page.locator("#composer .send").click()
    shown = await wait_shown(grace, "tea.png", "photo.jpg", "picture.webp")
    assert shown[1][2:] == [40, 60, 40, 60]  # turned, as the camera said
    assert shown[2][2:] == [60, 40, 60, 40]
    await wait_shown(ada, "tea.png", "photo.jpg", "picture.webp")
    await ada.shot("files-sent")
    await grace.shot("files-received-dark")

    await grace.page.get_by_role("button", name="Open picture tea.png").click()
    large = grace.page.get_by_role("dialog", name="tea.png")
    await large.wait_for(state="visible")
    await grace.shot("file-opened")
    assert await flaws(grace) == []
    await grace.page.keyboard.press("Escape")
    await large.wait_for(state="hidden")
    assert ada.faults == grace.faults == []
    for window in (ada, grace):
        await window.page.context.close()


async def test_who_types_make_run_can_attach_a_picture_and_has_nothing_in_the_console(
    site: Supervised, open_window: OpenWindow, room: str
) -> None:
    ada, grace = await open_window(site), await open_window(site)
    await ada.enter("Ada", room)
    await grace.enter("Grace", room)
    await ada.page.locator("#composer .attach").wait_for(state="visible")
    await attach(ada, "tea.png", "image/png", png(640, 480))
    await wait_ready(ada, 1)
    await ada.say("Look at that")
    assert (await wait_shown(grace, "tea.png"))[0][2:] == [640, 480, 320, 240]
    await wait_shown(ada, "tea.png")
    await grace.page.get_by_role("button", name="Open picture tea.png").click()
    await grace.page.get_by_role("dialog", name="tea.png").wait_for(state="visible")
    assert ada.errors == grace.errors == []


async def test_other_files_are_links_and_what_cannot_be_sent_is_said(
    browser: Browser, front: str, room: str
) -> None:
    ada, grace = await asyncio.gather(
        enter(browser, front, "Ada", room), enter(browser, front, "Grace", room)
    )
    tray = ada.page.locator("#composer .tray li")
    await attach(ada, "program", "image/png", b"\x7fELF\2\1\1" + bytes(64))
    problem = ada.page.locator("#composer .tray .failed small")
    await until(_says(problem, "Files of this kind are not taken here."), what="why")
    assert await ada.page.locator("#composer .send").is_disabled()
    await ada.page.get_by_role("button", name="Remove program").click()
    await attach(ada, "big.png", "image/png", bytes(200_001))
    await ada.page.get_by_text("big.png is larger than 200 KB.").wait_for()
    await becomes(tray.count, 0)

    await ada.page.context.set_offline(True)
    await attach(ada, "page.html", "text/html", b"<script>alert(1)</script>")
    await until(_says(problem, "No connection. It goes on when it is back."), what="why")
    await ada.wait_phase("offline", "waiting")
    await ada.shot("file-waits-offline")
    await ada.page.context.set_offline(False)
    await wait_ready(ada, 1)
    await ada.page.locator("#composer .send").click()
    link = grace.page.get_by_role("link", name="Download page.html, 25 bytes")
    await link.wait_for()
    assert await link.get_attribute("download") == "page.html"
    async with grace.page.expect_download() as download:
        await link.click()
    saved = await (await download.value).path()
    assert saved.read_bytes() == b"<script>alert(1)</script>"
    row = ada.page.locator(".message").last

    async def ask() -> None:
        await row.hover()
        await ada.page.locator("#stream .act-delete").click()

    await press_twice(ask, ada.page.get_by_role("button", name="Really delete?"))
    await grace.page.get_by_text("This message was deleted.").wait_for()
    assert await link.count() == 0
    assert ada.faults == grace.faults == []
    for window in (ada, grace):
        await window.page.context.close()

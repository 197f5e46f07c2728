"""docs/tutorial.md is played: its commands are typed, its files saved, its pages looked at."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.api.test_documentation import shape
from tests.browser.conftest import shares_a_loop
from tests.browser.terminals import Block, Desk, Terminal, sections
from tests.browser.window import ARTIFACTS, Window
from tests.support import http
from tests.support.ports import unused_port
from tests.support.waiting import until
from tests.support.worker import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(400), shares_a_loop]

SECTIONS = sections((REPOSITORY / "docs" / "tutorial.md").read_text())
CHAT, SITE, RECEIVER = "8080", "3000", "9000"
START = "1. Start the chat"
TABLE = "body { background: #ccc; margin: 20px; display: flex; gap: 20px }"
QUIET_CURL = "curl --silent --show-error --fail-with-body "


class Afternoon:
    """The one who follows the page: a desk, and the windows that are open."""

    def __init__(self, desk: Desk, browser: Browser) -> None:
        self.desk = desk
        self.browser = browser
        self.left = dict(SECTIONS)
        self.windows: list[Window] = []
        self.chat: Terminal

    def blocks(self, heading: str) -> list[Block]:
        """Return the blocks of a section, each section once."""
        return self.left.pop(heading)

    async def start(self, block: Block, sign: str) -> Terminal:
        """Type a block that does not end in a terminal of its own, until it gives a sign."""
        terminal = await self.desk.open()
        terminal.type(self.desk.typed(block.text.replace("curl ", QUIET_CURL)))
        await terminal.sees(sign)
        return terminal

    async def run(self, terminal: Terminal, commands: Block, answer: Block | None = None) -> None:
        """Type a block and compare what it prints with what the page shows."""
        printed = await terminal.run(self.desk.typed(commands.text.replace("curl ", QUIET_CURL)))
        if answer is not None:
            assert shape(json.loads(printed)) == shape(json.loads(answer.text)), printed

    async def window(self, user: str) -> Page:
        """Open the page of the tutorial in a window of its own."""
        context = await self.browser.new_context(viewport={"width": 500, "height": 340})
        address = self.desk.typed(f"http://localhost:{SITE}/?user={user}")
        window = Window(await context.new_page(), address)
        self.windows.append(window)
        await window.page.goto(address)
        await says(window.page, f"{user} is online.")
        return window.page

    async def http_side_answers(self) -> bool:
        """Whether the HTTP side is there and knows the key."""
        key = (self.desk.folder / "afternoon" / "key").read_text().strip()
        headers = {"Authorization": f"Bearer {key}"}
        port = int(self.desk.typed(CHAT))
        try:
            found = await http.get(port, "/api/v1/rooms/lobby/history", headers=headers)
        except TimeoutError:
            return False
        return found.status == 200


@pytest_asyncio.fixture(loop_scope="package")
async def afternoon(browser: Browser, tmp_path: Path) -> AsyncIterator[Afternoon]:
    ports = {port: str(unused_port()) for port in (CHAT, SITE, RECEIVER)}
    environ = {
        "CHAT_PORT": ports[CHAT],
        "CHAT_OPS_PORT": "0",
        "CHAT_WORKERS": "2",
        "CHAT_OVERLOAD_LAG": "0",  # how busy this machine is says nothing about the page
    }
    desk = Desk(tmp_path, environ, ports)
    made = Afternoon(desk, browser)
    try:
        yield made
    finally:
        for window in made.windows:
            await window.page.context.close()
        await desk.leave()
    assert [fault for window in made.windows for fault in window.faults] == []


async def answers(port: int) -> bool:
    """Whether a site is there."""
    try:
        return (await http.get(port, "/")).status == 200
    except OSError:
        return False


async def listens(port: int) -> bool:
    """Whether a server takes connections."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def says(page: Page, text: str) -> None:
    """Wait until the line below the draft says something."""
    status = page.get_by_role("status")

    async def said() -> bool:
        return text in await status.inner_text()

    await until(said, 60.0, what=text)


async def shows(*pages: Page, lines: list[str]) -> None:
    """Wait until windows show these messages and no others."""
    seen: list[Any] = []

    async def all_there() -> bool:
        seen[:] = [await page.get_by_role("listitem").all_inner_texts() for page in pages]
        return all(found == lines for found in seen)

    try:
        await until(all_there, 60.0, what="the messages")
    except AssertionError as exc:
        raise AssertionError(f"wanted {lines}, saw {seen}") from exc


async def say(page: Page, text: str) -> None:
    draft = page.get_by_role("textbox", name="Message")
    await draft.fill(text)
    await draft.press("Enter")


async def change(page: Page, message: str, text: str) -> None:
    page.once("dialog", lambda dialog: dialog.accept(text))
    await page.get_by_text(message, exact=True).dblclick()


async def keep_picture(browser: Browser, *pages: Page) -> None:
    """Keep a picture of windows side by side: docs/images/tutorial.png is one."""
    shots = [b64encode(await page.screenshot()).decode() for page in pages]
    table = await browser.new_page(viewport={"width": 1060, "height": 380})
    images = [f'<img src="data:image/png;base64,{shot}">' for shot in shots]
    await table.set_content(f"<style>{TABLE}</style>{''.join(images)}")
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    await table.screenshot(path=ARTIFACTS / "tutorial.png")
    await table.close()


async def test_a_new_developer_gets_through_the_afternoon(afternoon: Afternoon) -> None:
    mine = await get_ready(afternoon)
    ada, ben = await afternoon.window("ada"), await afternoon.window("ben")
    spoken = await chat_in_two_windows(afternoon, ada, ben)
    await speak_and_read(afternoon, mine, ada, ben, spoken)
    await moderate(afternoon, mine, ada, ben, spoken)
    await be_told(afternoon, ada)
    assert afternoon.left == {}


async def get_ready(afternoon: Afternoon) -> Terminal:
    """Start the two programs; return the terminal for everything else."""
    (start,) = afternoon.blocks(START)
    afternoon.chat = await afternoon.start(start, "Chat is running")
    desk, mine = afternoon.desk, await afternoon.desk.open()
    (making,) = afternoon.blocks("2. Make a key")
    await afternoon.run(mine, making)
    await until(afternoon.http_side_answers, what="the HTTP side to have read the key")
    server, copying, page, serving = afternoon.blocks("3. Make a site")
    desk.save(server)
    await afternoon.run(mine, copying)
    desk.save(page)
    (await desk.open()).type(desk.typed(serving.text))
    await until(lambda: answers(int(desk.typed(SITE))), 60.0, what="the site")
    return mine


async def chat_in_two_windows(afternoon: Afternoon, ada: Page, ben: Page) -> list[str]:
    """Do what section 4 tells to do; return what the windows show then."""
    await say(ada, "Hello Ben!")
    await shows(ada, ben, lines=["ada: Hello Ben!"])
    await say(ben, "Hello Adda!")
    await say(ben, "Oops")
    await shows(ada, ben, lines=["ada: Hello Ben!", "ben: Hello Adda!", "ben: Oops"])
    await change(ben, "ben: Hello Adda!", "Hello Ada!")
    await change(ben, "ben: Oops", "")
    spoken = ["ada: Hello Ben!", "ben: Hello Ada! (edited)", "ben: (deleted)"]
    await shows(ada, ben, lines=spoken)

    await afternoon.chat.close()
    await say(ada, "Are you there?")
    afternoon.chat = await afternoon.start(SECTIONS[START][0], "Chat is running")
    spoken.append("ada: Are you there?")
    await shows(ada, ben, lines=spoken)
    await ben.reload()
    await shows(ben, lines=spoken)
    await until(afternoon.http_side_answers, 60.0, what="the HTTP side")
    return spoken


async def speak_and_read(
    afternoon: Afternoon, mine: Terminal, ada: Page, ben: Page, spoken: list[str]
) -> None:
    variables, publishing, published = afternoon.blocks("5. Speak from a back end")
    await afternoon.run(mine, variables)
    await afternoon.run(mine, publishing, published)
    spoken.append("CI: Build 7 passed.")
    await shows(ada, ben, lines=spoken)
    await keep_picture(afternoon.browser, ada, ben)

    reading, page_of_history, following, seen = afternoon.blocks("6. Read along")
    await afternoon.run(mine, reading, page_of_history)
    opened, *later = seen.text.splitlines()
    stream = await afternoon.start(following, opened)
    await say(ada, "Look")
    await change(ada, "ada: Look", "Look!")
    await change(ada, "ada: Look! (edited)", "")
    for line in later:
        await stream.sees(line)
    spoken.append("ada: (deleted)")


async def moderate(
    afternoon: Afternoon, mine: Terminal, ada: Page, ben: Page, spoken: list[str]
) -> None:
    mute, muted, unmute, ban = afternoon.blocks("7. Moderate")
    await afternoon.run(mine, mute, muted)
    await say(ben, "LOUD")
    await says(ben, "You are muted in this room.")
    await afternoon.run(mine, unmute)
    await say(ben, "LOUDER")
    spoken.append("ben: LOUDER")
    await shows(ada, ben, lines=spoken)
    await afternoon.run(mine, ban)
    await says(ben, "You are banned from this room: Spam")
    await ben.reload()
    await says(ben, "You are banned from this room.")

    asking, trail, unban = afternoon.blocks("8. Look who did what")
    await afternoon.run(mine, asking, trail)
    await afternoon.run(mine, unban)
    await ben.reload()
    await shows(ada, ben, lines=spoken)


async def be_told(afternoon: Afternoon, ada: Page) -> None:
    desk, receiver = afternoon.desk, await afternoon.desk.open()
    program, receiving, starting, told = afternoon.blocks("9. Be told")
    desk.save(program)
    receiver.type(desk.typed(receiving.text))
    await until(lambda: listens(int(desk.typed(RECEIVER))), 60.0, what="the receiver")
    await afternoon.chat.close()
    afternoon.chat = await afternoon.start(starting, "Chat is running")
    await says(ada, "ada is online.")
    await say(ada, "Is anybody told?")
    await receiver.sees(told.text)

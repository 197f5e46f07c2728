"""One browser window with the chat page in it, seen and used as a person would."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import ConsoleMessage, Locator, Page, WebSocket
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from tests.support.contract import CONTRACT, Witness
from tests.support.waiting import DeadlineError, until

ARTIFACTS = Path(__file__).resolve().parents[1] / "artifacts" / "browser"
ONLINE = "online"
TIMEOUT_S = 40.0


#: How long a button asks whether that is really meant, less than chat/web says.
_SURE_MS = 3_000.0


async def becomes(look: Callable[[], Awaitable[object]], wanted: object) -> None:
    """Wait until a look at a page shows this: it is painted once a frame, a moment after a key."""
    seen: object = None

    async def shows() -> bool:
        nonlocal seen
        seen = await look()
        return seen == wanted

    try:
        await until(shows, TIMEOUT_S)
    except DeadlineError:
        raise AssertionError(f"wanted {wanted!r}, saw {seen!r}") from None


async def press_twice(ask: Callable[[], Awaitable[None]], sure: Locator) -> None:
    """Press a button and, while it asks whether that is really meant, once more."""

    async def pressed() -> bool:
        await ask()
        try:
            await sure.click(timeout=_SURE_MS)
        except PlaywrightTimeoutError:
            return False  # we were too slow, and it asks no more
        return True

    await until(pressed, TIMEOUT_S, what="the second press")


class Window:
    """A page of its own browser context, so that its storage and its network are its own.

    Args:
        page: an empty page.
        site: address of the page under test.
    """

    def __init__(self, page: Page, site: str) -> None:
        self.page = page
        self.site = site
        self.connections = 0
        self.faults: list[str] = []  # what the page itself did wrong
        self.errors: list[str] = []  # in the console: what the browser could not load, too
        page.on("websocket", self._connecting)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._console)

    async def enter(self, name: str, room: str, token: str = "") -> None:
        """Fill in the form of the first screen, and wait until the room is there.

        Args:
            name: of the person.
            room: to join.
            token: for a server that hands none out; the page then asks for it.
        """
        await self.page.goto(self.site)
        await self.page.get_by_label("Your name").fill(name)
        await self.page.get_by_label("Room", exact=True).fill(room)
        join = self.page.get_by_role("button", name="Join room")
        await join.click()
        if token:
            await self.page.locator("#entry-token").fill(token)
            await join.click()
        await self.page.locator("#chat").wait_for(state="visible")
        await self.wait_phase(ONLINE)

    async def say(self, *texts: str) -> None:
        """Write messages and send each with Enter."""
        draft = self.page.get_by_role("textbox", name="Message")
        for text in texts:
            await draft.fill(text)
            await draft.press("Enter")

    async def texts(self, state: str = "delivered") -> list[str]:
        """Return the messages of the room in a state of delivery, from top to bottom."""
        bodies = self.page.locator(f'#messages .message[data-state="{state}"] .body')
        return await bodies.all_text_contents()

    async def notices(self) -> list[str]:
        """Return the lines in the stream that are not messages or days."""
        return await self.page.locator("#messages .gap").all_text_contents()

    async def people(self) -> list[str]:
        """Return who is in the room, as the list of people shows them."""
        return await self.page.locator("#people-list .name").all_text_contents()

    async def phase(self) -> str:
        """Return the phase of the connection, as the status shows it."""
        return await self.page.locator("#status").get_attribute("data-phase") or ""

    async def wait_phase(self, *phases: str) -> None:
        """Wait until the connection is in one of these phases."""

        async def reached() -> bool:
            return await self.phase() in phases

        await until(reached, TIMEOUT_S, what=f"phase {' or '.join(phases)}")

    async def wait_texts(self, *wanted: str) -> None:
        """Wait until exactly these messages are delivered, each once, in this order."""
        seen: list[str] = []

        async def all_there() -> bool:
            nonlocal seen
            seen = await self.texts()
            return seen == list(wanted)

        try:
            await until(all_there, TIMEOUT_S, what="all messages")
        except DeadlineError as exc:
            raise AssertionError(f"wanted {wanted}, saw {seen} in {await self.phase()}") from exc

    async def wait_people(self, *names: str) -> None:
        """Wait until the list of people has exactly these, in any order."""

        async def all_there() -> bool:
            return sorted(await self.people()) == sorted(names)

        await until(all_there, TIMEOUT_S, what=f"{', '.join(names)} in the list")

    async def shot(self, name: str) -> None:
        """Keep a picture of the window."""
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=ARTIFACTS / f"{name}.png")

    def _connecting(self, socket: WebSocket) -> None:
        self.connections += 1
        witness = Witness(CONTRACT)
        socket.on("framesent", lambda text: witness.sent(str(text)))
        socket.on("framereceived", lambda text: witness.received(json.loads(text)))

    def _console(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.faults.append(message.text)
        # Containers that come and go on this machine change its network: not the page's fault.
        if message.type in ("error", "warning") and "ERR_NETWORK_CHANGED" not in message.text:
            self.errors.append(f"{message.text} ({message.location['url']})")

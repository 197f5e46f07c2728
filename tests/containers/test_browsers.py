"""Two people in real browsers chat through the stack, over TLS, and a worker is killed."""

import asyncio
import base64
import hashlib
import uuid

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.browser.conftest import chromium
from tests.browser.window import ONLINE, Window
from tests.containers.stack import Stack
from tests.support.waiting import until

pytestmark = [
    pytest.mark.containers,
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(900),
]

#: As HAProxy writes it down when the connection has ended.
_HANDSHAKE = r'"http":"HTTP/2.0","method":"GET","path":"\/ws","status":101'
NAMES = ("Ada Lovelace", "Grace Hopper")


def trust(stack: Stack) -> str:
    """Make a browser accept this stack's key as if an authority had signed it, and no other."""
    certificate = x509.load_pem_x509_certificate(stack.certificate.read_bytes())
    public = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    digest = base64.b64encode(hashlib.sha256(public).digest()).decode()
    return f"--ignore-certificate-errors-spki-list={digest}"


def token(stack: Stack, name: str) -> str:
    """Get a token as docs/compose.md says."""
    user = name.split()[0].lower()
    command = ("exec", "-T", "worker", "chat", "token", "--user", user, "--name", name)
    return stack.compose(*command).strip()


async def test_two_browsers_chat_and_go_on_when_a_worker_is_killed(stack: Stack) -> None:
    room = f"tea-room-{uuid.uuid4().hex[:4]}"
    async with chromium(trust(stack)) as browser:
        ada, grace = windows = [
            Window(await (await browser.new_context()).new_page(), stack.page) for _ in NAMES
        ]
        for window, name in zip(windows, NAMES, strict=True):
            await window.enter(name, room, await asyncio.to_thread(token, stack, name))
        said = ["Is it you behind HAProxy?", "It is, and in a container."]
        await ada.say(said[0])
        await grace.wait_texts(said[0])
        await grace.say(said[1])
        for window in windows:
            await window.wait_texts(*said)
            await window.wait_people(*NAMES)

        victim = max(stack.containers("worker"), key=stack.connections)
        assert stack.connections(victim) > 0
        stack.crash(victim)
        await until(
            lambda: sum(window.connections for window in windows) > 2, 40.0, what="a return"
        )

        async def is_logged() -> bool:
            return _HANDSHAKE in await asyncio.to_thread(stack.said, "haproxy")

        # The page came over HTTP/2, and so did its WebSocket (RFC 8441).
        await until(is_logged, 40.0, what="the handshake in the log", interval_s=0.5)
        await ada.say("A worker is gone.")
        await grace.say("I have not noticed.")
        for window in windows:
            await window.wait_phase(ONLINE)
            await window.wait_people(*NAMES)
        await until(lambda: _agree(windows, len(said) + 2), 40.0, what="both windows agree")
        await ada.shot("containers-ada")
        await grace.shot("containers-grace")
        assert [window.faults for window in windows] == [[], []]


async def _agree(windows: list[Window], count: int) -> bool:
    one, other = [await window.texts() for window in windows]
    return len(one) == count and one == other

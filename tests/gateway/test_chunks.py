"""Whatever a client sends, however the network cuts it: the same messages and the same answers.

The engine is driven without a socket here, so that the cuts are exactly where the test wants
them; only the transport, which is asyncio's part, is replaced by a list of bytes.
"""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Close, Frame, Opcode

from chat.gateway.connection import Connection
from chat.gateway.gateway import Gateway
from chat.gateway.handshake import Handshake
from chat.ops.stats import Stats
from chat.protocol import frames
from chat.protocol.errors import CloseCode
from chat.settings import Settings
from tests.gateway.application import RecordingApplication
from tests.gateway.wire import frame

MAX_BYTES = 300


class NoSocket:
    """What a transport without a descriptor has."""

    family = socket.AF_UNIX

    def fileno(self) -> int:
        return -1


class Written(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"socket": NoSocket()})
        self.data = bytearray()
        self.ended = False

    def write(self, data: Any) -> None:
        assert not self.ended, "written after the end"
        self.data += data

    def write_eof(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def resume_reading(self) -> None:
        pass


@dataclass
class Outcome:
    """What came of some bytes."""

    received: list[str | bytes] = field(default_factory=list)
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    is_open: bool = True
    ended: bool = False
    held: int = 0  # bytes of an unfinished frame or message


Prepare = Callable[[Connection], None]


def deliver(chunks: list[bytes], prepare: Prepare = lambda _: None) -> Outcome:
    """Hand chunks to a fresh connection and return what came of them."""

    async def run() -> Outcome:
        application = RecordingApplication()
        settings = Settings(max_message_bytes=MAX_BYTES)
        gateway = Gateway(settings, Stats(), application)
        handshake = Handshake(gateway)
        transport = Written()
        assert gateway.handshake_began(handshake) is None
        connection = Connection(gateway, transport, [])
        gateway.upgraded(handshake, connection, None)
        prepare(connection)
        for chunk in chunks:
            connection.data_received(chunk)
        held = len(connection._partial or b"") + len(connection._fragments or b"")
        received = application.handlers[0].received
        answers = frames.split_frames(bytes(transport.data))
        return Outcome(received, answers, connection.is_open, transport.ended, held)

    return _run(run())


def _run(work: Coroutine[Any, Any, Outcome]) -> Outcome:
    with asyncio.Runner() as runner:
        return runner.run(work)


def cut(data: bytes, places: list[float]) -> list[bytes]:
    """Cut data at places given as parts of its length."""
    at = sorted({0, len(data), *(int(place * len(data)) for place in places)})
    return [data[start:stop] for start, stop in pairwise(at)]


@dataclass(frozen=True)
class Sent:
    """One message, the sizes of its fragments, and a ping in front of each."""

    content: str | bytes
    cuts: list[float]
    pings: list[bytes | None]

    def wire(self) -> bytes:
        is_text = isinstance(self.content, str)
        data = self.content.encode() if isinstance(self.content, str) else self.content
        pieces = cut(data, self.cuts) or [b""]
        pings = [*self.pings, *[None] * len(pieces)]
        out = []
        for number, (piece, ping) in enumerate(zip(pieces, pings, strict=False)):
            if ping is not None:
                out.append(frame(Opcode.PING, ping))
            opcode = Opcode.CONT if number else Opcode.TEXT if is_text else Opcode.BINARY
            out.append(frame(opcode, piece, fin=number == len(pieces) - 1))
        return b"".join(out)

    def pongs(self) -> list[tuple[int, bytes]]:
        size = len(self.content.encode() if isinstance(self.content, str) else self.content)
        pieces = max(1, len(cut(b"x" * size, self.cuts)))
        return [(frames.PONG, ping) for ping in self.pings[:pieces] if ping is not None]


PLACES = st.lists(st.floats(0, 1), max_size=8)
MESSAGES = st.lists(
    st.builds(
        Sent,
        st.text(max_size=70) | st.binary(max_size=MAX_BYTES),
        st.just([]) | PLACES,
        st.lists(st.none() | st.binary(max_size=125), max_size=3),
    ),
    max_size=8,
)


@given(MESSAGES, PLACES)
def test_the_same_messages_arrive_however_they_are_cut(
    messages: list[Sent], places: list[float]
) -> None:
    data = b"".join(message.wire() for message in messages)
    expected = Outcome(
        [message.content for message in messages],
        [pong for message in messages for pong in message.pongs()],
    )
    assert deliver(cut(data, places)) == expected
    assert deliver([data[at : at + 1] for at in range(len(data))]) == expected


RIGHT = (
    st.builds(frame, st.sampled_from([0, 1, 2]), st.binary(max_size=180), fin=st.booleans())
    | st.builds(frame, st.sampled_from([9, 10]), st.binary(max_size=125))
    | st.builds(lambda code: frame(Opcode.CLOSE, code.to_bytes(2, "big")), st.integers(999, 5000))
)
WRONG = st.builds(
    lambda first, second, rest: bytes((first, second)) + rest,
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=20),
)
STREAM = st.lists(RIGHT | WRONG, max_size=10).map(b"".join)


@given(STREAM, PLACES)
def test_anything_at_all_comes_to_the_same_however_it_is_cut(
    data: bytes, places: list[float]
) -> None:
    whole = deliver([data])
    in_pieces = deliver(cut(data, places))
    by_byte = deliver([data[at : at + 1] for at in range(len(data))])
    assert in_pieces == whole
    assert by_byte == whole
    assert whole.held <= 2 * MAX_BYTES + 14
    closes = [payload for first, payload in whole.answers if first == frames.CLOSE]
    assert len(closes) == (0 if whole.is_open else 1)
    assert whole.ended == (not whole.is_open), "what the client got wrong ends at once"


def close_first(connection: Connection) -> None:
    connection.close(CloseCode.SERVICE_RESTART)


@given(STREAM, PLACES)
def test_after_our_close_nothing_reaches_the_handler_and_no_second_close_goes_out(
    data: bytes, places: list[float]
) -> None:
    outcome = deliver(cut(data, places), close_first)
    assert outcome == deliver([data], close_first)
    assert outcome.received == []
    kinds = [first for first, _ in outcome.answers]
    assert kinds[0] == frames.CLOSE
    assert set(kinds[1:]) <= {frames.PONG}


@given(MESSAGES.filter(bool), PLACES)
def test_a_close_behind_anything_unread_is_understood(
    messages: list[Sent], places: list[float]
) -> None:
    close = frame(Opcode.CLOSE, Close(1000, "bye").serialize())
    data = b"".join(message.wire() for message in messages) + close
    outcome = deliver(cut(data, places), close_first)
    assert outcome.ended


def compressed(connection: Connection) -> None:
    _, extension = ServerPerMessageDeflateFactory().process_request_params([], [])
    parser = connection._make_parser()
    parser.extensions = [extension]
    connection._parser = parser


@given(MESSAGES, PLACES)
def test_compressed_messages_arrive_however_they_are_cut(
    messages: list[Sent], places: list[float]
) -> None:
    """The client compresses some, as it may, and sends control frames in between."""
    _, extension = ServerPerMessageDeflateFactory().process_request_params([], [])
    data = b""
    pongs = []
    for number, message in enumerate(messages):
        if number % 3 == 0:
            data += message.wire()
            pongs += message.pongs()
            continue
        is_text = isinstance(message.content, str)
        content = message.content.encode() if isinstance(message.content, str) else message.content
        plain = Frame(Opcode.TEXT if is_text else Opcode.BINARY, content)
        data += plain.serialize(mask=True, extensions=[extension])
    outcome = deliver(cut(data, places), compressed)
    assert outcome == Outcome([message.content for message in messages], pongs)

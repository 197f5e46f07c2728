"""The short way through the handshake is the library's way, wherever it is taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from chat.gateway.upgrade import read_upgrade

LINES = (
    b"Host: x",
    b"Upgrade: websocket",
    b"Connection: Upgrade",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Protocol: chat.v1, chat.token.a.b-c_d",
)
BROWSER = b"""GET /ws?room=lobby HTTP/1.1
Host: chat.example:8080
Connection: Upgrade
Pragma: no-cache
Cache-Control: no-cache
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)
Upgrade: websocket
Origin: http://chat.example:8080
Sec-WebSocket-Version: 13
Accept-Encoding: gzip, deflate, br, zstd
Accept-Language: en-US,en;q=0.9
Cookie: room=lobby
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits
Sec-WebSocket-Protocol: chat.v1, chat.token.eyJhbGciOiJIUzI1NiJ9.e30.x-y_z

""".replace(b"\n", b"\r\n")


def by_library(data: bytes) -> tuple[Request, bytes] | None:
    """Return what the library reads and answers, Date left out; None if it does not accept."""
    server = ServerProtocol(
        subprotocols=[Subprotocol("chat.v1")],
        select_subprotocol=lambda _, offered: "chat.v1" if "chat.v1" in offered else None,  # type: ignore[arg-type, return-value]
    )
    server.receive_data(data)
    requests = [event for event in server.events_received() if isinstance(event, Request)]
    if not requests:
        return None
    response = server.accept(requests[0])
    del response.headers["Date"]
    return (requests[0], response.serialize()) if response.status_code == 101 else None


def request(lines: list[bytes]) -> bytes:
    return b"\r\n".join([b"GET /ws HTTP/1.1", *lines, b"", b""])


def test_what_a_browser_sends_is_ordinary() -> None:
    assert read_upgrade(BROWSER) is not None


def test_what_the_library_sends_is_ordinary() -> None:
    client = ClientProtocol(parse_uri("ws://x:8080/ws"), subprotocols=[Subprotocol("chat.v1")])
    client.send_request(client.connect())
    upgrade = read_upgrade(b"".join(client.data_to_send()))
    assert upgrade is not None
    assert b"Sec-WebSocket-Protocol: chat.v1\r\n" in upgrade.answer()


def test_frames_behind_the_request_are_no_part_of_it() -> None:
    upgrade = read_upgrade(BROWSER + b"\x81\x80\x00\x00\x00\x00")
    assert upgrade is not None
    assert upgrade.head_bytes == len(BROWSER)


Pieces = st.one_of(
    st.sampled_from(
        [
            *LINES,
            b"connection: keep-alive, Upgrade",
            b"Connection:close",
            b"Origin: http://x",
            b"X-Forwarded-For: 1.2.3.4",
            b"Content-Length: 0",
            b"Content-Length: 3",
            b"Transfer-Encoding: chunked",
            b"Sec-WebSocket-Protocol: other",
            b"Sec-WebSocket-Protocol: a b",
            b"Sec-WebSocket-Protocol: ,",
            b"Sec-WebSocket-Version: 8",
            b"Sec-WebSocket-Key: short==",
            b"Upgrade: h2c",
            b" folded",
            b"no colon",
            b"",
        ]
    ),
    st.binary(max_size=20),
    st.builds(
        lambda name, value: name + b":" + value, st.sampled_from([b"A", b"b-C"]), st.binary()
    ),
)


@given(
    st.permutations(LINES),
    st.lists(Pieces, max_size=3),
    st.sets(st.integers(0, 8), max_size=2),
    st.binary(max_size=3),
)
def test_whatever_is_taken_the_library_takes_and_answers_alike(
    ordinary: list[bytes], more: list[bytes], dropped: set[int], behind: bytes
) -> None:
    lines = [line for n, line in enumerate([*more, *ordinary]) if n not in dropped]
    upgrade = read_upgrade(request(lines) + behind)
    if upgrade is None:
        return  # the library has it anyway
    found = by_library(request(lines))
    assert found is not None
    theirs, answer = found
    assert upgrade.answer() == answer
    assert (upgrade.method, upgrade.path) == (theirs.method, theirs.path)
    for name, _ in theirs.headers.raw_items():
        assert upgrade.headers.get_all(name) == theirs.headers.get_all(name)


@pytest.mark.parametrize("line", LINES[1:5])
def test_a_request_without_what_an_upgrade_needs_is_not_ordinary(line: bytes) -> None:
    assert read_upgrade(request([other for other in LINES if other != line])) is None
    assert read_upgrade(request([*LINES, line])) is None, "nor with it twice"


def test_a_long_request_and_one_with_many_fields_are_left_to_the_library() -> None:
    assert read_upgrade(request([*LINES, b"X: " + b"x" * 5000])) is None
    assert read_upgrade(request([*LINES, *[b"X: x"] * 100])) is None

"""What the comparison with peers sends, finds and prints; no peer is started here."""

import json
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.load import CONTENT_MARKER
from benchmarks.peers import dialects, install
from benchmarks.peers.__main__ import main
from benchmarks.peers.cases import CASES
from benchmarks.peers.climb import Climb
from benchmarks.peers.dialects import Dialect
from benchmarks.peers.report import MEASURES, Found, print_case, ratio_rows
from benchmarks.peers.servers import PEERS, nginx_configuration
from benchmarks.swarm import Member, Plan
from benchmarks.wire import STAMP

DIALECTS = {name: peer.dialect for name, peer in PEERS.items()}
every_dialect = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)


def unmask(frame: bytes) -> bytes:
    """Return the payload of a text frame that is masked with a key of zero."""
    assert frame[0] == 0x81
    assert frame[1] & 0x80
    size, head = frame[1] & 0x7F, 2
    if size == 126:
        size, head = int.from_bytes(frame[2:4]), 4
    assert frame[head : head + 4] == bytes(4)
    assert len(frame) == head + 4 + size
    return frame[head + 4 :]


def texts_that_join(planned: Plan, texts: list[bytes]) -> list[bytes]:
    """Let a member read the handshake's answer and these texts; return what it sent."""
    ours, server = socket.socketpair()
    with ours, server:
        member = Member(ours, 0, planned)
        assert member.take(b"HTTP/1.1 101 Switching Protocols\r\n\r\n") == []
        for text in texts:
            assert not member.ready
            member.advance(text)
        assert member.ready
        ours.shutdown(socket.SHUT_WR)
        sent = server.recv(65536)
    frames = []
    while sent:
        size = 6 + (sent[1] & 0x7F)
        frames.append(unmask(sent[:size]))
        sent = sent[size:]
    return frames


@every_dialect
def test_a_message_carries_one_stamp_that_a_delivery_of_it_shows(dialect: Dialect) -> None:
    payload = unmask(dialect.publish("ann", "room-1")).decode()
    assert payload.count(STAMP) == 1
    assert f"{CONTENT_MARKER}{STAMP[1:]}" in payload
    assert "room-1" in payload or dialect is dialects.RELAY


@every_dialect
def test_every_peer_gets_content_of_the_same_size(dialect: Dialect) -> None:
    payload = unmask(dialect.publish("ann", "room-1")).decode()
    content = payload.partition('"content":"')[2].partition('"')[0]
    assert len(content) == dialects.CONTENT_BYTES


@every_dialect
def test_a_connection_opens_with_a_websocket_handshake(dialect: Dialect) -> None:
    request = dialect.join(8080, "ann", "room-1").request.decode()
    assert request.startswith("GET /")
    assert request.endswith("\r\n\r\n")
    assert "Upgrade: websocket" in request


def test_a_member_of_the_node_server_joins_after_its_greeting() -> None:
    sent = texts_that_join(
        dialects.NODE.join(8080, "ann", "room-1"),
        [b'{"type":"connected","connectionId":"1"}', b'{"type":"room_joined","roomId":"room-1"}'],
    )
    assert [json.loads(text) for text in sent] == [{"type": "join_room", "roomId": "room-1"}]


def test_a_member_of_socket_io_joins_with_an_acknowledged_event() -> None:
    sent = texts_that_join(
        dialects.SOCKET_IO.join(8080, "ann", "room-1"),
        [b'0{"sid":"a","upgrades":[],"pingInterval":25000}', b'40{"sid":"b"}', b"430[]"],
    )
    assert sent == [b'40{"userId":"ann"}', b'420["join_room","room-1"]']


def test_a_member_of_a_relay_is_ready_when_it_is_upgraded() -> None:
    assert texts_that_join(dialects.RELAY.join(8080, "ann", "room-1"), []) == []


def test_socket_io_is_kept_alive_with_its_own_pings() -> None:
    assert dialects.SOCKET_IO.keepalive == (b"2", b"3")


def test_only_the_node_design_leaves_the_sender_out() -> None:
    receipts = {name: dialect.receipts(5) for name, dialect in DIALECTS.items()}
    assert receipts.pop("node") == 4
    assert set(receipts.values()) == {5}


@given(limit=st.integers(0, 5000), start=st.integers(1, 50), refinements=st.integers(0, 4))
def test_a_climb_finds_the_limit_to_within_its_last_step(
    limit: int, start: int, refinements: int
) -> None:
    climb = Climb(start, most=10_000, refinements=refinements, attempts=1)
    tried: list[int] = []

    def passes(rate: int) -> bool:
        tried.append(rate)
        return rate <= limit

    best = climb.highest(passes)
    assert best <= limit
    worst = min(rate for rate in tried if rate > limit)
    assert worst - best <= max(1, (start + best) / 2**refinements + 1)


def test_a_rate_that_fails_once_is_tried_again() -> None:
    outcomes = iter([False, True, False, False])
    assert Climb(10, most=1000, refinements=0).highest(lambda _: next(outcomes)) == 10


def test_a_climb_ends_at_the_highest_rate_there_is() -> None:
    assert Climb(10, most=40).highest(lambda _: True) == 40


def test_a_ratio_above_one_says_that_ours_is_better() -> None:
    found: Found = {
        "memory": {"ours": {"kib_per_connection": 2.0}, "node": {"kib_per_connection": 20.0}},
        "rooms200x5": {"ours": {"messages_per_s": 9000}, "node": {"messages_per_s": 3000}},
    }
    assert ratio_rows(found, ["ours", "node"]) == [
        ["memory per idle connection, KiB", "2", "20 (10x)"],
        ["200 rooms of 5: messages/s, p99 < 50 ms", "9,000", "3,000 (3x)"],
    ]


def test_a_peer_that_was_not_measured_has_no_figure() -> None:
    found: Found = {"rooms200x5": {"ours": {"messages_per_s": 9000}, "nchan": "needs apt-get"}}
    assert ratio_rows(found, ["ours", "nchan", "raw"])[0][1:] == ["9,000", "-", "-"]


def test_a_rate_of_zero_has_no_ratio() -> None:
    found: Found = {"rooms200x5": {"ours": {"messages_per_s": 9000}, "node": {"messages_per_s": 0}}}
    assert ratio_rows(found, ["ours", "node"])[0][2] == "0"


def test_every_row_of_the_table_belongs_to_a_case() -> None:
    assert {measure.case for measure in MEASURES} <= set(CASES)


def test_only_cases_of_one_room_are_for_the_raw_loop() -> None:
    raw = {name for name, case in CASES.items() if case.is_for(PEERS["raw"])}
    assert raw == {"memory", "room1000", "room10000", "cost"}


def test_an_unknown_peer_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--peers", "ours,nobody"])
    assert "nobody: there are ours, node" in capsys.readouterr().err


def test_the_lock_file_names_no_address() -> None:
    lock = (install.NODE_DIRECTORY / "package-lock.json").read_text()
    assert "resolved" not in lock
    assert '"integrity"' in lock


def test_nginx_listens_on_loopback_only() -> None:
    text = nginx_configuration(Path("/nchan.so"), 4321, "redis://127.0.0.1:9", 2)
    assert text.count("listen ") == 1
    assert "listen 127.0.0.1:4321 " in text
    assert "worker_processes 2;" in text
    assert "nchan_redis_server redis://127.0.0.1:9;" in text


def test_the_cost_says_which_part_idle_connections_have(capsys: pytest.CaptureFixture[str]) -> None:
    members = {"10": {"cpu_us_per_delivery": 20.0, "idle_us_per_delivery": None}}
    idle = {"1000": {"cpu_us_per_delivery": 9.0, "idle_us_per_delivery": 0.5}}
    print_case("cost", {"ours": {"by_members": members, "by_idle": idle}})
    by_members, by_idle = capsys.readouterr().out.strip().split("\n\n")
    assert by_members.splitlines()[0].split(" | ")[1].strip(" |") == "ours"
    assert [cell.strip() for cell in by_idle.splitlines()[2].strip("|").split("|")] == [
        "1,000",
        "9",
        "0.5",
    ]


def test_a_first_rate_that_is_too_high_is_halved_until_one_passes() -> None:
    assert Climb(1024, most=2048, refinements=0).highest(lambda rate: rate <= 3) == 2

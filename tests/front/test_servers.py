"""The servers file: from addresses to text that HAProxy reads."""

import random
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.cli import main
from chat.front.address import parse
from chat.front.servers import IDS, ServersError, addresses_of, render, server_ids

API = ["127.0.0.1:8090"]
addresses = st.lists(
    st.builds("{}:{}".format, st.ip_addresses(v=4), st.integers(1, 65535)),
    min_size=1,
    max_size=64,
    unique=True,
)


def ids(workers: list[str]) -> dict[str, int]:
    """The id of each address."""
    return {one.written: number for one, number in server_ids(map(parse, workers)).items()}


def test_a_pattern_gives_an_address_per_slot() -> None:
    assert addresses_of("unix:/run/{slot}.sock", 2) == ["unix:/run/0.sock", "unix:/run/1.sock"]
    assert addresses_of("tcp:10.0.0.1:18100+{slot}", 2) == ["10.0.0.1:18100", "10.0.0.1:18101"]


def test_the_command_prints_the_slots_of_the_settings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_WORKER_SOCKETS", "abns:chat-{slot}")
    monkeypatch.setenv("CHAT_TRUSTED_PROXIES", "127.0.0.1")
    monkeypatch.setenv("CHAT_WORKERS", "3")
    assert main(["front", "servers"]) == 0
    text = capsys.readouterr().out
    assert text.count("abns@chat-2 ") == 2
    assert "server abns:chat-2 abns@chat-2 track workers_by_room/abns:chat-2" in text
    assert "server 127.0.0.1:8090 127.0.0.1:8090 check" in text


def test_the_command_replaces_a_file_and_says_whether_it_changed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "servers.cfg"
    for said in ("changed\n", "unchanged\n"):
        assert main(["front", "servers", "10.0.0.1:8080", "--output", str(path)]) == 0
        assert capsys.readouterr().out == said
    assert path.read_text() == render(["10.0.0.1:8080"], API)
    assert main(["front", "servers", "10.0.0.1:8080", "--output", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"chat: {tmp_path} cannot be written: Is a directory.\n"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "CHAT_WORKER_SOCKETS is empty"),
        (["10.0.0.1"], "'10.0.0.1' is not host:port"),
        (["10.0.0.1:80", "--api", "x"], "'x' is not host:port"),
        (["--registered", "--slots", "2"], "--slots"),
    ],
)
def test_the_command_refuses_what_it_cannot_use_with_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
) -> None:
    assert main(["front", "servers", *arguments]) == 78
    said = capsys.readouterr()
    assert said.out == ""
    assert why in said.err
    assert said.err.count("\n") == 1


def test_workers_are_either_given_or_registered(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["front", "servers", "10.0.0.1:80", "--registered"])
    assert "not allowed with" in capsys.readouterr().err


@pytest.mark.parametrize(
    "workers", [[], ["a:1", "a:1"], ["a"], ["unix:relative"], ["a:1\n    option x"], ["a b:1"]]
)
def test_wrong_addresses_are_refused(workers: list[str]) -> None:
    with pytest.raises(ServersError):
        render(workers, API)


@settings(deadline=None)
@given(addresses, st.randoms(use_true_random=False))
def test_whoever_sees_the_same_workers_writes_the_same_lines(
    workers: list[str], dice: random.Random
) -> None:
    shuffled = list(workers)
    dice.shuffle(shuffled)
    lines = render(workers, API).splitlines()
    assert sorted(lines) == sorted(render(shuffled, API).splitlines())


@settings(deadline=None)
@given(addresses)
def test_ids_are_ones_that_haproxy_tells_apart(workers: list[str]) -> None:
    found = ids(workers)
    assert found.keys() == set(workers)
    assert len(set(found.values())) == len(workers)
    assert all(1 <= number <= IDS for number in found.values())


def test_two_addresses_that_make_the_same_id_get_two() -> None:
    seen: dict[int, str] = {}
    for number in range(20_000):
        address = f"10.0.{number // 256}.{number % 256}:8080"
        made = int.from_bytes(sha256(address.encode()).digest()[:4], "big") % IDS
        if made in seen:
            break
        seen[made] = address
    else:
        pytest.fail("no two of them make the same id")
    pair = sorted([seen[made], address])
    assert ids(pair) == ids(pair[::-1]) == {pair[0]: made + 1, pair[1]: made + 2}
    assert render(pair, API)


def test_the_lines_of_a_worker_do_not_depend_on_its_neighbours() -> None:
    workers = [f"10.0.0.{number}:8080" for number in range(20)]
    alone = {address: ids([address])[address] for address in workers}
    for listed in (workers, workers[::-1], workers[3:]):
        lines = render(listed, API).splitlines()
        for address in listed:
            assert f"    server {address} {address} id {alone[address]} check" in lines
            assert f"    server {address} {address} track workers_by_room/{address}" in lines

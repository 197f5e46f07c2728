"""The servers file: from addresses to text that HAProxy reads."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.cli import main
from chat.front.servers import IDS, ServersError, addresses_of, render, server_id


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
    assert "server worker-2 abns@chat-2 track workers_by_room/worker-2" in text
    assert "server api-0 127.0.0.1:8090 check" in text


@pytest.mark.parametrize(
    "workers", [[], ["a:1", "a:1"], ["a"], ["unix:relative"], ["a:1\n    option x"], ["a b:1"]]
)
def test_wrong_addresses_are_refused(workers: list[str]) -> None:
    with pytest.raises(ServersError):
        render(workers, ["127.0.0.1:8090"])


@settings(deadline=None)
@given(st.ip_addresses(v=4), st.integers(1, 65535))
def test_an_id_is_one_that_haproxy_tells_apart(host: object, port: int) -> None:
    assert 1 <= server_id(f"{host}:{port}") <= IDS


def test_the_id_of_a_worker_does_not_depend_on_its_neighbours() -> None:
    workers = [f"10.0.0.{number}:8080" for number in range(20)]
    alone = {address: server_id(address) for address in workers}
    for listed in (workers, workers[::-1], workers[3:]):
        text = render(listed, ["127.0.0.1:8090"])
        for address in listed:
            assert f"{address} id {alone[address]} check" in text

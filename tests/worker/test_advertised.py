"""Under which address a worker is to be found."""

import os
import socket
from pathlib import Path

import pytest

from chat.settings import Settings, SettingsError, from_environ
from chat.supervisor.worker_sockets import WorkerSockets
from chat.worker.advertised import advertised_address
from tests.support.ports import listening_socket, port_of


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("", "127.0.0.1:{port}"),
        ("chat1.example", "chat1.example:{port}"),
        ("chat1.example:443", "chat1.example:443"),
        ("[2001:db8::5]", "[2001:db8::5]:{port}"),
        ("[2001:db8::5]:80", "[2001:db8::5]:80"),
        ("unix:/run/chat/0.sock", "unix:/run/chat/0.sock"),
        ("abns:chat-0", "abns:chat-0"),
    ],
)
def test_the_setting_comes_first_and_lacks_at_most_a_port(given: str, found: str) -> None:
    with listening_socket() as sock:
        address = advertised_address(Settings(advertise=given), [sock], 0)
        assert address == found.format(port=port_of(sock))


def test_a_worker_on_every_address_names_one_that_others_may_use() -> None:
    with socket.socket() as sock:
        sock.bind(("0.0.0.0", 0))
        host, _, port = advertised_address(Settings(), [sock], 0).rpartition(":")
        assert int(port) == port_of(sock)
    assert host not in ("", "0.0.0.0")


@pytest.mark.parametrize(
    "name", ["unix:{folder}/worker-{slot}.sock", "abns:chat-test-{pid}-{slot}"]
)
def test_a_socket_of_its_own_is_where_a_worker_is_found(name: str, tmp_path: Path) -> None:
    pattern = name.replace("{folder}", str(tmp_path)).replace("{pid}", str(os.getpid()))
    with listening_socket() as shared, WorkerSockets(pattern, 1).listening(3) as own:
        assert advertised_address(
            Settings(worker_sockets=pattern, trusted_proxies="127.0.0.1"), [shared, own], 3
        ) == pattern.replace("{slot}", "3")


@pytest.mark.parametrize("given", ["a b", "x:y:z", ":80", "unix:", "a\nb", "::1"])
def test_what_is_no_address_is_refused_at_start(given: str) -> None:
    with pytest.raises(SettingsError, match="CHAT_ADVERTISE"):
        from_environ({"CHAT_ADVERTISE": given})

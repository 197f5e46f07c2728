"""Sockets of single workers: where they listen, who may connect, what they leave behind."""

import socket
import stat
from pathlib import Path

import pytest

from chat.settings import SettingsError, from_environ
from chat.supervisor.worker_sockets import WorkerSockets
from tests.support import logs
from tests.support.ports import unused_port


@pytest.fixture
def folder() -> Path:
    """A folder whose name is short enough for a unix socket."""
    return logs.new_directory()


def connect(address: str | bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(5)
        sock.connect(address)


def test_each_slot_listens_on_a_unix_socket_of_its_own(folder: Path) -> None:
    sockets = WorkerSockets(f"unix:{folder}/worker-{{slot}}.sock", 16)
    with sockets.listening(0), sockets.listening(1):
        connect(str(folder / "worker-0.sock"))
        connect(str(folder / "worker-1.sock"))
    assert list(folder.iterdir()) == []


def test_only_owner_and_group_may_connect(folder: Path) -> None:
    with WorkerSockets(f"unix:{folder}/{{slot}}", 16).listening(3):
        assert stat.S_IMODE((folder / "3").stat().st_mode) == 0o660


def test_a_socket_that_a_dead_process_left_is_replaced(folder: Path) -> None:
    path = folder / "0"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(path))
    with pytest.raises(ConnectionRefusedError):
        connect(str(path))
    with WorkerSockets(f"unix:{folder}/{{slot}}", 16).listening(0):
        connect(str(path))


def test_a_socket_that_somebody_listens_on_is_left_alone(folder: Path) -> None:
    sockets = WorkerSockets(f"unix:{folder}/{{slot}}", 1)
    with sockets.listening(0):
        for _ in range(3):  # also when its queue is full
            with (
                pytest.raises(SettingsError, match=r"CHAT_WORKER_SOCKETS: another process listens"),
                sockets.listening(0),
            ):
                pass
        assert (folder / "0").is_socket()


def test_a_file_in_the_way_is_not_removed(folder: Path) -> None:
    path = folder / "0"
    path.write_text("precious")
    with (
        pytest.raises(SettingsError, match="is no socket"),
        WorkerSockets(f"unix:{folder}/{{slot}}", 16).listening(0),
    ):
        pass
    assert path.read_text() == "precious"


def test_a_folder_that_is_not_there_is_one_sentence(folder: Path) -> None:
    sockets = WorkerSockets(f"unix:{folder}/missing/{{slot}}", 16)
    with pytest.raises(SettingsError, match="no such file"), sockets.listening(0):
        pass


def test_an_abstract_name_fills_the_address_as_haproxy_writes_it() -> None:
    name = f"chat-test-{unused_port()}"
    with WorkerSockets(f"abns:{name}-{{slot}}", 16).listening(2):
        connect(b"\0" + f"{name}-2".encode().ljust(107, b"\0"))
        with pytest.raises(ConnectionRefusedError):
            connect(b"\0" + f"{name}-2".encode())


def test_a_tcp_pattern_adds_the_slot_to_the_port() -> None:
    first = unused_port()
    with WorkerSockets(f"tcp:127.0.0.1:{first}+{{slot}}", 16).listening(0) as sock:
        assert sock.getsockname() == ("127.0.0.1", first)
        busy = WorkerSockets(f"tcp:127.0.0.1:{first - 1}+{{slot}}", 16)
        with pytest.raises(SettingsError, match="or set CHAT_WORKER_SOCKETS"), busy.listening(1):
            pass


@pytest.mark.parametrize(
    "pattern",
    ["unix:/run/worker.sock", "unix:worker-{slot}", "abns:worker", "tcp:host:1", "tcp:80+{slot}"],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(SettingsError, match="CHAT_WORKER_SOCKETS"):
        WorkerSockets(pattern, 16)


def test_sockets_for_a_proxy_that_is_not_trusted_are_refused() -> None:
    environ = {"CHAT_WORKER_SOCKETS": "abns:chat-{slot}"}
    with pytest.raises(SettingsError, match="CHAT_TRUSTED_PROXIES"):
        from_environ(environ)
    from_environ(environ | {"CHAT_TRUSTED_PROXIES": "127.0.0.1"})

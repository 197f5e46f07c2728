"""Binding, with a sentence for everything that can be wrong."""

import socket
from contextlib import closing

import pytest

from chat.settings import SettingsError
from chat.supervisor.listening import PublicPort, bind

NAMES = ("ops_host", "ops_port")


def test_a_busy_port_is_one_sentence_that_names_the_settings() -> None:
    with closing(bind("127.0.0.1", 0, 1, names=NAMES)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"port {port} \(address already in use\).*OPS_"):
            bind("127.0.0.1", port, 1, names=NAMES)
        with pytest.raises(SettingsError, match="CHAT_PORT"):
            PublicPort("127.0.0.1", port, 1)


def test_a_host_that_is_no_address_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match="CHAT_OPS_HOST: 'no such host' is not an address"):
        bind("no such host", 0, 1, names=NAMES)


def test_two_clusters_do_not_share_a_port_by_accident() -> None:
    with (
        closing(PublicPort("127.0.0.1", 0, 16)) as first,
        closing(first.open()),
        pytest.raises(SettingsError),
    ):
        PublicPort("127.0.0.1", first.port, 16)


def test_a_reserved_port_takes_no_connection_until_a_slot_listens() -> None:
    with closing(PublicPort("127.0.0.1", 0, 16)) as port:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port.port), timeout=5)
        with closing(port.open()), closing(port.open()):
            socket.create_connection(("127.0.0.1", port.port), timeout=5).close()


def test_ipv6_works_where_the_machine_has_it() -> None:
    try:
        port = PublicPort("::1", 0, 16)
    except SettingsError:
        pytest.skip("no IPv6 loopback here")
    with closing(port), closing(port.open()):
        socket.create_connection(("::1", port.port), timeout=5).close()

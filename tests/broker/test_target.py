"""CHAT_REDIS_URL in all its forms."""

import pytest

from chat.broker.target import (
    Access,
    Address,
    Cluster,
    Sentinel,
    Standalone,
    Tls,
    parse_target,
)
from chat.settings import SettingsError


def test_a_plain_url_is_one_server() -> None:
    assert parse_target("redis://u:p@h:7000/3") == Standalone(
        Address("h", 7000), Access("u", "p", 3)
    )
    assert parse_target("redis://") == Standalone(Address("localhost", 6379), Access())
    assert parse_target("unix:///run/redis.sock?db=2") == Standalone(
        Address("", 0, "/run/redis.sock"), Access(database=2)
    )


def test_tls_takes_an_authority_and_a_certificate_of_ones_own() -> None:
    url = "rediss://h/0?ssl_ca_certs=/ca.pem&ssl_certfile=/me.pem&ssl_keyfile=/me.key"
    target = parse_target(url)
    assert target.access.tls == Tls("/ca.pem", "/me.pem", "/me.key")
    assert parse_target("rediss+cluster://h").access.tls == Tls()


def test_sentinels_are_listed_with_the_name_of_the_service() -> None:
    url = "redis+sentinel://u:p%40ss@h1:1,h2,[::1]:3/4?service=chat&sentinel_password=s"
    assert parse_target(url) == Sentinel(
        (Address("h1", 1), Address("h2", 26379), Address("::1", 3)),
        "chat",
        Access("u", "p@ss", 4),
        Access("", "s"),
    )


def test_a_cluster_is_entered_by_any_of_the_nodes_listed() -> None:
    assert parse_target("redis+cluster://:p@h1:1,h2:2") == Cluster(
        (Address("h1", 1), Address("h2", 2)), Access(password="p")
    )
    target = parse_target("rediss+cluster://h1:1,h2:2?ssl_ca_certs=/ca.pem")
    assert target.access.tls == Tls("/ca.pem")


@pytest.mark.parametrize(
    "url",
    [
        "foo",
        "http://h",
        "redis://h:99999/0",
        "redis+other://h",
        "unix+cluster://h",
        "redis+sentinel://h1:1,h2:2/0",
        "redis+cluster://h1:1,:2",
        "redis+cluster://h1:1,h2:2/1",
        "redis://:secret@h/0?ssl_ca_cert=/typo.pem",
        "redis+cluster://:secret@h1:1,h2:no",
    ],
)
def test_what_can_never_work_is_refused_without_repeating_the_password(url: str) -> None:
    with pytest.raises(SettingsError, match="CHAT_REDIS_URL") as refused:
        parse_target(url)
    assert "secret" not in str(refused.value)


def test_a_password_does_not_show_in_a_representation() -> None:
    url = "redis+sentinel://u:hidden@h/0?service=chat&sentinel_password=covered"
    shown = repr(parse_target(url))
    assert "hidden" not in shown
    assert "covered" not in shown

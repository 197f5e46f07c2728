"""What is an address, and what HAProxy reads for it."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.front.address import Address, AddressError, parse


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("10.0.0.5:80", Address("10.0.0.5:80", "10.0.0.5:80", is_local=False)),
        ("chat_1.example:8080", Address("chat_1.example:8080", "chat_1.example:8080", False)),
        ("[2001:db8::1]:80", Address("[2001:db8::1]:80", "2001:db8::1:80", is_local=False)),
        ("127.0.0.9:80", Address("127.0.0.9:80", "127.0.0.9:80", is_local=True)),
        ("localhost:80", Address("localhost:80", "localhost:80", is_local=True)),
        ("[::1]:80", Address("[::1]:80", "::1:80", is_local=True)),
        ("unix:/run/chat/0.sock", Address("unix@/run/chat/0.sock", "unix:run:chat:0.sock", True)),
        ("abns:chat-0", Address("abns@chat-0", "abns:chat-0", is_local=True)),
    ],
)
def test_an_address_is_written_as_haproxy_has_it(text: str, meant: Address) -> None:
    assert parse(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10.0.0.5",
        "10.0.0.5:0",
        "10.0.0.5:65536",
        "10.0.0.5:80\n",
        "10.0.0.5:80 weight 256\nserver evil",
        "10.0.0.5:\u0668\u0660",
        "[:::]:80",
        "[10.0.0.5]:80",
        "x y:80",
        "$(id):80",
        "unix:relative",
        "unix:80",
        "unix:/a b",
        "unix:/$HOME",
        "unix:/a#b",
        "unix:/" + "a" * 107,
        "abns:",
        'abns:"',
    ],
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        parse(text)


@settings(deadline=None)
@given(st.text(alphabet="ab0./:[]@unix#\n \"'\\${}", max_size=20))
def test_nothing_but_an_address_gets_into_the_configuration(text: str) -> None:
    try:
        address = parse(text)
    except AddressError:
        return
    assert re.fullmatch(r"[A-Za-z0-9_.:-]+", address.name), "what a server may be called"
    assert re.fullmatch(r"[\[\]A-Za-z0-9_.:/@-]+", address.written)


hosts = st.sampled_from(["10.0.0.5", "[2001:db8::1]", "unix", "abns", "a-b.example", "localhost"])
names = st.text(alphabet="ab/:.-_8", min_size=1, max_size=6)


@settings(deadline=None)
@given(
    st.builds("{}:{}".format, hosts, st.integers(1, 99))
    | st.builds("{}:{}".format, st.sampled_from(["unix", "abns"]), names),
    st.builds("{}:{}".format, hosts, st.integers(1, 99))
    | st.builds("{}:{}".format, st.sampled_from(["unix", "abns"]), names),
)
def test_no_two_addresses_share_a_name(one: str, other: str) -> None:
    try:
        first, second = parse(one), parse(other)
    except AddressError:
        return
    assert (first.name == second.name) == (one == other)

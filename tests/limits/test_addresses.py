"""New connections per address: who counts as one, and a table that stays small."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.limits.addresses import AddressLimits
from chat.settings import Settings

SETTINGS = Settings(address_connects_per_s=1.0, address_connects_burst=3)


def refused_after_burst(first: str, second: str) -> bool:
    """Whether `second` pays for what `first` has used up."""
    limits = AddressLimits(SETTINGS)
    assert [limits.admit(first, 50.0) for _ in range(3)] == [0.0] * 3
    assert limits.admit(first, 50.0) == pytest.approx(1.0)
    return limits.admit(second, 50.0) > 0.0


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8:0:0:ffff::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "", True),
        ("unix", "192.0.2.1", False),
        ("\udcff", "\udcff", True),
    ],
)
def test_an_ipv4_address_and_an_ipv6_network_count_as_one_client(first, second, same):
    assert refused_after_burst(first, second) is same


def test_a_rate_of_zero_is_no_limit_and_remembers_nobody():
    limits = AddressLimits(Settings(address_connects_per_s=0.0))
    assert [limits.admit("192.0.2.1", 50.0) for _ in range(1000)] == [0.0] * 1000
    assert len(limits) == 0


def test_addresses_that_stay_away_are_forgotten():
    limits = AddressLimits(SETTINGS)
    for number in range(100):
        limits.admit(f"192.0.2.{number}", 50.0)
    assert len(limits) == 100
    for number in range(100):
        limits.admit("198.51.100.1", 60.0 + number * 10)
    assert len(limits) == 1


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0.0, 1.0)), max_size=200))
def test_the_table_is_bounded_and_limits_hold_for_those_in_it(attempts):
    limits, now_s = AddressLimits(SETTINGS, max_addresses=8), 50.0
    for number, pause_s in attempts:
        now_s += pause_s
        assert 0.0 <= limits.admit(f"192.0.2.{number}", now_s) <= 1.0 + 1e-6
        assert len(limits) <= 8

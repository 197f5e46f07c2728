"""Where the stack's network goes."""

from ipaddress import IPv4Network

from tests.containers.subnets import routed, unused_subnet

_TABLE = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0101000A\t0003\t0\t0\t0\t00000000\t0\t0\t0
br-1\t00FA1FAC\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FCFFFF\t0\t0\t0
"""


def test_routes_are_read_but_for_the_default_one() -> None:
    assert routed(_TABLE) == [IPv4Network("172.31.250.0/24"), IPv4Network("10.0.0.0/22")]


def test_a_subnet_that_another_bridge_has_is_not_taken() -> None:
    subnet = IPv4Network(unused_subnet(_TABLE.replace("00FA1FAC", "00001FAC")))

    assert subnet == IPv4Network("172.31.1.0/24")

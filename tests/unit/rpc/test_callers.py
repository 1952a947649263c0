"""Hosts, by whom calls are limited."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from services.rpc.interceptors.call import host_of

if TYPE_CHECKING:
    from services.rpc.interceptors.call import Context


class FakeContext:
    """The context of a call from a peer."""

    def __init__(self, peer: str) -> None:
        self._peer = peer

    def peer(self) -> str:
        return self._peer


@pytest.mark.parametrize(
    ("peer", "host"),
    [
        ("ipv4:10.1.2.3:54321", "ipv4:10.1.2.3"),
        ("ipv6:%5B2001:db8:1:2:3:4:5:6%5D:54321", "ipv6:2001:db8:1:2::/64"),
        ("ipv6:%5B2001:db8:1:2::9%5D:1", "ipv6:2001:db8:1:2::/64"),
        ("ipv6:[fe80::1%25eth0]:1", "ipv6:fe80::/64"),
        ("ipv6:%5B::1%5D:40000", "ipv6:::/64"),
        ("ipv6:%5B::ffff:10.1.2.3%5D:1", "ipv4:10.1.2.3"),
        ("unix:", "unix"),
        ("ipv6:nobody:1", "ipv6:nobody"),
    ],
)
def test_a_host_is_an_address_or_a_network(peer: str, host: str) -> None:
    assert host_of(cast("Context", FakeContext(peer))) == host

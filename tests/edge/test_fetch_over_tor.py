"""Fetching over real Tor (a private network on loopback): pages through onion services, and Tor's own replies."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.edge.hostile import Server, listening
from tests.props.tor import PrivateTorNetwork
from watcher.core.onion import address as onion_address
from watcher.edge.fetch import SocksFetcher
from watcher.ports import Ask
from watcher.records import Exchange

pytestmark = pytest.mark.tor

PAGE = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nSum: 1\r\n\r\n"
NOBODY = onion_address(Ed25519PrivateKey.generate().public_key().public_bytes_raw())
"""A good address that nobody publishes."""


async def fetch_all(network: PrivateTorNetwork, *urls: str) -> list[Exchange]:
    async with SocksFetcher([network.socks_url], urls) as fetcher:
        asks = [Ask(url=url, mirror=url, isolation="fetch", headers={}, timeout_seconds=60) for url in urls]
        return [(await fetcher.fetch(ask))[-1] for ask in asks]


async def test_a_page_through_an_onion_service_is_kept_as_it_came(tor_network: PrivateTorNetwork) -> None:
    async with listening(Server([PAGE], close="keep")) as server:
        onion = tor_network.add_onion(server.port)
        try:
            first, second = await fetch_all(tor_network, f"http://{onion.address}/", f"http://{onion.address}/2")
            (closed,) = await fetch_all(tor_network, f"http://{onion.address}:81/")
        finally:
            tor_network.remove_onion(onion)
    assert (first.status, first.cut, first.response) == (200, "", PAGE)
    assert first.facts["socks_auth"] == "password"
    assert second.facts["exchanges_before"] == 1  # no second stream was asked of Tor
    assert (closed.verdict, closed.why[0]) == ("unreachable", "socks:05")
    assert closed.facts["socks_first_reply"] == "05"


async def test_tors_own_replies(tor_network: PrivateTorNetwork) -> None:
    wrong = "a" * 56 + ".onion"
    unknown, bad, clearnet = await fetch_all(
        tor_network, f"http://{NOBODY}/", f"http://{wrong}/", "http://leaks.example/"
    )
    assert (unknown.verdict, unknown.why[0]) == ("unreachable", "socks:F0")
    assert (bad.verdict, bad.why[0]) == ("unreachable", "socks:F6")
    assert (clearnet.verdict, clearnet.why[0]) == ("refused", "socks:02")


async def test_an_onion_whose_server_is_down(tor_network: PrivateTorNetwork) -> None:
    async with listening(Server([PAGE])) as server:
        onion = tor_network.add_onion(server.port)
    try:
        (exchange,) = await fetch_all(tor_network, f"http://{onion.address}/")
    finally:
        tor_network.remove_onion(onion)
    assert (exchange.verdict, exchange.why[0]) == ("unreachable", "socks:01")

"""What is asked of the network at once stays below its ceilings, whatever is due."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.edge.hostile import MIRROR, ONION, behind_proxy
from watcher.edge.ceilings import Flow, Hosts
from watcher.edge.fetch import SocksFetcher
from watcher.ports import Ask
from watcher.testing.socks5 import Socks5Proxy

URL = f"http://{ONION}/"


def ask(url: str = URL, token: str = "gang", seconds: float = 20.0) -> Ask:
    return Ask(url=url, mirror=url, isolation=token, headers={}, timeout_seconds=seconds)


def test_a_burst_goes_through_and_what_is_more_waits() -> None:
    flow = Flow(a_second=100, at_once=1000)
    assert flow.came(900, now=10.0) == 0.0
    assert flow.came(100, now=10.0) == 0.0
    assert flow.came(50, now=10.0) == pytest.approx(0.5)
    assert flow.came(50, now=10.5) == pytest.approx(0.5)  # one waited; the next one is as far ahead again
    assert flow.came(1000, now=60.0) == 0.0  # a quiet time, and the burst is there anew, no larger
    assert flow.came(1, now=60.0) == pytest.approx(0.01)


async def test_a_page_above_the_ceiling_comes_whole_and_more_slowly() -> None:
    body = b"x" * 900_000
    page = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    async with (
        behind_proxy(page) as (_, proxy),
        SocksFetcher([proxy.url], [URL], flow=Flow(a_second=1_000_000, at_once=100_000)) as fetcher,
    ):
        began = time.monotonic()
        (exchange,) = await fetcher.fetch(ask())
        took = time.monotonic() - began
    assert exchange.response == page
    assert took >= 0.4  # 800 kB above the burst, but for what came with the last breath (256 KiB)


async def test_one_host_is_asked_so_many_times_at_once_and_others_besides() -> None:
    asked = dict.fromkeys((ONION, MIRROR), 0)
    most = dict(asked)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        host = next(name for name in asked if name in head)
        asked[host] += 1
        most[host] = max(most[host], asked[host])
        await asyncio.sleep(0.02)
        asked[host] -= 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    place = server.sockets[0].getsockname()[:2]
    urls = [f"http://{host}/{number}" for number in range(10) for host in asked]
    async with (
        Socks5Proxy(dict.fromkeys(asked, place)) as proxy,
        SocksFetcher([proxy.url], urls, a_host=3) as fetcher,
    ):
        found = await asyncio.gather(*(fetcher.fetch(ask(url, token=url[-3:])) for url in urls))
    server.close()
    await server.wait_closed()
    assert {exchange.status for (exchange,) in found} == {200}
    assert most == {ONION: 3, MIRROR: 3}


async def test_who_waits_too_long_for_a_host_is_a_timeout_and_takes_no_turn() -> None:
    async with (
        behind_proxy([0.3, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]) as (server, proxy),
        SocksFetcher([proxy.url], [URL], a_host=1) as fetcher,
    ):
        first = asyncio.create_task(fetcher.fetch(ask()))
        await asyncio.sleep(0)
        (late,) = await fetcher.fetch(ask(token="other", seconds=0.1))
        (early,) = await first
    assert (late.verdict, early.status) == ("timeout", 200)
    assert len(server.requests) == 1


async def test_hosts_that_nobody_asks_are_forgotten() -> None:
    hosts = Hosts(1)
    async with hosts.turn("a", 1e12), hosts.turn("b", 1e12):
        assert len(hosts) == 2
        async with hosts.turn("a", 0.0):  # its deadline is over: it goes on without a turn
            assert len(hosts) == 2
    assert len(hosts) == 0

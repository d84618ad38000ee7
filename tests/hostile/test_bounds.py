"""How much is held at a time: large answers, large pages and hungry readings wait for their turn."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Sequence
from datetime import timedelta

import pytest

import watcher.look
from tests.edge.hostile import MIRROR, ONION, Server, listening
from tests.hostile.servers.item import card
from tests.hostile.servers.item import listing as markup
from tests.props.fakes import LoopClock, MemoryStore, ScriptedFetcher, in_no_time, listing
from watcher.edge import fetch
from watcher.edge.fetch import SocksFetcher
from watcher.edge.machine import give_back_holes, give_back_large_blocks
from watcher.edge.reader import MIB, WorkerReader
from watcher.edge.sandbox import resident_bytes
from watcher.look import Means
from watcher.ports import Ask
from watcher.records import Capture, Hints, Page, Policy, Reading, Site
from watcher.testing.socks5 import Socks5Proxy


async def test_large_answers_grow_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is large and slow has the only turn: another large one waits for it, a small one does not."""
    monkeypatch.setattr(fetch, "LARGE", 10_000)
    monkeypatch.setattr(fetch, "LARGE_AT_ONCE", 1)
    head, large = b"HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n", b"x" * 400_000
    go_on = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + large[:200_000])
        await go_on.wait()
        writer.write(large[200_000:])
        await writer.drain()

    sluggish, quick, small = Server([b""]), Server([head + large]), Server([b"HTTP/1.1 200 OK\r\n\r\nhello"])
    sluggish.serve = slow  # type: ignore[method-assign]
    done: list[str] = []
    async with listening(sluggish), listening(quick), listening(small):
        routes = {ONION: sluggish.port, MIRROR: quick.port, "small.example": small.port}
        urls = [f"http://{host}/" for host in routes]
        async with (
            Socks5Proxy({host: ("127.0.0.1", port) for host, port in routes.items()}) as proxy,
            SocksFetcher([proxy.url], urls) as fetcher,
        ):

            async def ask(url: str) -> int:
                asked = Ask(url=url, mirror=url, isolation=url, headers={}, timeout_seconds=30)
                (exchange,) = await fetcher.fetch(asked)
                done.append(url)
                assert exchange.cut == ""
                return len(exchange.response)

            holding, acquire = asyncio.Event(), fetcher._large.acquire

            async def noted() -> bool:
                holding.set()
                return await acquire()

            monkeypatch.setattr(fetcher._large, "acquire", noted)
            first = asyncio.create_task(ask(urls[0]))
            await holding.wait()
            second = asyncio.create_task(ask(urls[1]))
            await quick.asked.wait()
            await ask(urls[2])
            await asyncio.sleep(0.05)
            assert done == [urls[2]]
            go_on.set()
            assert await first == await second == len(head) + len(large)
    assert done[1:] == urls[:2]


async def test_a_page_that_needs_much_memory_is_read_alone() -> None:
    """Beside others it may use little; by itself enough. What is too much even then is a verdict, and nothing stays."""
    text = markup("".join(card(f"Velmora {n} Ltd", f"/v/{n}", "files " * 20) for n in range(12_000)))
    hungry = Page(body=text.encode(), url="http://velm.onion/", status=200, content_type="text/html")
    plain = Page(body=markup(card("Ostrava") * 4).encode(), url="http://velm.onion/", status=200)
    narrow = WorkerReader(workers=2, memory_bytes=80 * MIB, shared_bytes=80 * MIB)
    reader = WorkerReader(workers=2, memory_bytes=320 * MIB, shared_bytes=80 * MIB)
    refused, _ = await narrow.read(hungry, b"", (), Hints())
    assert (refused.verdict, refused.complete) == ("unreadable", False)
    assert refused.why[0] == "parse-refused" or refused.why[0].startswith("worker-killed:")
    (reading, _), *others = await asyncio.gather(
        reader.read(hungry, b"", (), Hints()), *(reader.read_detail(plain, b"", f"Ostrava {n}") for n in range(6))
    )
    assert (reading.verdict, reading.why, len(reading.entries)) == ("listing", (), 12_000)
    assert len(others) == 6
    assert len(reader._idle) <= 2
    assert not reader._room.locked()
    await reader.close()
    await narrow.close()


class _Watched:
    """A reader that notes how many pages are held for it at the same time."""

    def __init__(self) -> None:
        self.now = self.most = 0

    async def read(self, page: Page, memory: bytes, known: Sequence[str], hints: Hints) -> tuple[Reading, bytes]:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(1)
        self.now -= 1
        return Reading(verdict="unreadable", why=("worker-killed:cpu",), next_urls=("http://more.onion/",)), memory

    async def read_detail(self, page: Page, memory: bytes, title: str) -> Reading:
        raise AssertionError("nothing is known of any entry")


@pytest.mark.parametrize(("size", "at_once"), [(10, 5), (1_400, 2), (5_000, 1)])
def test_few_large_pages_are_held_at_a_time(monkeypatch: pytest.MonkeyPatch, size: int, at_once: int) -> None:
    monkeypatch.setattr(watcher.look, "LARGE", 2_000)
    monkeypatch.setattr(watcher.look, "MIDDLING", 1_000)
    monkeypatch.setattr(watcher.look, "MIDDLING_AT_ONCE", 2)

    async def story() -> tuple[_Watched, list[Capture]]:
        clock = LoopClock()
        fetcher, store, reader = ScriptedFetcher(clock), MemoryStore(), _Watched()
        sites = [Site(name=f"s{n}", mirrors=(f"http://s{n}.onion/",)) for n in range(5)]
        for site in sites:
            fetcher.answers[site.mirrors[0]] = listing("Acme", text="x" * size)

        async def retrieve(ask: Ask, origin: watcher.visit.Origin) -> tuple[Capture, ...]:
            return await store.keep(origin, await fetcher.fetch(ask))

        means = Means(
            retrieve=retrieve,
            store=store,
            reader=reader,
            clock=clock,
            policy=Policy(),
            vantage="test",
            timeout=timedelta(minutes=5),
        )
        visits = await asyncio.gather(*(watcher.visit.visit(site, site.mirrors, "t", means) for site in sites))
        return reader, [capture for visited in visits for capture in visited.captures]

    reader, captures = in_no_time(story())
    assert reader.most == at_once
    assert len(captures) == 5  # a page that kills its reader ends the listing: no further one is asked for


def test_freed_blocks_go_back() -> None:
    assert give_back_large_blocks() == (platform.libc_ver()[0] == "glibc")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be asked")
def test_holes_between_blocks_in_use_go_back() -> None:
    kept = [b"x" * (100_000 + number) for number in range(400)][::2]
    before = resident_bytes()
    give_back_holes()
    assert before - resident_bytes() > 10 * MIB
    assert len(kept) == 200

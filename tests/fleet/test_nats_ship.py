"""Shipping through a real server: whatever happens to it, all that was kept arrives, once and in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from nats.aio.client import Client

from tests.edge.keeping import entries, whole_visit
from tests.fleet.copying import KEY, NOW, receive, rows_of
from tests.props.line import Line
from tests.props.nats import NatsCluster, NatsServer
from watcher.core.fleet_tables import FleetSettings
from watcher.core.shipping import STREAM, Message, open_sealed, subject
from watcher.edge import parcels
from watcher.edge.nats_link import Link, prepare
from watcher.edge.nats_ship import Shipper
from watcher.edge.sign import check_signature
from watcher.edge.store import LedgerStore


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with NatsServer(tmp_path / "nats") as server:
        yield server


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LedgerStore]:
    async with LedgerStore.open(tmp_path / "own", vantage="a", now=lambda: NOW) as store:
        yield store


@asynccontextmanager
async def shipping(store: LedgerStore, *urls: str) -> AsyncIterator[Shipper]:
    link = Link(FleetSettings(servers=urls, vantages=(KEY.verifier,)), "a")
    shipper = Shipper(link, store, KEY)
    tasks = [asyncio.create_task(link.run()), asyncio.create_task(shipper.run())]
    try:
        yield shipper
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await true():  # noqa: ASYNC110 - what is waited for is in a database
            await asyncio.sleep(0.02)


async def all_arrived(store: LedgerStore) -> bool:
    def asked(desk: parcels.Desk) -> bool:
        marked = desk.db.execute("SELECT count(*) FROM unshipped").fetchone()[0]
        return not marked and not parcels.waiting(desk, 1) and parcels.last_sent(desk) > 0

    return await store.do(asked)


async def in_stream(url: str) -> list[tuple[int, bytes]]:
    """All messages of vantage a that the stream holds, in its order."""
    client = Client()
    await client.connect([url])
    try:
        stream = client.jetstream(timeout=15)
        state = (await stream.stream_info(STREAM)).state
        found = [await stream.get_msg(STREAM, seq, direct=True) for seq in range(state.first_seq, state.last_seq + 1)]
        assert {one.subject for one in found} == {subject("a")}
        return [(one.seq or 0, one.data or b"") for one in found]
    finally:
        await client.close()


def opened(data: bytes) -> Message:
    return open_sealed(data, "a", KEY.verifier.public, check_signature)


async def copied(tmp_path: Path, store: LedgerStore, url: str) -> None:
    """What is in the stream gives the ledger again."""
    async with LedgerStore.open(tmp_path / "copy", vantage="index") as copy:
        messages = await in_stream(url)
        begins = [number for number, (_, data) in enumerate(messages) if opened(data).anew and not opened(data).part]
        await receive(copy, messages[begins[-1] :])
    assert rows_of(tmp_path / "copy") == rows_of(tmp_path / "own")


async def test_what_is_written_before_and_after_arrives(tmp_path: Path, store: LedgerStore, server: NatsServer) -> None:
    await whole_visit(store, 0, b"page", entries(3))
    async with shipping(store, server.url) as shipper:
        await until(lambda: all_arrived(store))
        await whole_visit(store, 1, b"another page", entries(4))
        shipper.soon()
        await until(lambda: all_arrived(store))
    await copied(tmp_path, store, server.url)


async def test_over_a_long_line_looks_go_together(tmp_path: Path, store: LedgerStore, server: NatsServer) -> None:
    """A way of 200 ms there and back costs so much a parcel, and no look waits for it."""
    line = Line(server.port, delay_seconds=0.1)
    async with line, shipping(store, f"nats://127.0.0.1:{line.port}") as shipper:
        for number in range(150):
            await whole_visit(store, number, b"page %d" % number, entries(3))
            shipper.soon()  # as after news
        await until(lambda: all_arrived(store))
    assert 5 * len(await in_stream(server.url)) < 150
    await copied(tmp_path, store, server.url)


async def test_a_server_that_comes_late_and_is_killed_in_between_loses_nothing(
    tmp_path: Path, store: LedgerStore, server: NatsServer
) -> None:
    server.kill()
    async with shipping(store, server.url) as shipper:
        await whole_visit(store, 0, b"page 0", entries(3))
        for number in range(1, 4):
            server.start()
            await until(lambda: all_arrived(store))
            server.kill()
            await whole_visit(store, number, b"page %d" % number, entries(3 + number))
            shipper.soon()
        server.start()
        await until(lambda: all_arrived(store))
    await copied(tmp_path, store, server.url)


async def test_a_stream_that_was_lost_is_filled_again(tmp_path: Path, store: LedgerStore, server: NatsServer) -> None:
    await whole_visit(store, 0, b"page", entries(3))
    async with shipping(store, server.url):
        await until(lambda: all_arrived(store))
    await store.do(lambda desk: desk.db.execute("DELETE FROM parcel"))  # long ago
    client = Client()
    await client.connect([server.url])
    await client.jetstream().delete_stream(STREAM)
    await client.close()
    async with shipping(store, server.url):
        await whole_visit(store, 1, b"another page", entries(4))

        async def there() -> bool:
            return await all_arrived(store) and await store.do(parcels.last_sent) > 1

        await until(there)
    await copied(tmp_path, store, server.url)


@pytest.mark.parametrize("made_again", [True, False])
async def test_a_stream_that_is_deleted_under_way_is_filled_again(
    tmp_path: Path, store: LedgerStore, server: NatsServer, made_again: bool
) -> None:
    await whole_visit(store, 0, b"page", entries(3))
    async with shipping(store, server.url) as shipper:
        await until(lambda: all_arrived(store))
        await whole_visit(store, 1, b"one more", entries(4))
        shipper.soon()
        await until(lambda: all_arrived(store))
        client = Client()
        await client.connect([server.url])
        await client.jetstream().delete_stream(STREAM)
        if made_again:
            await prepare(client.jetstream())
        await client.close()
        await whole_visit(store, 2, b"another page", entries(5))
        shipper.soon()

        async def anew() -> bool:
            if not await all_arrived(store):
                return False
            return any(opened(data).anew for _, data in await in_stream(server.url))

        await until(anew)
    await copied(tmp_path, store, server.url)


async def test_of_three_servers_one_may_go(tmp_path: Path, store: LedgerStore) -> None:
    await whole_visit(store, 0, b"page", entries(2))
    with NatsCluster(tmp_path / "nats") as cluster:
        async with shipping(store, *cluster.urls) as shipper:
            await until(lambda: all_arrived(store))
            cluster.servers[0].kill()
            await whole_visit(store, 1, b"another page", entries(3))
            shipper.soon()
            await until(lambda: all_arrived(store))
        await copied(tmp_path, store, cluster.urls[1])

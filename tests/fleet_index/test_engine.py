"""The index over a real engine: shipped by the vantages' own shippers, followed by the program, killed in between."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.fleet_index.fleet import NAMES, Fleet, captures_of, events_of
from tests.props.nats import NatsServer
from watcher.core.fleet_tables import FleetSettings
from watcher.edge import parcels
from watcher.edge.index import Index
from watcher.edge.index_feed import Feed
from watcher.edge.ledger import Ledger
from watcher.edge.nats_link import Link
from watcher.edge.nats_ship import Shipper
from watcher.edge.sign import create_key
from watcher.edge.verify_store import verify_store
from watcher.edge.writer import Desk

NULL = subprocess.DEVNULL
FEWER = tuple(name for name in NAMES if name != "Dorvani")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with NatsServer(tmp_path / "nats") as server:
        yield server


def settings_of(fleet: Fleet, server: NatsServer) -> FleetSettings:
    keys = tuple(vantage.key.verifier for vantage in fleet.vantages.values())
    return FleetSettings(servers=(server.url,), vantages=keys, agree=2)


@asynccontextmanager
async def shipping(fleet: Fleet, server: NatsServer) -> AsyncIterator[None]:
    """All vantages ship as they do in earnest."""
    tasks = []
    for name, vantage in fleet.vantages.items():
        link = Link(settings_of(fleet, server), name)
        shipper = Shipper(link, vantage.store, vantage.key)
        tasks += [asyncio.create_task(link.run()), asyncio.create_task(shipper.run())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def all_shipped(fleet: Fleet) -> None:
    def waits(desk: Desk) -> bool:
        marked = desk.db.execute("SELECT count(*) FROM unshipped").fetchone()[0]
        return bool(marked) or bool(parcels.waiting(desk, 1))

    async with asyncio.timeout(60):
        for vantage in fleet.vantages.values():
            while await vantage.store.do(waits):  # noqa: ASYNC110 - what is waited for is in a database
                await asyncio.sleep(0.05)


@asynccontextmanager
async def following(
    index: Index, fleet: Fleet, server: NatsServer, *, once: bool = False
) -> AsyncIterator[asyncio.Task[None]]:
    link = Link(settings_of(fleet, server), "index")
    feed = Feed(link, await index.resume_from(), once=once)
    index.on_gap = feed.again
    tasks = [asyncio.create_task(link.run()), asyncio.create_task(index.follow(feed.arrivals()))]
    try:
        yield tasks[1]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def look(fleet: Fleet, shows: tuple[str, ...], times: int) -> None:
    """Rounds of looks, without shipping by hand."""
    for _ in range(times):
        fleet.clock.at += fleet.step
        for vantage in fleet.vantages.values():
            await vantage.look(shows)
            await vantage.checkpoint()


def union_equals(fleet: Fleet, folder: Path) -> bool:
    theirs = {name for vantage in fleet.vantages.values() for name in captures_of(vantage.folder)}
    return captures_of(folder).keys() == theirs


async def arrived(fleet: Fleet, folder: Path) -> None:
    async with asyncio.timeout(30):
        while not union_equals(fleet, folder):  # noqa: ASYNC110 - what is waited for is in a database
            await asyncio.sleep(0.1)


def failed(folder: Path, key: str | None = None) -> list[str]:
    return [f"{one.check}: {one.detail}" for one in verify_store(folder, key=key) if not one.ok]


async def test_what_is_shipped_through_an_engine_is_followed(tmp_path: Path, server: NatsServer) -> None:
    async with Fleet(tmp_path, "berlin", "oslo") as fleet, shipping(fleet, server):
        await look(fleet, NAMES, 3)
        async with await fleet.index(agree=2) as index:
            async with following(index, fleet, server):
                await look(fleet, FEWER, 6)
                await all_shipped(fleet)
                await arrived(fleet, tmp_path / "index")
            server.kill()
            await look(fleet, FEWER, 1)
            server.start()
            async with following(index, fleet, server):
                await all_shipped(fleet)
                await arrived(fleet, tmp_path / "index")
    told = [event.kind for event in events_of(tmp_path / "index")]
    assert told == ["withdrawn"]
    assert failed(tmp_path / "index") == []


def configure(tmp_path: Path, fleet: Fleet, server: NatsServer, more: str = "") -> Path:
    folder = tmp_path / "program"
    folder.mkdir()
    keys = ", ".join(f'"{vantage.key.vkey}"' for vantage in fleet.vantages.values())
    path = folder / "watcher.toml"
    path.write_text(
        '[watcher]\nvantage = "overview"\n[policy]\nconfirm_visits = 3\nconfirm_after = "30m"\n'
        '[[alert]]\nto = "file:alerts.jsonl"\n'
        f'[fleet]\nservers = ["{server.url}"]\nvantages = [{keys}]\nagree = 2\n{more}'
    )
    create_key(folder / "watcher.key", "overview")
    return path


def command(config: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "watcher", "-c", str(config), *arguments]


async def test_the_program_killed_again_and_again_leaves_nothing_out_and_doubles_nothing(
    tmp_path: Path, server: NatsServer
) -> None:
    async with Fleet(tmp_path, "berlin", "oslo") as fleet, shipping(fleet, server):
        await look(fleet, NAMES, 4)
        for site in ("one", "two", "three", "four"):
            for vantage in fleet.vantages.values():
                for _ in range(4):
                    await vantage.look(NAMES, site)
        await look(fleet, FEWER, 6)
        await all_shipped(fleet)
        config = configure(tmp_path, fleet, server)
        store = config.parent / "snapshots"
        kills = 0
        for wait in (0.9, 1.1, 1.3, 1.5):
            running = await asyncio.create_subprocess_exec(*command(config, "index"), stdout=NULL, stderr=NULL)
            await asyncio.sleep(wait)
            running.kill()
            kills += await running.wait() == -signal.SIGKILL
        assert kills == 4
        running = await asyncio.create_subprocess_exec(*command(config, "index", "--once"), stderr=subprocess.PIPE)
        _, talk = await running.communicate()
        assert running.returncode == 0, talk.decode()
        assert union_equals(fleet, store)
        keys = {name: vantage.key.vkey for name, vantage in fleet.vantages.items()}
        for name, vkey in keys.items():
            assert failed(store / "vantages" / name, vkey) == []
            with Ledger.open(store / "vantages" / name) as copy, Ledger.open(fleet.vantages[name].folder) as original:
                assert copy.log.root() == original.log.root()
    assert failed(store) == []
    assert [event.kind for event in events_of(store)] == ["withdrawn"]
    alerts = (config.parent / "alerts.jsonl").read_text().splitlines()
    assert len(alerts) == 1
    assert '"withdrawn"' in alerts[0]

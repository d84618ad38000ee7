"""Pauses in a fleet, at a real server with the permissions of docs/scale.md: an operator's hold everywhere, and nobody
else's anywhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nats.aio.client import Client

from tests.edge.keeping import entries, whole_visit
from tests.fleet.copying import NOW
from tests.fleet.test_nats_ship import until
from tests.fleet.test_permissions import client_of, fleet_of, index, server
from tests.fleet.vantage import key_of
from tests.props.nats import NatsServer
from watcher.core.fleet import paused_subject
from watcher.core.pausing import Statement, say
from watcher.edge.ledger import Ledger
from watcher.edge.nats_feed import FleetFeed
from watcher.edge.nats_link import Link
from watcher.edge.nats_pauses import Messenger
from watcher.edge.pause_files import change, path_of
from watcher.edge.pauses import Heeding
from watcher.edge.sign import SigningKey
from watcher.edge.store import LedgerStore

__all__ = ["index", "server"]
INDEX = key_of("index")
SITES = ("s0", "s1")


@dataclass
class Part:
    """A vantage, or the index, as far as pauses go."""

    key: SigningKey
    store: LedgerStore
    feed: FleetFeed

    @property
    def paused(self) -> frozenset[str]:
        return self.feed._paused

    def change(self, **sites: timedelta | None) -> None:
        now = datetime.now(UTC)
        change(
            self.store.folder, self.key, {site: None if end is None else now + end for site, end in sites.items()}, now
        )


@asynccontextmanager
async def part(
    folder: Path, server: NatsServer, name: str, password: str, operators: tuple[SigningKey, ...] = (INDEX,)
) -> AsyncIterator[Part]:
    """It runs while the block lasts."""
    key = key_of(name)
    fleet = fleet_of(server, f"{name}:{password}", lease=1.5)
    fleet = replace(fleet, operators=tuple(one.verifier for one in operators))
    async with AsyncExitStack() as stack:
        link = Link(fleet, name)
        store = await stack.enter_async_context(LedgerStore.open(folder / name, vantage=name, now=lambda: NOW))
        feed = FleetFeed(link, fleet, key, {})
        heeding = Heeding(store.folder, fleet.operators, feed.pause)
        messenger = Messenger(link, fleet, name, store.folder, heeding)
        heeding.look()
        works = [asyncio.create_task(one) for one in (link.run(), heeding.run(store, name), messenger.run())]
        try:
            yield Part(key, store, feed)
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)


async def test_what_an_operator_pauses_nobody_looks_at(tmp_path: Path, server: NatsServer, index: Client) -> None:
    async with (
        part(tmp_path, server, "berlin", "change-me-1") as berlin,
        part(tmp_path, server, "index", "change-me-0") as operator,
    ):
        operator.change(s0=timedelta(days=1), s1=timedelta(days=1))
        await until(lambda: holds(berlin, {"s0", "s1"}))
        async with part(tmp_path, server, "oslo", "change-me-2") as oslo:  # comes late
            await until(lambda: holds(oslo, {"s0", "s1"}))
            operator.change(s1=None)
            for one in (berlin, oslo, operator):
                await until(lambda one=one: holds(one, {"s0"}))  # type: ignore[misc]
            # each tells, and has it in its log
            statuses = {status.site: status.paused_by for status in await oslo.store.status()}
            assert statuses == {"s0": "index"}
            await until(lambda: logged(oslo, [["s0", "s1"], ["s0"]]))
    # the operator's machine is gone: it holds over a start
    async with part(tmp_path, server, "berlin", "change-me-1") as berlin:
        assert berlin.paused == {"s0"}
    # who is an operator no more is not heeded
    async with part(tmp_path, server, "berlin", "change-me-1", operators=()) as berlin:
        assert berlin.paused == set()
        assert not path_of(berlin.store.folder, "index").exists()


async def holds(part: Part, sites: set[str]) -> bool:
    return part.paused == sites


async def logged(part: Part, sites: list[list[str]]) -> bool:
    with Ledger.open(part.store.folder) as ledger:
        acts = [json.loads(row[0]) for row in ledger.connection.execute("SELECT record FROM act ORDER BY leaf")]
    return [sorted(act["until"]) for act in acts if act["act"] == "pause"] == sites


async def test_a_pause_ends_by_itself(tmp_path: Path, server: NatsServer) -> None:
    async with part(tmp_path, server, "index", "change-me-0") as operator:
        await whole_visit(operator.store, 0, b"page", entries(3))
        operator.change(s0=timedelta(seconds=4))
        await until(lambda: holds(operator, {"s0"}))
        await until(lambda: holds(operator, set()))
        assert {status.paused_until for status in await operator.store.status()} == {None}


async def test_a_hostile_vantage_stops_nobody_and_sets_nobody_going(
    tmp_path: Path, server: NatsServer, index: Client
) -> None:
    """Not under its own name, not under an operator's, not with what an operator said before."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    async with part(tmp_path, server, "berlin", "change-me-1") as berlin:
        old = say(Statement(by="index", number=1, until={"old": tomorrow}), INDEX.sign)
        new = say(Statement(by="index", number=2, until={"s0": tomorrow}), INDEX.sign)

        async def said_until_heard() -> bool:  # as operators do
            for data in (new, old):
                await index.publish(paused_subject("index"), data)
            return await holds(berlin, {"s0"})

        await until(said_until_heard)
        oslo_key = key_of("oslo")
        forged = [
            old,
            say(Statement(by="index", number=9, until={"s1": tomorrow}), oslo_key.sign),
            say(Statement(by="oslo", number=9, until={"s1": tomorrow}), oslo_key.sign),
            say(Statement(by="oslo", number=9, until={"s1": tomorrow}), INDEX.sign),
            b"", b"{}\n", b"\x00" * 5000,
        ]  # fmt: skip
        async with client_of(server, "oslo", "change-me-2") as (oslo, told):
            for subject in (paused_subject("index"), paused_subject("oslo")):
                await oslo.publish(subject, forged[1])
            await oslo.flush()
            await until(lambda: true(len(told) == 2))
            assert all("permissions violation" in one for one in told), told
        for data in forged:  # whatever a server that is hostile itself would hand on
            for name in ("index", "oslo", "berlin"):
                await index.publish(paused_subject(name), data)
        await index.publish(
            paused_subject("index"),
            say(Statement(by="index", number=3, until={"s0": tomorrow, "s2": tomorrow}), INDEX.sign),
        )
        await until(lambda: holds(berlin, {"s0", "s2"}))  # and what came before it had no effect
        assert [path.name for path in (berlin.store.folder / "paused").iterdir()] == ["index"]


async def true(is_so: bool) -> bool:
    return is_so

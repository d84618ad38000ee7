"""A fleet of vantages as processes, a server, and a line from each to it; and what must be true of it afterwards."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from nats.aio.client import Client

from tests.fleet.copying import rows_of
from tests.fleet.islands import Island
from tests.fleet.vantage import Plan, Report, key_of
from tests.props.line import Line
from tests.props.nats import NatsServer
from watcher.core.shipping import STREAM, Inbox, open_sealed
from watcher.edge import parcels
from watcher.edge.ledger import Ledger
from watcher.edge.sign import check_signature, create_key
from watcher.edge.store import LedgerStore
from watcher.edge.verify_index import verify_index
from watcher.edge.verify_store import verify_store
from watcher.records import Capture, Snapshot

ROOT = Path(__file__).parent.parent.parent
MADE_UP = {"readings"}
"""Checks that no played page can pass: no rule gives its entries."""


class Program:
    """The fleet's index: ``watcher index`` itself, with a line of its own to the server."""

    def __init__(self, folder: Path, line: Line, names: list[str]) -> None:
        self.folder, self.store, self.line = folder, folder / "snapshots", line
        folder.mkdir()
        vantages = ", ".join(f'"{key_of(name).vkey}"' for name in names)
        (folder / "watcher.toml").write_text(
            '[watcher]\nvantage = "overview"\n[policy]\nconfirm_visits = 2\nconfirm_after = "0s"\n'
            'structural_after = "20s"\n'
            f'[fleet]\nservers = ["nats://127.0.0.1:{line.port}"]\nvantages = [{vantages}]\n'
        )
        self.key = create_key(folder / "watcher.key", "overview").vkey
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str) -> None:
        command = [sys.executable, "-m", "watcher", "-c", str(self.folder / "watcher.toml"), "index", *more]
        with (self.folder / "index.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def kill(self) -> None:
        """As a power cut would."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def catch_up(self) -> None:
        """Take in all that was shipped, in one more start, and end in good order."""
        self.kill()
        self.start("--once")
        assert self._process is not None
        assert self._process.wait(600) == 0, (self.folder / "index.log").read_text()[-3000:]


@dataclass(slots=True)
class Vantage:
    """One of them."""

    name: str
    line: Line | Island
    plan: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.plan.with_suffix(".ready").unlink(missing_ok=True)
        log = self.plan.with_suffix(".log").open("ab")
        there = self.line.inside if isinstance(self.line, Island) else ()
        command = [*there, sys.executable, "-m", "tests.fleet.vantage", str(self.plan)]
        with log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def kill(self) -> None:
        """As a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def wait(self) -> None:
        """Until it can be told things."""
        while not self.plan.with_suffix(".ready").exists() and self.process and self.process.poll() is None:
            time.sleep(0.05)

    def begin(self) -> None:
        """Count from now on."""
        self.wait()
        assert self.process is not None
        self.process.send_signal(signal.SIGUSR1)

    def stop(self) -> Report:
        """In good order; how it went."""
        self.wait()
        process, self.process = self.process, None
        assert process is not None
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, self.plan.with_suffix(".log").read_text()[-3000:]
        return msgspec.json.decode(self.plan.with_suffix(".report").read_bytes(), type=Report)


class PlayedFleet:
    """The vantages run while the ``async with`` block lasts."""

    def __init__(
        self,
        folder: Path,
        *,
        count: int,
        sites: int,
        every_seconds: float,
        lease_seconds: float,
        each: int = 1,
        delay_seconds: float = 0.0,
        changing: bool = True,
        spread: bool = False,
        islands: Sequence[Island] = (),
    ) -> None:
        """``islands``: where each of them is, if not all on this one machine."""
        self.folder, self.every, self.lease, self.sites = folder, every_seconds, lease_seconds, sites
        self._islands = islands
        self.server = NatsServer(folder / "nats", host="0.0.0.0" if islands else "127.0.0.1")
        self._count, self._each, self._delay, self._changing = count, each, delay_seconds, changing
        self._spread = spread
        self._stack = AsyncExitStack()
        self.vantages: list[Vantage] = []
        self.index: Program | None = None

    async def __aenter__(self) -> Self:
        self.server.start()
        self._stack.callback(self.server.kill)
        names = [f"v{number}" for number in range(self._count)]
        for number, name in enumerate(names):
            line: Line | Island
            if self._islands:
                line = self._islands[number]
                address = f"nats://{line.here}:{self.server.port}"
            else:
                line = await self._stack.enter_async_context(Line(self.server.port, delay_seconds=self._delay))
                address = f"nats://127.0.0.1:{line.port}"
            plan = Plan(
                name=name,
                folder=str(self.folder / name),
                servers=[address],
                vantages=[key_of(one).vkey for one in names],
                sites=self.sites,
                every_seconds=self.every,
                lease_seconds=self.lease,
                each=self._each,
                changing=self._changing,
                spread=self._spread,
            )
            path = self.folder / f"{name}.json"
            path.write_bytes(msgspec.json.encode(plan))
            vantage = Vantage(name, line, path)
            self.vantages.append(vantage)
            vantage.start()
            self._stack.callback(vantage.kill)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def follow(self) -> Program:
        """``watcher index`` follows from now on."""
        line = await self._stack.enter_async_context(Line(self.server.port))
        self.index = Program(self.folder / "index", line, [vantage.name for vantage in self.vantages])
        self.index.start()
        self._stack.callback(self.index.kill)
        return self.index

    async def all_shipped(self, seconds: float = 60) -> None:
        """Wait until every vantage has nothing more to ship but what it writes this moment; then stop them all."""
        await asyncio.sleep(2)
        for vantage in self.vantages:
            await asyncio.to_thread(vantage.stop)
        # what the last second brought waits in the stores; it is shipped by the next process
        plans = [msgspec.json.decode(vantage.plan.read_bytes(), type=Plan) for vantage in self.vantages]
        for vantage, plan in zip(self.vantages, plans, strict=True):
            vantage.plan.write_bytes(msgspec.json.encode(msgspec.structs.replace(plan, sites=0)))
            vantage.start()
        async with asyncio.timeout(seconds):
            for vantage in self.vantages:
                while not await asyncio.to_thread(_nothing_waits, self.folder / vantage.name):  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
        for vantage in self.vantages:  # it has signed meanwhile, and that is not shipped: killed, not stopped
            vantage.kill()

    async def copies(self, folder: Path) -> dict[str, Path]:
        """A copy of every vantage's ledger, made of what is in the stream."""
        client = Client()
        await client.connect([self.server.url])
        found: dict[str, Path] = {}
        async with AsyncExitStack() as stack:
            stack.push_async_callback(client.close)
            stream = client.jetstream()
            state = (await stream.stream_info(STREAM)).state
            stores: dict[str, tuple[LedgerStore, Inbox]] = {}
            for vantage in self.vantages:
                store = LedgerStore.open(folder / vantage.name, vantage="index")
                stores[vantage.name] = await stack.enter_async_context(store), Inbox()
                found[vantage.name] = store.folder
            for seq in range(state.first_seq, state.last_seq + 1):
                message = await stream.get_msg(STREAM, seq, direct=True)
                name = (message.subject or "").split(".")[1]
                store, inbox = stores[name]
                public = key_of(name).verifier.public
                parcel = inbox.take(open_sealed(message.data or b"", name, public, check_signature))
                if parcel is not None:
                    await store.do(partial(parcels.take_in, parcel=parcel, last=inbox.last))
        return found


def _nothing_waits(folder: Path) -> bool:
    with Ledger.open(folder) as ledger:
        marked = ledger.connection.execute("SELECT count(*) FROM unshipped").fetchone()[0]
        # the last process signs once more, at its start
        signed = ledger.connection.execute("SELECT max(size) FROM checkpoint").fetchone()[0] == ledger.log.size
        sent = ledger.connection.execute("SELECT seq FROM shipped WHERE way = 'sent'").fetchone()
        newest = ledger.connection.execute("SELECT max(seq) FROM parcel").fetchone()[0] or 0
    return signed and not marked and sent is not None and sent[0] >= newest


# ------------------------------------------------------------------------------------------ what must be true


@dataclass(frozen=True, slots=True)
class Look:
    vantage: str
    site: str
    began: datetime
    ended: datetime


def looked_at(folder: Path, names: list[str], since: datetime) -> set[str]:
    """The sites that these vantages looked at since then."""
    return {look.site for look in looks_of(folder, names) if look.began >= since}


def looks_of(folder: Path, names: list[str]) -> list[Look]:
    """Every look of every vantage, oldest first."""
    found: list[Look] = []
    for name in names:
        with Ledger.open(folder / name) as ledger:
            found += [Look(name, one.site, one.requested_at, one.finished_at) for one in ledger.captures()]
    return sorted(found, key=lambda one: one.began)


def check_all(fleet: PlayedFleet, copies: dict[str, Path]) -> list[Look]:
    """Nothing was lost, doubled or falsified; the looks."""
    names = [vantage.name for vantage in fleet.vantages]
    for name in names:
        own = fleet.folder / name
        mine, theirs = rows_of(own), rows_of(copies[name])
        for table in mine:
            if table != "checkpoint":
                assert theirs[table] == mine[table], (name, table, len(theirs[table]), len(mine[table]))
        # the last process has signed the same head once more
        assert {row[0] for row in theirs["checkpoint"]} == {row[0] for row in mine["checkpoint"]}
        faults = [one for one in verify_store(copies[name], key=key_of(name).vkey) if not one.ok]
        assert {one.check for one in faults} <= MADE_UP, (name, faults)
        _no_event_twice(own)
    looks = looks_of(fleet.folder, names)
    never_twice_at_once(looks)
    return looks


def check_index(fleet: PlayedFleet, index: Program) -> int:
    """The index holds just what the ledgers hold, and tells no event twice; how many it tells."""
    names = [vantage.name for vantage in fleet.vantages]
    held = _captures(index.store)
    assert held == {key: one for name in names for key, one in _captures(fleet.folder / name).items()}
    with Ledger.open(index.store) as ledger:
        mine = {one.id: one.visit for one in ledger.captures()}
        for name in names:
            with Ledger.open(fleet.folder / name) as own:
                for one in own.captures():
                    assert _said(ledger, mine[one.id]) == _said(own, one.visit), one
        told = len(list(ledger.events()))
    results = verify_index(index.store, keys=[index.key, *(key_of(name).vkey for name in names)])
    assert {"union", "agreement", *(f"{name}: leaves" for name in names)} <= {one.check for one in results}
    faults = [one for one in results if not one.ok and one.check.rpartition(" ")[2] not in MADE_UP]
    assert not faults, faults
    _no_event_twice(index.store)
    return told


def _captures(store: Path) -> dict[str, Capture]:
    """By identifier. Leaf, bytes on disk, and a name that a visit bears there are each store's own."""
    with Ledger.open(store) as ledger:
        return {one.id: replace(one, visit="", leaf=0, stored_bytes=0) for one in ledger.captures()}


def _said(ledger: Ledger, visit: str) -> Snapshot | None:
    """None: it was killed after the page was kept."""
    found = ledger.snapshot(visit)
    return found and replace(found, visit="")


def _no_event_twice(folder: Path) -> None:
    """An entry is listed once, and withdrawn only after it was listed."""
    with Ledger.open(folder) as ledger:
        standing: dict[tuple[str, str], str] = {}
        for event in ledger.events():
            if event.entry is not None and event.kind in {"listed", "withdrawn", "relisted"}:
                key = (event.site, event.entry.key)
                assert standing.get(key) != event.kind, (folder, event)
                standing[key] = event.kind


def never_twice_at_once(looks: list[Look]) -> None:
    over: dict[tuple[str, str], datetime] = {}
    for look in looks:
        key = (look.vantage, look.site)
        assert key not in over or look.began >= over[key], look
        over[key] = look.ended


def longest_gaps(looks: list[Look], sites: int) -> dict[str, float]:
    """The longest time for which nobody looked at a site, between its first look and the last of all."""
    last: dict[str, datetime] = {}
    longest: dict[str, float] = defaultdict(float)
    for look in looks:
        if look.site in last:
            longest[look.site] = max(longest[look.site], (look.began - last[look.site]).total_seconds())
        last[look.site] = look.began
    assert len(last) == sites, "some site was never looked at"
    return longest

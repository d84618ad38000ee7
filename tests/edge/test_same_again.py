"""Whatever a site does, the ledger says the same whether visits that see the same again are told briefly or in full."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.edge.visiting import means_of
from tests.props.fakes import Answer, PlainReader, ScriptedFetcher, listing, page
from watcher.core.again import Lately
from watcher.edge import repeats
from watcher.edge.ledger import Ledger
from watcher.edge.replay import recover
from watcher.edge.store import LedgerStore
from watcher.edge.verify_store import verify_store
from watcher.edge.writer import Desk
from watcher.look import Means, ShortWay, Visited
from watcher.ports import Again, Outcome
from watcher.records import Hints, Page, Reading, Site, Snapshot
from watcher.testing.clocks import ManualClock
from watcher.visit import visit

MAIN, SECOND = "http://main.onion/", "http://second.onion/"
SITE = Site(name="gang", mirrors=(MAIN, SECOND), detail=False)
TABLES = (
    "site", "place", "body", "capture", "underway", "content", "reading", "snapshot", "entry", "target", "mirror",
    "event", "leaf", "node", "act", "delivery", "piece", "stood", "looked", "named",
)  # fmt: skip
Told = Sequence[tuple[str, ...]]


class Never(Lately):
    """Nothing is known again."""

    def shown(self, site: Site, mirror: str) -> None:
        return None


class Counting(PlainReader):
    """A reader that counts, and learns but once."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    async def read(self, page: Page, memory: bytes, known: Sequence[str], hints: Hints) -> tuple[Reading, bytes]:
        self.reads += 1
        reading, _ = await super().read(page, memory, known, hints)
        return reading, memory or b"1"


@dataclass
class Watcher:
    """One store, visited by a script."""

    folder: Path
    lately: Lately
    brief: int = 0

    def __post_init__(self) -> None:
        self.clock, self.reader = ManualClock(), Counting()
        self.fetcher = ScriptedFetcher(self.clock)
        self.store = LedgerStore.open(self.folder, vantage="local", now=self.clock.now)
        self.visits = 0

    async def restart(self) -> None:
        await self.store.close()
        self.lately = type(self.lately)()
        self.store = LedgerStore.open(self.folder, vantage="local", now=self.clock.now)

    @property
    def means(self) -> Means:
        return replace(
            means_of(self.store, self.fetcher, self.reader, self.clock),
            short=ShortWay(store=self.store, lately=self.lately),
        )

    async def visit(
        self, mirrors: Sequence[str], answers: Mapping[str, Answer], *, crash: bool = False
    ) -> Visited | None:
        self.fetcher.answers.update(answers)
        self.clock.turn(minutes=10)
        self.visits += 1
        means = self.means
        if crash:
            crashing = _Crashing(self.store)
            ending = replace(means, store=crashing, short=ShortWay(store=crashing, lately=self.lately))
            with pytest.raises(ConnectionAbortedError):
                await visit(SITE, mirrors, f"c{self.visits}", ending)
            self.clock.turn(minutes=1)
            await recover(self.store, SITE, means)
            return None
        visited = await visit(SITE, mirrors, f"c{self.visits}", means)
        self.brief += visited.same is not None
        return visited

    def said(self) -> dict[str, Any]:
        with Ledger.open(self.folder) as ledger:
            rows: dict[str, Any] = {
                table: ledger.connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES
            }
            rows["state"], rows["looks"] = ledger.state("gang"), ledger.sight("gang").looks
        return rows


class _Crashing:
    """A store on which the process ends before anything is concluded."""

    def __init__(self, store: LedgerStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def record(self, outcome: Outcome) -> None:
        raise ConnectionAbortedError

    async def record_again(self, again: Again) -> Snapshot | None:
        raise ConnectionAbortedError


def _pages(names: Sequence[str], more: str, split: int) -> dict[str, Answer]:
    """The listing on both mirrors, on one page or on two."""
    answers: dict[str, Answer] = {}
    for mirror in (MAIN, SECOND):
        text = f"The leaks of a gang, as always. {' '.join(names)} {more}"
        if not split:
            answers[mirror] = listing(*names, text=text)
        else:
            answers[mirror] = listing(*names[:split], more=[f"{mirror}two"], text=text)
            answers[f"{mirror}two"] = listing(*names[split:], text=text)
    return answers


@pytest.mark.parametrize("seed", range(4))
async def test_both_ways_lead_to_the_same_ledger(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if seed % 2:
        monkeypatch.setattr(repeats, "MOST_FORM_BYTES", 0)  # each time from the ledger
    chance = random.Random(seed)
    brief, full = Watcher(tmp_path / "brief", Lately()), Watcher(tmp_path / "full", Never())
    names = [f"Velmora{n}" for n in range(9)]
    split, number = (0, 6)[seed % 4 == 3], 0
    try:
        for _ in range(9):
            match chance.randrange(6):
                case 0:
                    number += 1
                    names.insert(0, f"Ostraven{number} \N{GRINNING FACE}")
                case 1 if len(names) > 7:
                    names.pop(chance.randrange(len(names)))
                case _:
                    pass
            answers = _pages(names, chance.choice(["", "busy"]), split)
            for _ in range(chance.randrange(3, 9)):
                trouble, turned = chance.random(), chance.random() < 0.3
                crash = chance.random() < 0.05
                mirrors = (SECOND, MAIN) if turned else (MAIN, SECOND)
                shows = {**answers, mirrors[0]: page("blocked")} if trouble < 0.04 else answers
                for one in (brief, full):
                    await one.visit(mirrors, shows, crash=crash)
            if chance.random() < 0.2:
                for one in (brief, full):
                    await one.store.do(Desk.forget)
            if chance.random() < 0.3:
                for one in (brief, full):
                    await one.restart()
            mine, theirs = brief.said(), full.said()
            assert [name for name in mine if mine[name] != theirs[name]] == []
        assert brief.brief > 5
        assert not full.brief
        assert brief.reader.reads < full.reader.reads
    finally:
        await brief.store.close()
        await full.store.close()
    checks = {one.check: one.ok for one in verify_store(brief.folder)}
    assert {name for name, ok in checks.items() if not ok} == {"readings"}  # these pages are read by nobody else


async def test_the_same_again_needs_neither_reader_nor_roster(tmp_path: Path) -> None:
    watcher, answers = Watcher(tmp_path, Lately()), _pages([f"Velmora{n}" for n in range(9)], "", 0)
    async with watcher.store:
        for _ in range(12):
            await watcher.visit((MAIN,), answers)
        asked = list[str]()
        await watcher.store.do(lambda desk: desk.db.conn.set_trace_callback(asked.append))
        reads = watcher.reader.reads
        visited = await watcher.visit((MAIN,), answers)
        await watcher.store.do(lambda desk: desk.db.conn.set_trace_callback(None))
        assert visited is not None
        assert (visited.same, visited.shown, watcher.reader.reads) == (9, 9, reads)
        assert not [line for line in asked if " entry" in line or " state" in line or " content" in line]
        state = await watcher.store.state("gang")
        assert {one.seen_in for one in state.roster.entries.values()} == {visited.captures[0].id}


async def test_a_restarted_watcher_goes_the_short_way_at_once(tmp_path: Path) -> None:
    watcher, answers = Watcher(tmp_path, Lately()), _pages([f"Velmora{n}" for n in range(9)], "", 6)
    for _ in range(12):
        await watcher.visit((MAIN,), answers)
    brief, reads = watcher.brief, watcher.reader.reads
    for _ in range(2):
        await watcher.restart()
        await watcher.visit((MAIN,), answers)
        await watcher.visit((MAIN,), answers)
    assert (watcher.brief - brief, watcher.reader.reads) == (4, reads)
    with Ledger.open(tmp_path) as ledger:
        assert len(list(ledger.snapshots("gang"))) == 16
    await watcher.store.do(lambda desk: desk.recorder.repeats.forget_kept())
    await watcher.restart()
    await watcher.visit((MAIN,), answers)
    assert (watcher.brief - brief, watcher.reader.reads) == (4, reads + 2)
    await watcher.store.close()
    checks = {one.check: one.ok for one in verify_store(tmp_path)}
    assert {name for name, ok in checks.items() if not ok} == {"readings"}  # these pages are read by nobody else


async def test_what_it_kept_is_of_no_use_once_something_happened_or_the_site_is_another(tmp_path: Path) -> None:
    watcher, names = Watcher(tmp_path, Lately()), [f"Velmora{n}" for n in range(9)]
    for _ in range(12):
        await watcher.visit((MAIN,), _pages(names, "", 0))
    last, other = await watcher.store.last("gang"), Lately()
    assert last
    other.take_up(replace(SITE, next="a.next@href"), **last._asdict())
    assert other.shown(SITE, MAIN) is None
    other.take_up(SITE, **last._asdict())
    assert other.shown(SITE, MAIN) is not None
    await watcher.visit((MAIN,), _pages([*names, "Ostraven"], "", 0))
    assert await watcher.store.last("gang") is None
    assert await watcher.store.last("nobody") is None
    await watcher.store.close()

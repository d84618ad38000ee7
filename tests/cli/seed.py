"""A store as two visits to one site would leave it, hostile texts and all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.core.looks import Watching
from watcher.edge.store import LedgerStore
from watcher.ports import Origin, Outcome
from watcher.records import (
    Capture,
    Decision,
    Entry,
    Event,
    Exchange,
    Reading,
    Roster,
    RosterEntry,
    Snapshot,
)

START = datetime(2026, 11, 22, 15, 4, 5, 123456, tzinfo=UTC)
LATER = START + timedelta(minutes=15)
MIRROR = "http://leak.example/"
HOSTILE = "\x1b[31m=Evil\u202eproc\x07 [bold]Ltd[/bold]\n" + "x" * 100_000
VELMORA = Entry(key="velmora", title="Velmora Logistics", url=f"{MIRROR}velmora", fields={"status": "new"})
EVIL = Entry(key="evil", title=HOSTILE)
BODY = b"<ul><li>Velmora Logistics</li></ul>\x1b[2J"

CONFIG = f"""\
[[site]]
name = "clop"
mirrors = ["{MIRROR}", "http://second.example/"]

[[site]]
name = "quiet"
mirrors = ["http://quiet.example/"]
"""


def fill(folder: Path) -> tuple[Capture, ...]:
    """Write ``watcher.toml`` and the store; the captures, oldest first: a page, a page, a miss."""
    (folder / "watcher.toml").write_text(CONFIG)
    return asyncio.run(_fill(folder / "snapshots"))


async def _fill(folder: Path) -> tuple[Capture, ...]:
    async with LedgerStore.open(folder, vantage="local", now=lambda: LATER) as store:
        first = await _visit(store, START, _page(START))
        await _record(store, first, START, (VELMORA, EVIL), ())
        second = await _visit(store, LATER, _page(LATER))
        events = (
            _event("e1velmora", "withdrawn", VELMORA, first, second),
            _event("e2evil", "listed", EVIL, first, second),
            _event("e3site", "recovered", None, first, second),
        )
        await _record(store, second, LATER, (EVIL,), events)
        third = await _visit(store, LATER + timedelta(minutes=1), _miss(LATER + timedelta(minutes=1)))
        await store.schedule("clop", LATER + timedelta(minutes=15))
    return first, second, third


async def _visit(store: LedgerStore, at: datetime, exchange: Exchange) -> Capture:
    origin = Origin(site="clop", target="listing", visit=visit_of(at))
    (capture,) = await store.keep(origin, [exchange])
    return capture


def visit_of(at: datetime) -> str:
    return f"clop@{at:%Y-%m-%dT%H:%M:%S.%fZ}"


def _page(at: datetime) -> Exchange:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(BODY)
    return Exchange(
        url=MIRROR,
        mirror=MIRROR,
        request=b"GET / HTTP/1.1\r\nHost: leak.example\r\n\r\n",
        response=head + BODY,
        requested_at=at,
        finished_at=at + timedelta(seconds=1.5),
        status=200,
        isolation="clop-0",
        facts={"boot_id": "b"},
    )


def _miss(at: datetime) -> Exchange:
    return Exchange(
        url=MIRROR,
        mirror=MIRROR,
        requested_at=at,
        finished_at=at + timedelta(seconds=3),
        verdict="unreachable",
        why=("socks:F2", "the introduction failed: the onion is down"),
        facts={"socks_reply": "F2"},
    )


def _event(name: str, kind: str, entry: Entry | None, before: Capture, after: Capture) -> Event:
    return Event(
        id=name,
        kind=kind,  # type: ignore[arg-type] - given as plain words
        site="clop",
        entry=entry,
        not_before=before.requested_at,
        not_after=after.requested_at,
        confirmed_at=LATER,
        before=before.id,
        after=after.id,
        why=("absent-from-listing:3", "detail-offline"),
        watchlist=("Velmora",) if entry is VELMORA else (),
        vantage="local",
    )


async def _record(
    store: LedgerStore, capture: Capture, at: datetime, entries: tuple[Entry, ...], events: tuple[Event, ...]
) -> None:
    reading = Reading(verdict="listing", why=("rule",), complete=True, entries=entries, text="Velmora Logistics")
    snapshot = Snapshot(
        site="clop",
        visit=visit_of(at),
        mirror=MIRROR,
        vantage="local",
        taken_at=at,
        finished_at=capture.finished_at,
        verdict="listing",
        complete=True,
        entries=entries,
        captures=(capture.id,),
        isolation="clop-0",
    )
    roster = {
        entry.key: RosterEntry(
            key=entry.key,
            title=entry.title,
            url=entry.url,
            fields=entry.fields,
            standing="listed" if entry in entries else "withdrawn",
            first_seen=START,
            last_seen=at if entry in entries else START,
            seen_in=capture.id,
            missing_since=None if entry in entries else at,
            withdrawn_at=None if entry in entries else at,
            aliases=("V****** L********",) if entry is VELMORA else (),
        )
        for entry in (VELMORA, EVIL)
    }
    await store.record(
        Outcome(
            visit=visit_of(at),
            site="clop",
            readings={capture.id: reading},
            snapshot=snapshot,
            decision=Decision(roster=Roster(site="clop", entries=roster), events=events),
            memory=b"",
        )
    )


async def believe(folder: Path, site: str, watching: Watching) -> None:
    """Keep what was concluded elsewhere as what is believed of a site."""
    at = watching.now
    visit = f"{site}@{at:%Y-%m-%dT%H:%M:%S.%fZ}"
    async with LedgerStore.open(folder, vantage="local", now=lambda: at) as store:
        (capture,) = await store.keep(Origin(site=site, target="listing", visit=visit), [_page(at)])
        snapshot = Snapshot(
            site=site,
            visit=visit,
            mirror=MIRROR,
            vantage="local",
            taken_at=at,
            finished_at=capture.finished_at,
            verdict="listing",
            complete=True,
            captures=(capture.id,),
        )
        decision = Decision(roster=replace(watching.roster, site=site), events=())
        await store.record(
            Outcome(visit=visit, site=site, readings={}, snapshot=snapshot, decision=decision, memory=b"")
        )

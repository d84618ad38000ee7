"""A store as a fortnight of watching leaves it: two sites, sightings and gaps, every kind of event, hostile texts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from watcher import config
from watcher.config import Settings
from watcher.core.http import split
from watcher.edge.sign import create_key
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
    Rule,
    Selector,
    Snapshot,
)

START = datetime(2026, 11, 22, 6, 0, 0, 123456, tzinfo=UTC)
STEP = timedelta(minutes=15)
NOW = START + 12 * STEP
"""When the pages of the tests are looked at."""
MIRROR = "http://leak.example/"
EVIL_TITLE = (
    "\x1b[31m=Evil\u202eproc\x07 <script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg onload=alert(3)>"
    " {{ 7*7 }} javascript:alert(4) \u2028&amp; " + "x" * 5_000
)
EVIL_KEY = "../../<script>/%2e%2e/?a=b&c#d\u202e"
VELMORA = Entry(
    key="velmora", title="Velmora Logistics", url=f"{MIRROR}velmora", fields={"status": "new", "description": "Öl"}
)
EVIL = Entry(key=EVIL_KEY, title=EVIL_TITLE, url="javascript:alert(5)", fields={"<b>field</b>": EVIL_TITLE})
PLAIN = tuple(Entry(key=f"plain-{n}", title=f"Plain {n} Foods", url=f"{MIRROR}plain-{n}") for n in range(5))
RULE = Rule(entry=("li",), fields={"title": (Selector(css="b"),), "link": (Selector(css="a", attr="href"),)})
CONFIG = f"""\
[watcher]
vantage = "test"
operator = "Somebody & Sons"

[[watchlist]]
name = "Acme <b>"
match = ["velmora"]

[[site]]
name = "clop"
mirrors = ["{MIRROR}", "http://second.example/"]

[[site]]
name = "quiet"
mirrors = ["http://quiet.example/"]

[web]
listen = "127.0.0.1:0"
"""

Seen = tuple[str, tuple[Entry, ...]]
LISTED: Seen = ("listing", (VELMORA, EVIL, *PLAIN))
GONE: Seen = ("listing", (EVIL, *PLAIN))
STORY: tuple[Seen, ...] = (
    LISTED, LISTED, ("unreachable", ()), ("blocked", ()), LISTED, LISTED, GONE, GONE, GONE, ("error", ()), GONE,
)  # fmt: skip
"""Visit by visit: what came."""


def settings_in(folder: Path, text: str = CONFIG) -> Settings:
    """The configuration, written and read, with a key."""
    path = folder / "watcher.toml"
    path.write_text(text, encoding="utf-8")
    settings = config.load(path)
    if not settings.key.exists():
        create_key(settings.key, settings.vantage)
    return settings


def fill(folder: Path, *, page: str = "") -> tuple[Capture, ...]:
    """The store; each visit's capture or miss, oldest first. ``page`` is added to each body."""
    return asyncio.run(tell(folder / "snapshots", page))


async def tell(folder: Path, page: str = "") -> tuple[Capture, ...]:
    captures: list[Capture] = []
    async with LedgerStore.open(folder, vantage="test", now=lambda: NOW) as store:
        await store.subscribe(["stdout:"])
        for number, seen in enumerate(STORY):
            captures.append(await _visit(store, number, seen, page, captures))
        await store.schedule("clop", START + len(STORY) * STEP)
    return tuple(captures)


def visit_at(number: int) -> datetime:
    return START + number * STEP


async def _visit(store: LedgerStore, number: int, seen: Seen, page: str, before: list[Capture]) -> Capture:
    verdict, entries = seen
    at = visit_at(number)
    visit = f"clop@{at:%Y-%m-%dT%H:%M:%S.%fZ}"
    origin = Origin(site="clop", target="listing", visit=visit)
    (capture,) = await store.keep(origin, [_exchange(at, verdict, entries, page)])
    is_whole = verdict == "listing"
    why = () if is_whole else ("socks:F2",) if verdict == "unreachable" else ("http:502", "<b>why</b>")
    reading = Reading(verdict=verdict, why=why, complete=is_whole, entries=entries, text="text", rule=RULE)
    snapshot = Snapshot(
        site="clop", visit=visit, mirror=MIRROR, vantage="test", taken_at=at, finished_at=capture.finished_at,
        verdict=verdict, why=why, complete=is_whole, entries=entries, captures=(capture.id,), isolation="clop-0",
    )  # fmt: skip
    await store.record(
        Outcome(
            visit=visit,
            site="clop",
            readings={} if capture.is_miss else {capture.id: reading},
            snapshot=snapshot,
            decision=Decision(roster=_roster(number, [*before, capture]), events=_events(number, [*before, capture])),
            memory=b"",
        )
    )
    return capture


def _exchange(at: datetime, verdict: str, entries: tuple[Entry, ...], page: str) -> Exchange:
    if verdict == "unreachable":
        return Exchange(
            url=MIRROR, mirror=MIRROR, requested_at=at, finished_at=at + timedelta(seconds=3), verdict=verdict,
            why=("socks:F2", "the introduction failed: the onion is down"), facts={"socks_reply": "F2"},
        )  # fmt: skip
    items = "".join(f"<li><b>{entry.title}</b></li>" for entry in entries) or f"<h1>{verdict}</h1>"
    body = f"<!doctype html><title>t</title>{page}<ul>{items}</ul>".encode("utf-8", "replace")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nX-Evil: <script>\r\n"
    response = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    assert split(response).payload == body
    return Exchange(
        url=MIRROR, mirror=MIRROR, request=b"GET / HTTP/1.1\r\nHost: leak.example\r\n\r\n", response=response,
        requested_at=at, finished_at=at + timedelta(seconds=1.5), status=200, isolation="clop-0",
        facts={"boot_id": "b"},
    )  # fmt: skip


def _roster(number: int, captures: list[Capture]) -> Roster:
    entries = {}
    for entry in (VELMORA, EVIL, *PLAIN):
        shown = [at for at in range(number + 1) if entry in STORY[at][1]]
        gone = next((at for at in range(shown[-1] + 1, number + 1) if STORY[at][0] == "listing"), None)
        entries[entry.key] = RosterEntry(
            key=entry.key,
            title=entry.title,
            url=entry.url,
            fields=entry.fields,
            standing="listed" if gone is None else "withdrawn" if number >= 8 else "missing",
            first_seen=visit_at(0),
            last_seen=visit_at(shown[-1]),
            seen_in=captures[shown[-1]].id,
            missing_since=None if gone is None else visit_at(gone),
            missing_in=None if gone is None else captures[gone].id,
            withdrawn_at=visit_at(8) if gone is not None and number >= 8 else None,
            aliases=("V****** L********",) if entry is VELMORA else (),
        )
    return Roster(site="clop", entries=entries)


def _events(number: int, captures: list[Capture]) -> tuple[Event, ...]:
    def event(name: str, kind: str, entry: Entry | None, first: int, last: int) -> Event:
        return Event(
            id=name,
            kind=kind,  # type: ignore[arg-type] - given as plain words
            site="clop",
            entry=entry,
            not_before=visit_at(first),
            not_after=visit_at(last),
            confirmed_at=visit_at(number),
            before=captures[first].id,
            after=captures[last].id,
            why=("absent-from-listing:3", "detail-offline", "It is not there <b>any more</b>."),
            watchlist=("Acme <b>",) if entry is VELMORA else (),
            vantage="test",
        )

    if number == 1:
        listed = event("e1listed", "listed", EVIL, 0, 1)
        changed = replace(event("e2changed", "changed", EVIL, 0, 1), changes={"<i>": (EVIL_TITLE, "new")})
        return listed, changed, replace(event("e3renamed", "renamed", EVIL, 0, 1), was="<u>was</u>")
    if number == 4:
        return (event("e4recovered", "recovered", None, 1, 4),)
    if number == 8:
        return (event("e5withdrawn", "withdrawn", VELMORA, 5, 6),)
    return ()

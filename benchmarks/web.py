"""Milliseconds a page of the web takes, on a store of years and on an empty one, and the ratio of the two.

    python -m benchmarks.web [FOLDER]     a store that `benchmarks.big_store` made; without it one is made, in a minute

The server is asked over loopback, one request at a time, each page with another cursor, filter or name each time.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from yarl import URL

from benchmarks.big_store import NOW, build, name_of
from watcher import config
from watcher.edge.sign import create_key
from watcher.web.app import serve

TIMES = 60
SITES, CAPTURES, ENTRIES, EVENTS = 200, 1_000_000, 100_000, 50_000
LIMIT_MS = 100.0
Paths = dict[str, Callable[[random.Random], str]]


def main() -> None:
    """Measure, print, and fail if a page takes longer than it may."""
    with tempfile.TemporaryDirectory(prefix="watcher-bench-") as name:
        own = Path(name)
        given = Path(sys.argv[1]) if len(sys.argv) > 1 else own / "full"
        if not given.exists():
            print(f"building a store of {CAPTURES:,} captures in {given}", flush=True)
            build(given, sites=SITES, captures=CAPTURES, entries=ENTRIES, events=EVENTS)
        build(own / "small", sites=1, captures=40, entries=120, events=1)
        full = asyncio.run(measure(given, SITES))
        small = asyncio.run(measure(own / "small", 1))
        shutil.rmtree(own / "small")
    print(f"{'page':<28}{'median':>10}{'95th':>10}{'small 95th':>12}{'ratio':>8}")
    slow = []
    for page, times in full.items():
        median, last, floor = percentile(times, 50), percentile(times, 95), percentile(small[page], 95)
        print(f"{page:<28}{median:>8.1f}ms{last:>8.1f}ms{floor:>10.1f}ms{last / floor:>8.1f}")
        if last > LIMIT_MS:
            slow.append(page)
    if slow:
        sys.exit(f"slower than {LIMIT_MS:.0f} ms at the 95th percentile: {', '.join(slow)}")


def percentile(times: list[float], share: int) -> float:
    """The time that so many of a hundred do not exceed."""
    return sorted(times)[min(len(times) - 1, len(times) * share // 100)]


async def measure(store: Path, sites: int) -> dict[str, list[float]]:
    """Milliseconds of each request, by page; the first of each kind is not counted."""
    chance = random.Random(7)
    found: dict[str, list[float]] = {}
    async with asked(store.absolute(), sites) as session:  # noqa: ASYNC240 - no file is looked at
        first = {"events": await ids(session, "events"), "captures": await ids(session, "captures")}
        for page, path in paths(sites, first).items():
            for turn in range(TIMES + 1):
                if page.startswith("overview, after"):
                    touch(store)
                began = time.perf_counter()
                async with session.get(URL(path(chance), encoded=True)) as answer:
                    await answer.read()
                    assert answer.status == 200, (path(chance), await answer.text())
                if turn:
                    found.setdefault(page, []).append((time.perf_counter() - began) * 1000)
    return found


def touch(store: Path) -> None:
    """Something is written, as after a visit: what was worked out is worked out anew."""
    connection = sqlite3.connect(store / "ledger.db")
    with connection:
        connection.execute("UPDATE target SET next_visit = next_visit + 1")
    connection.close()


async def ids(session: aiohttp.ClientSession, what: str) -> list[str]:
    async with session.get(f"/api/{what}?limit=200") as answer:
        return [one["id"] for one in await answer.json()]


def paths(sites: int, known: dict[str, list[str]]) -> Paths:
    """What is asked, another one each time."""

    def site(chance: random.Random) -> str:
        return f"site-{chance.randrange(sites):03d}"

    def word(chance: random.Random) -> str:
        return name_of(chance.randrange(7000)).split()[0].lower()

    newest = int(NOW.timestamp() * 1e6)
    return {
        "overview": lambda _: "/",
        "overview, after a visit": lambda _: "/",
        "events": lambda _: "/events",
        "events, far back": lambda chance: f"/events?older={chance.randrange(60, EVENTS)}",
        "events of a site and kind": lambda chance: f"/events?site={site(chance)}&kind=withdrawn",
        "events by text": lambda chance: f"/events?text={word(chance)}",
        "events since": lambda chance: f"/events?since={chance.randrange(1, 90)}d",
        "entries": lambda _: "/entries",
        "entries, far back": lambda chance: f"/entries?older={newest - chance.randrange(7_000_000_000_000)}-0",
        "entries by standing": lambda chance: f"/entries?standing=missing&site={site(chance)}",
        "entries by text": lambda chance: f"/entries?text={word(chance)}",
        "entries by text, none": lambda chance: f"/entries?text=zz{chance.randrange(99)}",
        "site": lambda chance: f"/sites/{site(chance)}",
        "captures": lambda _: "/captures",
        "captures of a site": lambda chance: f"/captures?site={site(chance)}",
        "capture": lambda chance: f"/captures/{chance.choice(known['captures'])}",
        "event": lambda chance: f"/events/{chance.choice(known['events'])}",
        "custody log": lambda _: "/log",
        "feed": lambda chance: f"/feed.atom?site={site(chance)}",
        "metrics": lambda _: "/metrics",
        "API: 100 events": lambda chance: f"/api/events?limit=100&site={site(chance)}",
    }


@asynccontextmanager
async def asked(store: Path, sites: int) -> AsyncIterator[aiohttp.ClientSession]:
    """Somebody who asks a server on that store."""
    with tempfile.TemporaryDirectory(prefix="watcher-bench-") as name:
        path = Path(name) / "watcher.toml"
        blocks = [
            f'[[site]]\nname = "site-{number:03d}"\nmirrors = ["http://site-{number:03d}-a.example/"]\n'
            for number in range(sites)
        ]
        path.write_text(f'[watcher]\nstore = "{store}"\n[web]\nlisten = "127.0.0.1:0"\n' + "\n".join(blocks))
        settings = config.load(path)
        create_key(settings.key, "bench")
        async with serve(settings, now=lambda: NOW) as base, aiohttp.ClientSession(base) as session:
            yield session


if __name__ == "__main__":
    main()

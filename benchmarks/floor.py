"""A check against the least that any check costs: the bare fetch, and for a changed page what must be done with it.

python -m benchmarks.floor [SITES] [ROUNDS] [AT_ONCE]
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

import aiohttp
from aiohttp_socks import ProxyConnector
from backports.zstd import CompressionParameter, ZstdCompressor, ZstdDict
from selectolax.lexbor import LexborHTMLParser

from benchmarks.checking import Checker, at_a_time
from benchmarks.report import Part, median, reached
from benchmarks.serving import Served


class Bare:
    """What a check comes down to: aiohttp-socks, SHA-256; for a changed page a parser, zstd and a commit besides."""

    def __init__(self, session: aiohttp.ClientSession, folder: Path) -> None:
        self._session = session
        self._seen: dict[str, bytes] = {}
        self._db = sqlite3.connect(folder / "bare.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE page (id INTEGER PRIMARY KEY, url TEXT, digest BLOB, frame BLOB)")

    async def fetch(self, url: str) -> None:
        async with self._session.get(url) as response:
            sha256(await response.read()).digest()

    async def change(self, url: str) -> None:
        async with self._session.get(url) as response:
            body = await response.read()
        digest = sha256(body).digest()
        LexborHTMLParser(body)
        before = self._seen.get(url)
        options = {CompressionParameter.compression_level: 3, CompressionParameter.window_log: 17}
        prefix = ZstdDict(before, is_raw=True).as_prefix if before else None
        compressor = ZstdCompressor(options=options, zstd_dict=prefix)
        frame = compressor.compress(body, ZstdCompressor.FLUSH_FRAME)
        self._seen[url] = body
        self._db.execute("INSERT INTO page (url, digest, frame) VALUES (?, ?, ?)", (url, digest, frame))


TASKS = ("bare fetch", "watcher's fetch", "unchanged check", "bare change", "changed check", "check with news")
LIMITS = {"unchanged check": 1.25, "changed check": 3.5, "check with news": 3.5}
WARM = 9
"""Rounds that are not counted: rules are confirmed, pages seen again."""


async def _measure(sites: int, rounds: int, at_once: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in TASKS}
    with Served(sites) as served, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        connector = ProxyConnector.from_url(served.proxy, rdns=True, force_close=True, limit=0)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            Checker.open(served.proxy, served.urls("still"), folder) as checker,
        ):
            bare = Bare(session, folder)
            number = 0

            async def check(url: str) -> None:
                await checker.check(url, f"-{number}")

            async def fetch(url: str) -> None:
                await checker.fetch(url, f"-{number}")

            tasks = zip(
                TASKS,
                (bare.fetch, fetch, check, bare.change, check, check),
                ("still", "still", "still", "moving", "moving", "news"),
                strict=True,
            )
            plan = list(tasks)
            for number in range(WARM + rounds):
                for name, task, mode in plan:
                    spent = await at_a_time(at_once, task, served.urls(mode))
                    if number >= WARM:
                        found[name].append(spent)
    return found


def measure(sites: int = 100, rounds: int = 7, at_once: int = 20) -> Part:
    """The table."""
    found = asyncio.run(_measure(sites, rounds, at_once))
    rows, notes = [], []
    for name, values in found.items():
        base = "bare change" if name in {"bare change", "changed check", "check with news"} else "bare fetch"
        # round by round, side by side: a machine that slows down slows both
        ratio = median([mine / floor for mine, floor in zip(values, found[base], strict=True)])
        spread = f"{min(values):.2f} … {max(values):.2f}"
        rows.append((name, f"{median(values):.3f}", f"{ratio:.2f}", base if name != base else "", spread))
        if name in LIMITS:
            notes.append(f"- {name} ≤ {LIMITS[name]} ×: {reached(ratio, LIMITS[name])} ({ratio:.2f} ×)")
    return Part(
        title=f"A check against the floor: pages of 50 kB, {at_once} at a time, a new circuit each time",
        columns=("", "CPU ms", "ratio", "to", "least … most"),
        rows=rows,
        notes=(
            "“Bare fetch” is aiohttp-socks and SHA-256; “bare change” besides a parser, zstd after the version before, "
            "and one durable commit. A check is all of a visit: fetch, keep, read (reader processes included), decide, "
            "record, log. On a changed page counters, clock and nonce are others at each load (watcher reads one such "
            "check in 16; the median of the rounds shows the others); one with news has a new entry each time.",
            "",
            *notes,
        ),
    )


if __name__ == "__main__":
    print(measure(*map(int, sys.argv[1:])).markdown())

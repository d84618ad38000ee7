"""A thousand versions of a page whose counters, clock and nonce move: bytes on disk, against gzip and against zstd.

python -m benchmarks.versions [VERSIONS]
"""

from __future__ import annotations

import asyncio
import gzip
import os
import sqlite3
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from benchmarks.report import Part, reached
from benchmarks.serving import Pages
from watcher.edge.bodies import pack
from watcher.edge.store import LedgerStore
from watcher.ports import Origin
from watcher.records import Exchange

START = datetime(2026, 11, 1, tzinfo=UTC)
REQUEST = b"GET /moving HTTP/1.1\r\nHost: a.example\r\n\r\n"


def measure(versions: int = 1000) -> Part:
    """The table."""
    pages = Pages(1)
    bodies = [pages.load("moving") for _ in range(versions)]
    gzipped = sum(len(gzip.compress(body, 6)) for body in bodies) / versions
    bound = sum(len(pack(body, before)) for before, body in pairwise(bodies)) / (versions - 1)
    with tempfile.TemporaryDirectory() as temporary:
        moved, depth = asyncio.run(_kept(Path(temporary) / "moving", bodies))
        same, _ = asyncio.run(_kept(Path(temporary) / "still", bodies[:1] * versions))
    whole = sum(map(len, bodies)) / versions
    return Part(
        title=f"Bytes on disk: {versions:,} versions of a page of {whole / 1000:.0f} kB",
        columns=("", "bytes a version", "of gzip"),
        rows=(
            ("as a file", f"{whole:,.0f}", f"{whole / gzipped:.0%}"),
            ("gzip -6 files", f"{gzipped:,.0f}", "100%"),
            ("zstd, each after the one before (no version could be read without all others)", f"{bound:,.0f}",
             f"{bound / gzipped:.1%}"),
            ("kept by watcher, all in", f"{moved:,.0f}", f"{moved / gzipped:.1%}"),
            ("kept by watcher, the page unchanged", f"{same:,.0f}", f"{same / gzipped:.1%}"),
        ),
        notes=(
            "“All in” is the growth of the store's folder after a checkpoint: row, leaf, index, pack, body with its "
            f"keyframes; {depth} is the most versions that any needs to be read.",
            "",
            f"- moving ≤ 10 % of gzip: {reached(moved / gzipped, 0.10)} ({moved / gzipped:.1%}), depth ≤ 8: "
            f"{reached(depth, 8)} ({depth})",
            "- an unchanged check, readings and roster included, is measured in part b",
        ),
    )  # fmt: skip


async def _kept(folder: Path, bodies: list[bytes]) -> tuple[float, int]:
    """Bytes on disk for each, and the longest chain."""
    async with LedgerStore.open(folder, vantage="bench") as store:
        await _keep(store, 0, bodies[0])
    before = _on_disk(folder)
    async with LedgerStore.open(folder, vantage="bench") as store:
        for number, body in enumerate(bodies[1:], start=1):
            await _keep(store, number, body)
    connection = sqlite3.connect(folder / "ledger.db")
    depth = connection.execute("SELECT max(depth) FROM body").fetchone()[0]
    connection.close()
    return (_on_disk(folder) - before) / (len(bodies) - 1), depth


async def _keep(store: LedgerStore, number: int, body: bytes) -> None:
    at = START + timedelta(minutes=15 * number, microseconds=number * 137)
    head = (
        f"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: {at:%a, %d %b %Y %H:%M:%S} GMT\r\nContent-Type: text/html\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    exchange = Exchange(
        url="http://a.example/moving",
        mirror="http://a.example/moving",
        request=REQUEST,
        response=head.encode() + body,
        requested_at=at,
        finished_at=at + timedelta(seconds=1, microseconds=number),
        status=200,
        isolation="a-0",
        facts={"monotonic_start": 1000.123456 + number * 900, "socks_reply": "00", "clock_state": "synchronised"},
    )
    origin = Origin(site="a", target="listing", visit=f"a@{at:%Y-%m-%dT%H:%M:%S.%fZ}")
    await store.keep(origin, [exchange])


def _on_disk(folder: Path) -> int:
    connection = sqlite3.connect(folder / "ledger.db")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return sum(os.path.getsize(path) for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    print(measure(*map(int, sys.argv[1:])).markdown())

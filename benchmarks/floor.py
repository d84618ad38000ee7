"""A check against the least that any check costs: the bare fetch, and for a changed page what must be done with it.

python -m benchmarks.floor [--sites 200] [--rounds 7]
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


async def measure(sites: int, rounds: int, at_once: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
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

            for number in range(rounds + 2):
                for name, task, mode in (
                    ("bare fetch", bare.fetch, "still"),
                    ("fetch", fetch, "still"),
                    ("unchanged", check, "still"),
                    ("bare change", bare.change, "moving"),
                    ("moving", check, "moving"),
                    ("news", check, "news"),
                ):
                    spent = await at_a_time(at_once, task, served.urls(mode))
                    if number >= 2:
                        found.setdefault(name, []).append(spent)
    return found


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    sites, rounds, at_once = (int(a) for a in (sys.argv[1:] + ["100", "5", "20"][len(sys.argv) - 1 :]))
    found = asyncio.run(measure(sites, rounds, at_once))
    for name, values in found.items():
        base = median(found["bare change" if name in {"moving", "news", "bare change"} else "bare fetch"])
        print(
            f"{name:14} {median(values):6.3f} ms  {median(values) / base:5.2f} x   ({min(values):.3f} … {max(values):.3f})"
        )

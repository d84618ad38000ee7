"""A check split by its steps: CPU of each, of an unchanged page and of one that changes.

    python -m benchmarks.steps [SITES] [ROUNDS]

Pages are read in this process here, so that parsing and extracting can be told apart.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import watcher.core.reading
import watcher.edge.keeper
import watcher.short
import watcher.visit
from benchmarks.checking import Checker, at_a_time, cpu_seconds
from benchmarks.report import Part
from benchmarks.serving import Served
from tests.props.fakes import InlineReader
from watcher.core import custody
from watcher.core.again import Lately, Mirror
from watcher.edge.believer import Believer
from watcher.edge.custody_log import CustodyLog
from watcher.edge.keeper import Keeper
from watcher.edge.recorder import Recorder
from watcher.edge.tap import Tape
from watcher.records import Hints, Page, Reading

STEPS = (
    ("tap", Tape, "take"),
    ("hash", watcher.edge.keeper, "sha256"),
    ("keep", Keeper, "keep"),
    ("parse", watcher.core.reading, "parse"),
    ("extract", watcher.core.reading, "extract"),
    ("extract", watcher.core.reading, "look"),
    ("decide", watcher.visit, "assemble"),
    ("decide", watcher.visit, "compare"),
    ("decide", watcher.visit, "decide"),
    ("decide", watcher.visit, "page_print"),
    ("decide", watcher.short, "page_print"),
    ("decide", watcher.short, "mask_of"),
    ("decide", Mirror, "mark"),
    ("decide", Lately, "way"),
    ("decide", Lately, "again"),
    ("decide", Lately, "learn"),
    ("record", Recorder, "record"),
    ("record", Recorder, "record_again"),
    ("record", Believer, "believe"),
    ("record", Believer, "saw_again"),
    ("log", CustodyLog, "append"),
    ("log", custody, "leaf_data"),
    ("log", custody, "capture_record"),
    ("log", custody, "snapshot_record"),
)
NAMES = ("tap", "hash", "keep", "parse", "extract", "decide", "record", "log")


class _Remembering(InlineReader):
    """Reads in this process, and knows the same page again as ``WorkerReader`` does."""

    def __init__(self) -> None:
        self._memo: dict[tuple[bytes, bytes, str], tuple[Reading, bytes]] = {}

    async def read(self, page: Page, memory: bytes, known: Sequence[str], hints: Hints) -> tuple[Reading, bytes]:
        key = page.body, memory, page.url
        if key not in self._memo:
            self._memo[key] = await super().read(page, memory, known, hints)
        return self._memo[key]


class _Clock:
    """CPU of the steps, each without what is within it another step's."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._within: list[float] = []

    def timed(self, step: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **more: Any) -> Any:
            begin = time.thread_time()
            self._within.append(0.0)
            try:
                return work(*arguments, **more)
            finally:
                took = time.thread_time() - begin
                self.spent[step] += took - self._within.pop()
                if self._within:
                    self._within[-1] += took

        return timed


async def _measure(sites: int, rounds: int) -> Part:
    clock = _Clock()
    found: dict[str, dict[str, float]] = {}
    for step, where, name in STEPS:
        setattr(where, name, clock.timed(step, getattr(where, name)))
    try:
        with Served(sites) as served, tempfile.TemporaryDirectory() as temporary:
            async with Checker.open(served.proxy, served.urls("still"), Path(temporary)) as checker:
                checker.means = replace(checker.means, reader=_Remembering())
                for mode in ("still", "moving"):
                    found[mode] = await _steps(checker, served.urls(mode), rounds, clock)
    finally:
        watcher.edge.keeper.sha256 = hashlib.sha256  # the others end with the process
    rows = [("fetch, event loop, threads", *(f"{found[mode]['rest']:.3f}" for mode in found))]
    rows += [(name, *(f"{found[mode].get(name, 0.0):.3f}" for mode in found)) for name in NAMES]
    rows += [("all", *(f"{found[mode]['all']:.3f}" for mode in found))]
    return Part(
        title="A check by its steps, CPU ms",
        columns=("", "unchanged", "changed (counters, clock and nonce move)"),
        rows=rows,
        notes=(
            "Measured with a clock round every step, which costs something itself: what a check costs in all is in "
            "part a. Pages are read in the same process here and one at a time.",
        ),
    )


async def _steps(checker: Checker, urls: list[str], rounds: int, clock: _Clock) -> dict[str, float]:
    number = 0

    async def check(url: str) -> None:
        await checker.check(url, f"-{number}")

    for _ in range(9):
        await at_a_time(1, check, urls)
    clock.spent.clear()
    before = cpu_seconds()
    for _ in range(rounds):
        await at_a_time(1, check, urls)
    checks = rounds * len(urls)
    steps = {step: spent / checks * 1000 for step, spent in clock.spent.items()}
    all_of_it = (cpu_seconds() - before) / checks * 1000
    return {**steps, "all": all_of_it, "rest": all_of_it - sum(steps.values())}


def measure(sites: int = 30, rounds: int = 5) -> Part:
    """The table."""
    return asyncio.run(_measure(sites, rounds))


if __name__ == "__main__":
    print(measure(*map(int, sys.argv[1:])).markdown())

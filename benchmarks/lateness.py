"""Ten thousand targets, each every minute, in one process: how late visits start, what it costs, what a target weighs.

python -m benchmarks.lateness [TARGETS] [SECONDS] [EVERY]
"""

from __future__ import annotations

import asyncio
import gc
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from benchmarks.checking import Checker, cpu_seconds, site_of
from benchmarks.report import Part, reached
from benchmarks.serving import Served
from watcher.ports import Lease
from watcher.records import Site
from watcher.watch import Outside, Target, Watch


class Timed(Watch):
    """A watch that notes how late each visit starts."""

    def __init__(self, *arguments: object, **more: object) -> None:
        super().__init__(*arguments, **more)  # type: ignore[arg-type]  # handed through
        self.late: list[float] = []
        self._due: dict[str, float] = {}

    async def _fly(self, target: Target, lease: Lease) -> None:
        now = asyncio.get_running_loop().time
        self.late.append(now() - self._due.get(lease.site, now()))
        await super()._fly(target, lease)
        self._due[lease.site] = now() + target.wait.total_seconds()


async def _watch(targets: int, seconds: float, every: timedelta) -> Part:
    with Served(targets, page_bytes=3_000) as served, tempfile.TemporaryDirectory() as temporary:
        urls = served.urls("still")
        async with Checker.open(served.proxy, urls, Path(temporary)) as checker:
            await checker.check(urls[0])
            gc.collect()
            before = _resident()
            sites = [Site(name=site_of(url), mirrors=(url,), every=every) for url in urls]

            async def well() -> None:
                return None

            async def finish(*_: object) -> tuple[()]:
                return ()

            watch = Timed(checker.means, checker.store, Outside(well=well, finish=finish))
            stop = asyncio.Event()
            running = asyncio.create_task(watch.run(sites, stop))
            began = time.monotonic()
            # first looks, second looks: what comes after is the long run
            while len(watch.late) < 3 * targets and not running.done():  # noqa: ASYNC110 - nobody signals it
                await asyncio.sleep(1)
            if running.done():
                await running  # it raises what ended it
            settled = time.monotonic() - began
            watch.late.clear()
            cpu, began = cpu_seconds(), time.monotonic()
            await asyncio.sleep(seconds)
            late, took, spent = sorted(watch.late), time.monotonic() - began, cpu_seconds() - cpu
            gc.collect()
            weight = (_resident() - before) / targets
            stop.set()
            await running
    p50, p99 = late[len(late) // 2], late[int(len(late) * 0.99)]
    return Part(
        title=f"{targets:,} targets every {every.seconds} s in one process, pages of 3 kB",
        columns=("", ""),
        rows=(
            ("visits a second", f"{len(late) / took:.0f}"),
            ("started late, p50", f"{p50:.3f} s"),
            ("started late, p99", f"{p99:.3f} s"),
            ("processors used, readers included", f"{spent / took:.2f}"),
            ("CPU a check", f"{spent / len(late) * 1000:.2f} ms"),
            ("memory a target", f"{weight / 1024:.1f} KiB"),
            ("after so long from a cold start", f"{settled:.0f} s"),
        ),
        notes=(
            f"- p99 < 5 s: {reached(p99, 5)} ({p99:.2f} s); one core: {reached(spent / took, 1.0)}",
            f"- ≤ 6 KiB a target: {reached(weight, 6 * 1024)} ({weight / 1024:.1f} KiB, all caches included)",
        ),
    )


def _resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


def measure(targets: int = 10_000, seconds: int = 120, every: int = 60) -> Part:
    """The table."""
    return asyncio.run(_watch(targets, seconds, timedelta(seconds=every)))


if __name__ == "__main__":
    print(measure(*map(int, sys.argv[1:])).markdown())

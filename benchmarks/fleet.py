"""What a fleet costs and what it survives. All of it is real, the engine included, but the pages, which are played.

python -m benchmarks.fleet soak [MINUTES]    # killed, cut off, without a server, at random; then everything is checked
python -m benchmarks.fleet rate              # 4 vantages, 10,000 targets at 60 s; then the same over a line of 200 ms:
                                             # nine minutes, and nothing else should run beside
python -m benchmarks.fleet rate SECONDS TARGETS EVERY_SECONDS
python -m benchmarks.fleet share             # what sharing out costs, up to a million targets
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from tests.fleet.playing import PlayedFleet, check_all, check_index, longest_gaps, looks_of, never_twice_at_once
from watcher.core.fleet import Shares
from watcher.core.shipping import TABLES
from watcher.edge.ledger import Ledger

KILLS, RESTARTS, CUTS, INDEX_KILLS = 32, 6, 6, 6
EVERY, LEASE, SITES = 5.0, 5.0, 80


# ---------------------------------------------------------------------------------------------------------- soak


async def soak(minutes: float, seed: int = 20261122) -> None:
    """Troubles one after the other, in an order by chance, spread over the time."""
    chance = random.Random(seed)
    troubles = ["kill"] * KILLS + ["server"] * RESTARTS + ["cut"] * CUTS + ["index"] * INDEX_KILLS
    chance.shuffle(troubles)
    pause = minutes * 60 / len(troubles)
    with tempfile.TemporaryDirectory(prefix="fleet-") as name:
        fleet = PlayedFleet(Path(name), count=4, sites=SITES, every_seconds=EVERY, lease_seconds=LEASE)
        async with fleet:
            index = await fleet.follow()
            await asyncio.sleep(2 * LEASE)
            began, down, still = time.monotonic(), [], StoodStill()
            for number, trouble in enumerate(troubles):
                one, lasts = chance.choice(fleet.vantages), chance.uniform(0.5, 0.9) * pause
                match trouble:
                    case "kill":
                        await asyncio.to_thread(one.kill)
                        await asyncio.sleep(lasts)
                        one.start()
                        await asyncio.to_thread(one.wait)  # else on a busy machine soon none is there
                    case "server":
                        start = datetime.now(UTC)
                        await asyncio.to_thread(fleet.server.kill)
                        await asyncio.sleep(lasts)
                        await asyncio.to_thread(fleet.server.start)
                        down.append((start, datetime.now(UTC)))
                    case "cut":
                        one.line.cut()
                        await asyncio.sleep(lasts)
                        one.line.mend()
                    case "index":
                        await asyncio.to_thread(index.kill)
                        await asyncio.sleep(lasts)
                        index.start()
                await asyncio.sleep(max(0.0, began + (number + 1) * pause - time.monotonic()))
            lasted = time.monotonic() - began
            still.end()
            await fleet.all_shipped(120)
            await asyncio.to_thread(index.catch_up)
            copies = await fleet.copies(Path(name) / "copies")
            looks = looks_of(Path(name), [vantage.name for vantage in fleet.vantages])
            gaps = longest_gaps(looks, SITES)
            worst = max(gaps, key=lambda site: gaps[site])
            print(f"longest gap {gaps[worst]:.1f} s, {len(looks)} looks; checking", flush=True)
            check_all(fleet, copies)
            told = check_index(fleet, index)
            print(f"{lasted / 60:.1f} minutes, {dict(Counter(troubles))}, {len(looks)} looks at {SITES} sites")
            print("no capture lost, no event doubled, no site looked at twice at once, every custody log verifies,")
            print("every copy made from the stream equals its ledger")
            print(
                f"the index, killed as well, is the union of the ledgers, verifies, and tells {told} events once each"
            )
            orphaned = gaps[worst] - EVERY
            print(f"longest without a look beyond the interval: {orphaned:.1f} s ({orphaned / LEASE:.2f} leases)")
            print(f"(this very process, which does nothing but wait, was held up for up to {still.longest:.1f} s)")


class StoodStill:
    """For how long the machine let this process wait beyond what it asked for, at most."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._task = asyncio.create_task(self._run())

    def end(self) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        while True:
            start = time.monotonic()
            await asyncio.sleep(0.1)
            self.longest = max(self.longest, time.monotonic() - start - 0.1)


# ---------------------------------------------------------------------------------------------------------- rate


async def rate(seconds: float = 90.0, sites: int = 10_000, every: float = 60.0) -> None:
    """The demand is 4 vantages, 10,000 targets at 60 s; a busy machine may be asked for less."""
    for delay in (0.0, 0.1):
        await _rate(seconds, sites, every, delay)


async def _rate(seconds: float, sites: int, every: float, delay: float) -> None:
    with tempfile.TemporaryDirectory(prefix="fleet-") as name:
        fleet = PlayedFleet(
            Path(name), count=4, sites=sites, every_seconds=every, lease_seconds=30, delay_seconds=delay,
            changing=False, spread=True,
        )  # fmt: skip
        async with fleet:
            for vantage in fleet.vantages:
                await asyncio.to_thread(vantage.wait)
            await asyncio.sleep(1.5 * every + 5)  # the first look at a site costs more than all later ones
            before = _cpu_of(fleet.server.pid)
            for vantage in fleet.vantages:
                vantage.begin()
            await asyncio.sleep(seconds)
            server = _cpu_of(fleet.server.pid) - before
            reports = [await asyncio.to_thread(vantage.stop) for vantage in fleet.vantages]
            visits = sum(report.visits for report in reports)
            late = sorted(one for report in reports for one in report.late_seconds)
            cpu = sum(report.cpu_seconds for report in reports)
            wanted = sites / every
            print(f"{sites} targets every {every:.0f} s, 4 vantages, line of {2000 * delay:.0f} ms")
            print(f"  {visits / seconds:.0f} looks a second; {wanted:.0f} are wanted")
            print(f"  CPU a look: {1000 * cpu / visits:.2f} ms at the vantages (pages played, read and decided upon,")
            print(f"  ledger, shipping), {1000 * server / visits:.2f} ms at the server")
            if late:
                print(f"  late: median {late[len(late) // 2]:.3f} s, p99 {late[len(late) * 99 // 100]:.3f} s")
            looks, messages = zip(*(_not_shipped(Path(name) / one.name) for one in fleet.vantages), strict=True)
            print(f"  not shipped yet when it ended: {sum(looks)} looks ({sum(looks) / wanted:.1f} s of them) and")
            print(f"  {sum(messages)} messages under way", flush=True)
            never_twice_at_once(looks_of(Path(name), [vantage.name for vantage in fleet.vantages]))
            print("  no site was looked at twice at once by one vantage", flush=True)
            if not delay:
                await _index(fleet, wanted)


async def _index(fleet: PlayedFleet, wanted: float) -> None:
    """What it costs the index to take all of it in."""
    index = await fleet.follow()
    index.kill()
    before, start = _cpu_of_children(), time.monotonic()
    await asyncio.to_thread(index.catch_up)
    lasted, cpu = time.monotonic() - start, _cpu_of_children() - before
    with Ledger.open(index.store) as ledger:
        (looks,) = ledger.connection.execute("SELECT count(*) FROM capture").fetchone()
    print(
        f"  CPU a look: {1000 * cpu / looks:.2f} ms at the index, which took in {looks} of them at {looks / lasted:.0f}"
    )
    print(f"  a second; {wanted:.0f} are wanted", flush=True)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _not_shipped(store: Path) -> tuple[int, int]:
    """Captures that no message holds yet, and messages that have not arrived."""
    with Ledger.open(store) as ledger:
        looks, messages = ledger.connection.execute(
            "SELECT (SELECT count(*) FROM unshipped WHERE tab = ?), (SELECT count(*) FROM parcel WHERE seq >"
            " (SELECT seq FROM shipped WHERE way = 'sent'))",
            (list(TABLES).index("capture"),),
        ).fetchone()
    return looks, messages


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --------------------------------------------------------------------------------------------------------- share


def share() -> None:
    """What a vantage works out when another one goes, and when it is back."""
    for sites, vantages in ((10_000, 4), (100_000, 20), (1_000_000, 100)):
        names = frozenset(f"v{number}" for number in range(vantages))
        shares = Shares(names)
        start = time.process_time()
        ours = sum("v0" in shares.of(f"s{number}", 1) for number in range(sites))
        first, start = time.process_time() - start, time.process_time()
        moved = len(shares.change(names - {"v1"}))
        gone, start = time.process_time() - start, time.process_time()
        shares.change(names)
        back = time.process_time() - start
        print(
            f"{sites:>9} targets, {vantages:>3} vantages: {first:6.2f} s of CPU at the start, {gone:.2f} s when one"
            f" goes, {back:.2f} s when it is back; share {ours / sites:.4f}, {moved / sites:.4f} change hands"
        )


def main(arguments: list[str]) -> None:
    match arguments:
        case ["soak", *minutes]:
            asyncio.run(soak(float(minutes[0]) if minutes else 11.0))
        case ["rate"]:
            asyncio.run(rate())
        case ["rate", seconds, sites, every]:
            asyncio.run(rate(float(seconds), int(sites), float(every)))
        case ["share"]:
            share()
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])

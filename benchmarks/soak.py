"""A soak: two watchers, the program itself, over the same sites, with everything going wrong at random.

python -m benchmarks.soak --minutes 30 [--seed 1] [--sites 4] [--folder DIR]

One watcher is never ended, and its memory is measured; the other is killed, ended and started all the time. Both meet
a proxy that dies, sites that hang, fail, lie and hang up, full, read-only and locked stores, clocks that jump and page
readers that are killed. Meanwhile the sites list, withdraw, relist, rename and change entries, and the soak keeps
count: in the end both watchers must have told exactly that, in order, each thing once; nothing may have crashed; and
``watcher verify store`` must find both stores whole. The exit code says whether all of it holds.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.soak_faults import (
    FaultAt,
    Harmed,
    Place,
    catalogue,
    ledger_is_well,
    mounted,
    read_only,
    set_clock,
    sweep_clocks,
)
from tests.props.stage import Play, Stage, opening
from tests.stories.program import WATCHER, Program, family, json_lines, write
from watcher.edge.ledger import Ledger
from watcher.errors import WatcherError
from watcher.records import ENTRY_KINDS
from watcher.testing.names import invented_victims
from watcher.testing.scene import Act, Change, Publish, Relist, Rename, Scene, Withdraw, after

EACH = 'every = "{:d}ms"'
SOONEST = 0.3
"""A share of a second: no site is looked at more often."""
LOSSES_SECONDS = 120
"""For so long a loss that looks like a fault is doubted: far longer than any site lies."""
POLICY = """
[policy]
confirm_visits = 2
confirm_after = "0s"
confirm_gap = "400ms"
structural_after = "{:.0f}s"
[[alert]]
to = "file:alerts.jsonl"
"""
TICK_SECONDS = 0.1
LOOK_SECONDS = 1.0
BASELINE_LOOKS = 10
FEWEST, MOST = 6, 14
"""Entries of a site."""
LYING = ("site: old", "site: empty")
"""Whole pages that say what is not so: no more than a few looks long, as a fault of some hours is in life."""
SITE_KINDS = {"unreachable", "blocked", "seized", "redesigned", "vanished", "recovered"}
CHILD_OUTCOMES = {0, 2, 128 + signal.SIGINT, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT}
"""How the watcher that is killed may end: cleanly, in words, by what was sent (before it could listen)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long, how much and how fast."""

    seconds: float
    seed: int = 1
    sites: int = 4
    pace: float = 1.0
    """Of everything that happens: less is faster."""
    settle_seconds: float = 300.0
    """In the end, for what is not told yet."""


@dataclass
class Stand:
    """A site as it is: what was done to it, and what the watchers must therefore tell."""

    scene: Scene
    acts: list[tuple[str, str]] = field(default_factory=list)
    next_at: float = 0.0
    settled: bool = True
    """Whether both watchers told all of it."""
    touched: set[str] = field(default_factory=set)
    """Entries that were renamed or changed: once is enough."""


@dataclass
class Outcome:
    """What a soak came to."""

    faults: list[str] = field(default_factory=list)
    """Each of them breaks the promise."""
    figures: dict[str, object] = field(default_factory=dict)


class Soak:
    """One soak, from beginning to end."""

    def __init__(self, plan: Plan, folder: Path, stage: Stage, say: Callable[[str], None]) -> None:
        self.plan, self.stage, self.say = plan, stage, say
        self.dice = random.Random(plan.seed)
        self.calm = Harmed(folder=folder / "calm")
        self.storm = Harmed(folder=folder / "storm")
        play = play_of(plan)
        self.stands = [Stand(scene=opening(play, number)) for number in range(plan.sites)]
        self.fresh = [invented_victims(number + 1) for number in range(plan.sites)]
        for victims, stand in zip(self.fresh, self.stands, strict=True):
            for _ in stand.scene.victims:
                next(victims)
        self.active: dict[Place, tuple[float, str, AbstractContextManager[None]]] = {}
        self.resting: dict[Place, float] = {}
        """Places that are left in peace until then."""
        self.harm: Counter[str] = Counter()
        self.logs: list[list[str]] = []
        self.ends: Counter[int] = Counter()
        self.turn_at = 0.0
        self.memory: list[tuple[float, float, float, int]] = []
        self.faults: list[str] = []

    # --------------------------------------------------------------------------------------------------- the run

    def __call__(self) -> Outcome:
        sites = {f"s{number}": urls for number, urls in enumerate(self.stage.mirrors)}
        with ExitStack() as stack:
            stack.callback(sweep_clocks)
            for one in (self.calm, self.storm):
                one.folder.mkdir(parents=True)
                set_clock(one, 0)
                stack.enter_context(mounted(one))
                write(
                    one.folder,
                    self.stage.proxy_url,
                    sites,
                    each=EACH.format(round(1000 * max(SOONEST, self.plan.pace))),
                    more=POLICY.format(LOSSES_SECONDS * max(SOONEST, self.plan.pace)),
                    timeout="3s",
                )
                self._start(one)
                stack.callback(self._end_anyhow, one)
            stack.callback(self._end_faults, float("inf"))
            self._until(lambda: all(map(self._has_baseline, (self.calm, self.storm))), 60, "no baseline")
            self._rage()
            self._heal()
            self._until(self._all_told, self.plan.settle_seconds, "not all was told, or recorded")
            self._round_off()
            for one in (self.calm, self.storm):
                self.say(f"looking at what {one.folder.name} kept")
                self._audit(one)
            return Outcome(faults=self.faults, figures=self._figures())

    def _rage(self) -> None:
        """Everything at random, as long as the plan says."""
        start = now = time.monotonic()
        look_at = told_at = start
        kinds: dict[str, list[FaultAt]] = {}
        for one in catalogue(self.stage, [self.calm, self.storm], self.dice):
            kinds.setdefault(one[1][0], []).append(one)
        while now < start + self.plan.seconds:
            self._end_faults(now)
            if self.dice.random() < TICK_SECONDS / self.plan.pace:
                self._begin_fault(*self.dice.choice(kinds[self.dice.choice(list(kinds))]), now)
            self._storm(now)
            if now >= look_at:
                look_at = now + LOOK_SECONDS
                self._measure(now - start)
                for number, stand in enumerate(self.stands):
                    self._act(number, stand, now)
            if now >= told_at:
                told_at = now + 60
                acts = sum(len(stand.acts) for stand in self.stands)
                self.say(
                    f"{(now - start) / 60:5.1f} min  {acts} acts  {self.harm.total()} faults  {self._memory_now()}"
                )
            time.sleep(TICK_SECONDS)
            now = time.monotonic()

    def _heal(self) -> None:
        """No fault any more, and both watchers run."""
        self._end_faults(float("inf"))
        self._keep_up()

    def _keep_up(self) -> None:
        """The watcher that was ended all the time runs; it may still have been about to stop."""
        if self.storm.program is not None and self.storm.program.process.poll() is not None:
            self._ended(self.storm)
        if self.storm.program is None:
            self._start(self.storm)

    # ---------------------------------------------------------------------------------------------------- faults

    def _begin_fault(
        self, name: str, place: Place, fault: Callable[[], AbstractContextManager[None]], now: float
    ) -> None:
        if place in self.active or self.resting.get(place, 0.0) > now:
            return
        lasts = self.dice.uniform(0.5, 3.0) if name in LYING else self.dice.uniform(1.0, 12.0)
        context = fault()
        context.__enter__()
        self.active[place] = (now + lasts * self.plan.pace, name, context)
        self.harm[name] += 1

    def _end_faults(self, now: float) -> None:
        for place, (until, _, context) in list(self.active.items()):
            if until <= now:
                del self.active[place]
                context.__exit__(None, None, None)
                # long enough for a good look before the next one
                self.resting[place] = time.monotonic() + self.dice.uniform(5.0, 15.0) * self.plan.pace

    def _storm(self, now: float) -> None:
        """What becomes of the watcher that is ended and started all the time."""
        program = self.storm.program
        if program is not None and program.process.poll() is not None:
            self._ended(self.storm)
            self.turn_at = now + self.dice.uniform(0.0, 3.0) * self.plan.pace
        if now < self.turn_at:
            return
        if self.storm.program is None:
            self._start_storm()
            self.turn_at = now + self.dice.choice((0.3, 1.0, 5.0, 20.0, 40.0)) * self.dice.random() * self.plan.pace
            return
        number = self.dice.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGTERM, signal.SIGINT))
        if number == signal.SIGINT and not self.storm.program.said:
            number = signal.SIGTERM  # Python, interrupted while it starts, ends with a traceback of its own
        for _ in range(self.dice.choice((1, 1, 3))):
            self.storm.program.send(number)
        self.harm[f"{signal.Signals(number).name} to the watcher"] += 1
        self.turn_at = now + self.dice.uniform(0.5, 9.0)  # then it is sent another one

    def _start_storm(self) -> None:
        if self.dice.random() > 0.1:
            self._start(self.storm)
            return
        with read_only(self.storm) as had:
            if had:
                self.harm["store read-only at a start"] += 1
            self._start(self.storm)
            time.sleep(2.5 * self.plan.pace)

    def _start(self, one: Harmed) -> None:
        one.program = Program(one.folder, before=one.before, watcher=_patient(self.plan.pace)).__enter__()
        self.logs.append(one.program.said)

    def _ended(self, one: Harmed) -> int:
        assert one.program is not None
        one.program.__exit__()
        code = int(one.program.process.returncode)
        self.ends[code] += 1
        if code not in CHILD_OUTCOMES:
            self.faults.append(f"{one.folder.name}: ended with {code}:\n{''.join(one.program.said[-30:])}")
        one.program = None
        return code

    # ------------------------------------------------------------------------------------------------------ acts

    def _act(self, number: int, stand: Stand, now: float) -> None:
        """The next thing that happens on a site, once all before it is told."""
        stand.settled = stand.settled or all(
            self._told(one).get(f"s{number}", []) == stand.acts for one in (self.calm, self.storm)
        )
        if not stand.settled:
            return
        if stand.next_at == 0.0:
            stand.next_at = now + self.dice.uniform(2.0, 25.0) * self.plan.pace
        if now < stand.next_at:
            return
        act, event = self._choose(number, stand)
        stand.scene = after(stand.scene, act)
        stand.acts.append(event)
        stand.next_at, stand.settled = 0.0, False
        self.stage.act(number, act)

    def _choose(self, number: int, stand: Stand) -> tuple[Act, tuple[str, str]]:
        scene, dice = stand.scene, self.dice
        calm_ones = [victim for victim in scene.victims if victim.slug not in stand.touched]
        ways = ["publish"] * (len(scene.victims) < MOST) + ["withdraw"] * 2 * (len(scene.victims) > FEWEST)
        ways += ["relist"] * bool(scene.gone) + ["rename", "change"] * bool(calm_ones)
        way = dice.choice(ways)
        if way == "publish":
            new = next(self.fresh[number])
            return Publish((new,), at=dice.randint(0, 3)), ("listed", new.title)
        if way == "withdraw":
            gone = dice.choice(scene.victims)
            return Withdraw((gone.slug,), page_stays=False), ("withdrawn", gone.title)
        if way == "relist":
            back = dice.choice(scene.gone)
            return Relist((back.slug,), at=dice.randint(0, 3)), ("relisted", back.title)
        one = dice.choice(calm_ones)
        stand.touched.add(one.slug)
        if way == "rename":
            title = f"{one.title.split()[0]} AND {next(self.fresh[number]).title}"
            return Rename(one.slug, title), ("renamed", title)
        return Change(one.slug, {"size": f"{dice.randint(1000, 9999)} GB"}), ("changed", one.title)

    # ----------------------------------------------------------------------------------------------- looking on

    def _told(self, one: Harmed) -> dict[str, list[tuple[str, str]]]:
        """By site, what a watcher told of entries, in order."""
        found: dict[str, list[tuple[str, str]]] = {}
        with contextlib.suppress(WatcherError), Ledger.open(one.store) as ledger:
            for event in ledger.events():
                if event.entry is not None and event.kind in ENTRY_KINDS:
                    found.setdefault(event.site, []).append((event.kind, event.entry.title))
        return found

    def _all_told(self) -> bool:
        """Whether there is nothing left to tell, and no visit that trouble kept from being recorded."""
        return all(
            self._told(one).get(f"s{number}", []) == stand.acts
            for one in (self.calm, self.storm)
            for number, stand in enumerate(self.stands)
        ) and not any(map(_unrecorded, (self.calm, self.storm)))

    def _has_baseline(self, one: Harmed) -> bool:
        """Whether every site was seen so often that a change is no longer part of finding out what it lists."""
        looks: Counter[str] = Counter()
        with contextlib.suppress(WatcherError), Ledger.open(one.store) as ledger:
            looks.update(
                capture.visit.partition("@")[0] for capture in ledger.captures() if capture.verdict == "listing"
            )
        return len(looks) == self.plan.sites and min(looks.values()) >= BASELINE_LOOKS

    def _until(self, what: Callable[[], bool], seconds: float, otherwise: str) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            if time.monotonic() > deadline:
                self.faults.append(otherwise)
                return
            self._keep_up()
            time.sleep(0.3)

    def _measure(self, at: float) -> None:
        assert self.calm.program is not None
        pid = self.calm.program.process.pid
        with contextlib.suppress(OSError, IndexError):
            own = _mib(pid)
            whole = sum(_mib(one) for one in family(pid))
            self.memory.append((at, own, whole, len(list(Path(f"/proc/{pid}/fd").iterdir()))))

    def _memory_now(self) -> str:
        if not self.memory:
            return ""
        _, own, whole, files = self.memory[-1]
        return f"{own:.1f} MiB, with its readers {whole:.1f} MiB, {files} files open"

    # ------------------------------------------------------------------------------------------------ afterwards

    def _round_off(self) -> None:
        """Both end when asked to."""
        for one in (self.calm, self.storm):
            assert one.program is not None
            one.program.send(signal.SIGTERM)
            one.program.process.wait(30)
            if code := self._ended(one):
                self.faults.append(f"{one.folder.name}: the last stop ended with {code}")

    def _end_anyhow(self, one: Harmed) -> None:
        if one.program is not None:
            one.program.__exit__()

    def _audit(self, one: Harmed) -> None:
        """Holds a watcher's store, log and alerts against what the sites did."""
        name, told = one.folder.name, self._told(one)
        for number, stand in enumerate(self.stands):
            given = told.get(f"s{number}", [])
            if given != stand.acts:
                self.faults.append(f"{name}: s{number} told {_first_difference(given, stand.acts)}")
        with Ledger.open(one.store) as ledger:
            listed: dict[str, list[str]] = {}
            for site, held in ledger.entries():
                if held.standing == "listed":
                    listed.setdefault(site, []).append(held.title)
            events = tuple(ledger.events())
        if unrecorded := _unrecorded(one):
            self.faults.append(f"{name}: visits that were never recorded: {unrecorded}")
        for number, stand in enumerate(self.stands):
            if sorted(listed.get(f"s{number}", [])) != sorted(stand.scene.titles):
                self.faults.append(f"{name}: s{number} is believed to list {sorted(listed.get(f's{number}', []))}")
        if strange := {event.kind for event in events if event.entry is None} - SITE_KINDS:
            self.faults.append(f"{name}: strange events: {strange}")
        self._audit_alerts(one, {event.id for event in events})
        verified = subprocess.run(
            [*WATCHER, "verify", "store", "--json"], cwd=one.folder, capture_output=True, text=True, check=False
        )
        if verified.returncode:
            wrong = [line for line in json_lines(verified.stdout) if not line["ok"]]
            self.faults.append(f"{name}: verify: {wrong}{verified.stderr}")
        if not ledger_is_well(one):
            self.faults.append(f"{name}: SQLite finds the ledger damaged")

    def _audit_alerts(self, one: Harmed, events: set[str]) -> None:
        heard: Counter[str] = Counter()
        torn = 0
        for line in (one.folder / "alerts.jsonl").read_text().splitlines():
            try:
                heard[json.loads(line)["id"]] += 1
            except json.JSONDecodeError:
                torn += 1
        name = one.folder.name
        if heard.keys() != events:
            self.faults.append(f"{name}: alerts differ from events: {heard.keys() ^ events}")
        if torn and one is self.calm:
            self.faults.append(f"{name}: {torn} torn alerts")

    def _figures(self) -> dict[str, object]:
        for word in ("Traceback", "visit failed", "this is a fault of watcher"):
            lines = [line for log in self.logs for line in log if word in line]
            if lines:
                self.faults.append(f"{len(lines)} lines in the logs say {word!r}:\n{''.join(lines[:3])}")
        acts = Counter(kind for stand in self.stands for kind, _ in stand.acts)
        visits = sum("event=visited" in line for log in self.logs for line in log)
        warm = [row for row in self.memory if row[0] > self.plan.seconds / 5] or self.memory
        return {
            "acts": dict(acts),
            "faults": dict(sorted(self.harm.items())),
            "visits": visits,
            "starts": len(self.logs),
            "exit codes": {str(code): number for code, number in sorted(self.ends.items())},
            "memory MiB at a fifth, at the end, most": [round(warm[0][1], 1), round(warm[-1][1], 1),
                                                        round(max(row[1] for row in warm), 1)],
            "memory slope, MiB an hour": round(slope([(row[0], row[1]) for row in warm]) * 3600, 2),
            "with its readers, most MiB": round(max(row[2] for row in warm), 1),
            "open files, at a fifth, at the end": [warm[0][3], warm[-1][3]],
            "store MiB": {one.folder.name: round(_size(one.store) / 2**20, 1) for one in (self.calm, self.storm)},
        }  # fmt: skip


# -------------------------------------------------------------------------------------------------------- small parts


def _unrecorded(one: Harmed) -> tuple[str, ...]:
    """Visits that are kept and not recorded: those under way, and those whose next try is still to come."""
    with Ledger.open(one.store) as ledger:
        return ledger.unrecorded_visits()


def play_of(plan: Plan) -> Play:
    return Play(sites=plan.sites, mirrors=2, victims=9)


def _patient(pace: float) -> list[str]:
    """The program; in a faster soak it tries as much sooner again what failed for want of a disk or a proxy."""
    if pace == 1.0:
        return WATCHER
    lines = (
        "import sys; from watcher import watch; from watcher.cli.main import main",
        f"watch.TROUBLE_WAIT *= {pace}; watch.LONGEST_WAIT_SECONDS *= {pace}",
        "sys.exit(main())",
    )
    return [sys.executable, "-c", "; ".join(lines)]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """By how much the second grows with the first: least squares."""
    if len(points) < 2:
        return 0.0
    return statistics.linear_regression([x for x, _ in points], [y for _, y in points]).slope


def _mib(pid: int) -> float:
    """Memory of its own that a process holds: what it shares weighs more or less as others come and go."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _first_difference(given: Sequence[object], wanted: Sequence[object]) -> str:
    for place, (one, other) in enumerate(zip(given, wanted, strict=False)):
        if one != other:
            return f"{one} instead of {other} at place {place}; then {list(given[place + 1 : place + 4])}"
    return f"{list(given[len(wanted) :])} too much" if len(given) > len(wanted) else f"no {list(wanted[len(given) :])}"


def soak(plan: Plan, folder: Path, say: Callable[[str], None] = print) -> Outcome:
    """Let it all happen; what it came to."""
    with Stage(play_of(plan)) as stage:
        return Soak(plan, folder, stage, say)()


@contextlib.contextmanager
def _somewhere(folder: str | None) -> Iterator[Path]:
    if folder:
        yield Path(folder)
        return
    with tempfile.TemporaryDirectory(prefix="watcher-soak-") as made:
        yield Path(made)


def main() -> int:
    parser = argparse.ArgumentParser(description="Everything at once, for a while; then all must be well.")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sites", type=int, default=4)
    parser.add_argument("--folder", help="where the stores stay; must not be there yet (default: a temporary one)")
    given = parser.parse_args()
    plan = Plan(seconds=given.minutes * 60, seed=given.seed, sites=given.sites)
    with _somewhere(given.folder) as folder:
        outcome = soak(plan, folder, lambda line: print(line, flush=True))
        for name, value in outcome.figures.items():
            print(f"{name}: {json.dumps(value)}")
    for fault in outcome.faults:
        print(f"BROKEN: {fault}")
    print("all is well" if not outcome.faults else f"{len(outcome.faults)} promises broken")
    return bool(outcome.faults)


if __name__ == "__main__":
    sys.exit(main())

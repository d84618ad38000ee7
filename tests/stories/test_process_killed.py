"""``kill -9`` of ``watcher run`` at random moments, and a start each time, while sites list, withdraw and rename.

A second watcher looks at the same sites, and nobody harms it: in the end both must have told the same.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.props.stage import Play, Stage, opening
from tests.stories.program import Program, family, json_lines, run, write
from watcher.core.notes import load
from watcher.edge.ledger import Ledger
from watcher.errors import StoreError
from watcher.testing.scene import Act, Change, Publish, Relist, Rename, Victim, Withdraw

KILLS = 12
"""The soak has as many as there is time for."""
EACH = 'every = "300ms"'
HURRY = """
[policy]
confirm_visits = 2
confirm_after = "0s"
confirm_gap = "200ms"
[[alert]]
to = "file:alerts.jsonl"
"""
PLAY = Play(sites=3, victims=6)
FIRST, SECOND, THIRD = (opening(PLAY, number).victims for number in range(PLAY.sites))
NEW = Victim(slug="orbel-clinic", title="ORBEL CLINIC", statement="Orbel Clinic did not answer us.", country="Norland")
STEPS: Sequence[tuple[int, Act, tuple[str, str]]] = (
    (0, Publish((NEW,)), ("listed", NEW.title)),
    (1, Withdraw((SECOND[2].slug,)), ("withdrawn", SECOND[2].title)),
    (2, Change(THIRD[1].slug, {"status": "PUBLISHED", "size": "1 TB"}), ("changed", THIRD[1].title)),
    (1, Relist((SECOND[2].slug,)), ("relisted", SECOND[2].title)),
    (0, Rename(FIRST[0].slug, "VORMUND CASTINGS"), ("renamed", "VORMUND CASTINGS")),
    (0, Withdraw((NEW.slug,)), ("withdrawn", NEW.title)),
)  # fmt: skip


@dataclass
class Killer:
    """Starts the watcher again and again, and kills it each time."""

    folder: Path
    dice: random.Random
    kills: int = 0
    orphans: list[int] = field(default_factory=list)
    """Page readers that outlived the watcher they belonged to."""
    over: threading.Event = field(default_factory=threading.Event)

    def __call__(self) -> None:
        while not self.over.is_set():
            with Program(self.folder) as program:
                match self.dice.choice(("starts", "watching", "watching", "visited", "visited")):
                    case "starts":
                        self.over.wait(self.dice.uniform(0.2, 0.7))
                    case said:  # some get further than others, however slow the machine is
                        program.until(f"event={said}")
                        self.over.wait(self.dice.uniform(0.0, 1.2))
                children = [pid for pid in family(program.process.pid) if pid != program.process.pid]
                program.kill()
                self.kills += 1
                assert program.lines("Traceback") == []
            self.orphans += [pid for pid in children if not gone(pid)]


def gone(pid: int) -> bool:
    """Whether a process ends by itself within some seconds."""
    for _ in range(200):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


class Watched:
    """What can be seen of a store from outside while it is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.acknowledged: set[str] = set()
        """Every capture that was ever there."""

    def told(self) -> list[tuple[str, str]]:
        try:
            with Ledger.open(self.folder / "store") as ledger:
                return [(event.kind, event.entry.title if event.entry else "") for event in ledger.events()]
        except StoreError:
            return []  # it is not there yet

    def look(self) -> None:
        """Remember what is there now."""
        with Ledger.open(self.folder / "store") as ledger:
            self.acknowledged |= {capture.id for capture in ledger.captures()}

    def baselines(self) -> bool:
        """Whether something is known of every site: whatever happens from then on is news."""
        try:
            with Ledger.open(self.folder / "store") as ledger:
                return len({name for name, _ in ledger.entries()}) == PLAY.sites
        except StoreError:
            return False

    def explained(self) -> str:
        """What is believed, what waits, and what today's rules make of the captures: to find out why something was not
        told. The store is still there, too."""
        lines = [str(self.folder), *map(str, self.told())]
        with Ledger.open(self.folder / "store") as ledger:
            for site in ledger.sites():
                notes = load(ledger.state(site).roster.notes)
                told = {
                    "visits": notes.visits,
                    "complete": notes.complete,
                    "settled": notes.settled,
                    "rule": notes.rule,
                }
                lines.append(f"{site}: {told}\n  {notes.flips}\n  {notes.flutter}\n  {notes.absences}")
            lines += [f"{one.id} {one.visit} {one.target} {one.verdict} {one.why}" for one in ledger.captures()][-40:]
        return "\n".join([*lines, run(self.folder, "replay", "--dry-run").stdout])


def wait_until(meanwhile: Future[None], what: Callable[[], bool], *why: object) -> None:
    deadline = time.monotonic() + 90
    while not what():
        if meanwhile.done():
            meanwhile.result()
        if time.monotonic() > deadline:
            pytest.fail("\n".join([one.explained() if isinstance(one, Watched) else repr(one) for one in why]))
        time.sleep(0.2)


@pytest.mark.timeout(300)
def test_nothing_is_lost_and_nothing_told_twice(tmp_path: Path) -> None:
    harmed, calm = Watched(tmp_path / "harmed"), Watched(tmp_path / "calm")
    with Stage(PLAY) as stage:
        for one in (harmed, calm):
            one.folder.mkdir()
            sites = {f"s{number}": urls for number, urls in enumerate(stage.mirrors)}
            write(one.folder, stage.proxy_url, sites, each=EACH, more=HURRY)
        killer = Killer(harmed.folder, random.Random(4))
        with Program(calm.folder) as undisturbed, ThreadPoolExecutor(1) as aside:
            killing = aside.submit(killer)
            until = partial(wait_until, killing)
            try:
                for one in (harmed, calm):
                    until(one.baselines, one)
                for site, act, event in STEPS:
                    stage.act(site, act)
                    for one in (harmed, calm):
                        until(lambda one=one, event=event: event in one.told(), event, harmed, calm)
                    harmed.look()
                until(lambda: killer.kills >= KILLS)
            finally:
                killer.over.set()
            killing.result()
            assert undisturbed.stop() == 0
        last = run(harmed.folder, "check")
        assert last.returncode == 0, last.stderr
    assert killer.kills >= KILLS
    assert killer.orphans == []

    # the same was told, each thing once
    assert Counter(harmed.told()) == Counter(calm.told())
    assert sorted(harmed.told()) == sorted(event for _, _, event in STEPS)

    with Ledger.open(harmed.folder / "store") as ledger:
        # everything that was ever acknowledged is there, byte for byte, and was concluded
        captures = {capture.id: capture for capture in ledger.captures()}
        assert harmed.acknowledged <= captures.keys()
        assert all(ledger.page(name).body for name, capture in captures.items() if not capture.is_miss)
        assert ledger.unrecorded_visits() == ()
        assert {capture.verdict for capture in captures.values()} <= {"listing", "detail", "error", "timeout"}
        events = {event.id: event for event in ledger.events()}

    # every alert arrived, under the same key however often
    alerts = alert_lines(harmed.folder / "alerts.jsonl", most_torn=killer.kills)
    assert {alert["idempotency_key"] for alert in alerts} == events.keys()
    for alert in alerts:
        assert alert["id"] == alert["idempotency_key"]
        assert alert["kind"] == events[alert["id"]].kind
        assert alert["checkpoint"].startswith("local\n")

    # and the log holds together
    verified = run(harmed.folder, "verify", "store", "--json")
    assert verified.returncode == 0, [one for one in json_lines(verified.stdout) if not one["ok"]]


def alert_lines(path: Path, *, most_torn: int) -> list[dict[str, Any]]:
    """The alerts in a file; a kill may have torn a line, never swallowed the next one."""
    alerts, torn = [], 0
    for line in path.read_text().splitlines():
        try:
            alerts.append(json.loads(line))
        except json.JSONDecodeError:
            torn += 1
    assert torn <= most_torn
    return alerts

"""The hostile servers of the catalogue beside healthy sites, through the real program: nothing falls over, the healthy
sites' events are exact, memory is bounded, and nothing but the proxy is ever reached.

python -m tests.stories.test_hostile_world FOLDER     what the test runs inside the namespace
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from tests.edge.test_guard import TRACE, endpoints, needs
from tests.hostile.servers import CATALOGUE, named
from tests.hostile.test_catalogue import fits
from tests.props.stage import Play, Stage, opening
from tests.stories.program import Memory, Program, objects, write
from watcher.records import MISS_VERDICTS, PAGE_VERDICTS
from watcher.testing.scene import Publish, Victim, Withdraw

MIB = 1024 * 1024
MOST_BYTES = 400 * MIB
HEAVY = frozenset({"endless", "heavy", "codings", "bodies"})
"""Groups that need minutes of processor time together: ``python -m benchmarks.hostile`` has them all, at default
limits, and ``tests/hostile`` each alone."""
PLAYED = tuple(item for item in CATALOGUE if item.group not in HEAVY)
PLAY = Play(sites=4, victims=8, per_page=5, hostile=tuple(item.name for item in PLAYED))
POLICY = '[policy]\nconfirm_visits = 2\nconfirm_after = "0s"\nconfirm_gap = "1s"\n[[alert]]\nto = "file:alerts.jsonl"\n'
COMER = Victim(slug="comer", title="HEALTHY NEWCOMER FOODS")
HEALTHY_EVERY, HOSTILE_EVERY, TIMEOUT = "2s", "12s", "10s"
HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\u3164]")
"""What of a title must never reach a terminal, a log or a file raw."""
VISITED = re.compile(r"event=visited\b.*?\bsite=(\S+)")


def site_of(name: str) -> str:
    return name.replace(".", "-")


EACH = re.compile(r'(name = "([a-z0-9-]+)"\n.*\nevery = ")[^"]*"')


def every(site: str) -> str:
    """How often a site is looked at."""
    return HEALTHY_EVERY if site.startswith("healthy") else HOSTILE_EVERY


def look(folder: Path, stage: Stage, *, before: list[str]) -> int:
    """Some rounds over all of them, while something happens on the healthy sites; the most bytes that it took."""
    sites = {f"healthy{number}": urls for number, urls in enumerate(stage.mirrors)}
    sites |= {site_of(name): [url] for name, url in stage.hostile.items()}
    path = write(folder, stage.proxy_url, sites, each=f'every = "{HOSTILE_EVERY}"', more=POLICY, timeout=TIMEOUT)
    path.write_text(EACH.sub(lambda found: found[1] + every(found[2]) + '"', path.read_text()))
    gone = opening(PLAY, 1).victims[2]
    with Program(folder, before=before) as program, Memory(program.process) as memory:
        healthies = [site for site in sites if site.startswith("healthy")]
        wait_for_visits(program, healthies, 3)
        stage.act(0, Publish((COMER,)))
        stage.act(1, Withdraw((gone.slug,)))
        program.until("event=listed", COMER.title, seconds=90)
        program.until("event=withdrawn", gone.title, seconds=90)
        wait_for_visits(program, sites, 1)
        wait_for_visits(program, sites, 2, share=0.6)
        assert program.stop(seconds=30) == 0
        log = "".join(program.said)
    assert "Traceback" not in log
    assert HIDDEN.findall(log) == []
    told = {(one["site"], one["kind"], one["entry"]["title"]) for one in objects(folder, "events")
            if one["site"].startswith("healthy")}  # fmt: skip
    assert told == {("healthy0", "listed", COMER.title), ("healthy1", "withdrawn", gone.title)}
    return memory.most_bytes


def wait_for_visits(program: Program, sites: Collection[str], times: int, share: float = 1.0) -> None:
    """Until such a share of them was visited so many times."""
    start, seen = 0, Counter[str]()
    while sum(seen[site] >= times for site in sites) < share * len(sites):
        program.until("event=visited", start=start, seconds=90)
        fresh = program.said[start:]
        start += len(fresh)
        seen.update(found[1] for line in fresh if (found := VISITED.search(line)))


def judge_captures(folder: Path) -> None:
    """Each hostile server brought the verdict of the catalogue at its first visit, unless there was no time for it."""
    visits: dict[str, list[dict[str, Any]]] = {}
    for one in objects(folder, "captures"):
        assert one["verdict"] in MISS_VERDICTS | PAGE_VERDICTS | {""}
        mine = visits.setdefault(one["site"], [])
        if one["target"] == "listing" and (not mine or mine[0]["visit"] == one["visit"]):
            mine.append(one)
    assert len(visits) == len(PLAYED) + PLAY.sites
    late = []
    for item in PLAYED:
        first = visits[site_of(item.name)][-1]
        no_time = first["verdict"] == "timeout" or "cut:deadline" in first["why"]
        assert first["verdict"] == item.verdict or no_time, item.name
        late += [item.name] if first["verdict"] != item.verdict else []
    assert len(late) <= len(PLAYED) // 10, late


def judge_requests(report: dict[str, Any]) -> None:
    """Nothing was asked for that is not to be asked for, and nobody else was asked."""
    for name, requests in report["hostile"].items():
        item = named(name)
        allowed = [f"GET {path}" for path in (item.path, *item.may_ask)]
        assert [one for one in requests if not any(fits(one, path) for path in allowed)] == [], name
    assert [host for host in report["hosts"] if not host.endswith((".onion", "stranger.example"))] == []


def judge_what_leaves(folder: Path) -> None:
    """Titles that act are inert in every form in which they leave the program."""
    alerts = (folder / "alerts.jsonl").read_text()
    assert COMER.title in alerts
    for text in (alerts, *(said(folder, *words) for words in (["entries"], ["events"], ["status"], ["captures"]))):
        assert HIDDEN.findall(text) == []


def said(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "watcher", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=60).stdout


def survive(folder: Path) -> None:
    """All of it, under a tracer."""
    trace = folder / "trace"
    with Stage(PLAY) as stage:
        most = look(folder, stage, before=["strace", "-D", "--seccomp-bpf", *TRACE, "-o", str(trace)])
        judge_requests(stage.report())
        host, port = stage.proxy_url.removeprefix("socks5://").split(":")
    assert endpoints(trace.read_text()) == {(host, int(port))}
    assert 60 * MIB < most <= MOST_BYTES, f"{most / MIB:.0f} MiB"
    judge_captures(folder)
    judge_what_leaves(folder)
    print(f"{most / MIB:.0f} MiB")


@pytest.mark.timeout(300)
@pytest.mark.namespace
def test_a_hostile_world_is_survived(tmp_path: Path) -> None:
    """In a network namespace that has only ``lo``, under a tracer."""
    needs("unshare", "ip", "strace")
    inside = [sys.executable, "-m", __name__, str(tmp_path)]
    command = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *inside]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    survive(Path(sys.argv[1]))

"""``status``, ``entries``, ``events``, ``captures`` and ``show`` over a real store: exact output, JSON key by key."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.seed import BODY, EVIL, HOSTILE, LATER, MIRROR, START, believe, fill
from tests.core.looks import Watching
from watcher.core.moments import rfc3339
from watcher.edge.store import LedgerStore
from watcher.records import Capture

AT, LATER_AT = rfc3339(START), rfc3339(LATER)
SEEN = rfc3339(LATER + timedelta(seconds=1.5))
"""When the last visit was over."""
SHOWN_EVIL = "\\u{1b}[31m=Evil\\u{202e}proc\\u{7} [bold]Ltd[/bold] xxxxxxxxx…"


@pytest.fixture
def captures(tmp_path: Path) -> tuple[Capture, ...]:
    return fill(tmp_path)


def objects(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def no_hidden(text: str) -> bool:
    return not any(unicodedata.category(one) in {"Cc", "Cf", "Cs"} for one in text if one != "\n")


COMMANDS = [["status"], ["entries"], ["events"], ["captures"], ["show", "clop/evil"], ["show", "e2evil"]]


@pytest.mark.parametrize("as_json", [[], ["--json"]])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_captured_byte_acts(run: Run, captures: tuple[Capture, ...], command: list[str], as_json: list[str]) -> None:
    result = run(*command, *as_json)
    assert result.exit_code == 0
    assert result.stdout
    assert no_hidden(result.stderr)
    assert no_hidden(result.stdout)


def test_json_keeps_the_whole_title(run: Run, captures: tuple[Capture, ...]) -> None:
    (entry,) = [one for one in objects(run("entries", "--json").stdout) if one["key"] == "evil"]
    assert entry["title"] == HOSTILE


def test_status(run: Run, captures: tuple[Capture, ...]) -> None:
    clop, quiet = objects(run("status", "--json").stdout)
    assert clop == {
        "site": "clop",
        "target": "listing",
        "verdict": "listing",
        "last_visit": SEEN,
        "last_complete": SEEN,
        "next_visit": rfc3339(LATER + timedelta(minutes=15)),
        "listed": 1,
        "misses_in_a_row": 0,
        "every_seconds": 900,
        "because": "the configuration says so",
        "paused_until": None,
        "paused_by": "",
        "mirrors": [
            {"url": MIRROR, "verdict": "listing", "last_visit": SEEN},
            {"url": "http://second.example/", "verdict": "", "last_visit": None},
        ],
    }
    assert quiet == {
        "site": "quiet",
        "target": "listing",
        "verdict": "",
        "last_visit": None,
        "last_complete": None,
        "next_visit": None,
        "listed": 0,
        "misses_in_a_row": 0,
        "every_seconds": 900,
        "because": "the configuration says so",
        "paused_until": None,
        "paused_by": "",
        "mirrors": [{"url": "http://quiet.example/", "verdict": "", "last_visit": None}],
    }


def test_status_for_people(run: Run, captures: tuple[Capture, ...]) -> None:
    head, clop, quiet = run("status").stdout.splitlines()
    assert head.split() == [
        "SITE",
        "TARGET",
        "VERDICT",
        "LISTED",
        "LAST",
        "VISIT",
        "LAST",
        "COMPLETE",
        "NEXT",
        "MISSES",
        "MIRRORS",
    ]
    assert clop.startswith("clop   listing  listing       1  ")
    assert clop.endswith("       0      1/2")
    assert quiet.split() == ["quiet", "listing", "–", "0", "–", "–", "–", "0", "0/1"]


def test_status_says_who_goes_unchecked(run: Run, tmp_path: Path, captures: tuple[Capture, ...]) -> None:
    async def plan(when: datetime) -> None:
        async with LedgerStore.open(tmp_path / "snapshots", vantage="local") as store:
            await store.schedule("clop", when)

    asyncio.run(plan(datetime.now(UTC) - timedelta(minutes=10)))
    assert run("status").stderr == ""
    asyncio.run(plan(datetime.now(UTC) - timedelta(hours=3)))
    assert run("status").stderr == (
        "watcher: 1 of 2 unchecked for more than two intervals: is `watcher run` running? `watcher doctor` says more\n"
    )


def test_entries(run: Run, captures: tuple[Capture, ...]) -> None:
    velmora, evil = objects(run("entries", "--json").stdout)
    assert velmora == {
        "site": "clop",
        "key": "velmora",
        "title": "Velmora Logistics",
        "url": f"{MIRROR}velmora",
        "fields": {"status": "new"},
        "standing": "withdrawn",
        "first_seen": AT,
        "last_seen": AT,
        "missing_since": LATER_AT,
        "withdrawn_at": LATER_AT,
        "aliases": ["V****** L********"],
    }
    assert (evil["key"], evil["standing"], evil["withdrawn_at"]) == ("evil", "listed", None)


def test_entries_for_people(run: Run, captures: tuple[Capture, ...]) -> None:
    first, then = "2026-11-22 15:04Z", "2026-11-22 15:19Z"
    assert run("entries", "--match", "VELMORA").stdout == (
        "SITE  STANDING   TITLE              FIRST SEEN         LAST SEEN          WITHDRAWN          KEY\n"
        f"clop  withdrawn  Velmora Logistics  {first}  {first}  {then}  velmora\n"
    )
    assert f"clop  listed    {SHOWN_EVIL}  2026-11-22 15:04Z" in run("entries", "--standing", "listed").stdout


@pytest.mark.parametrize(
    ("flags", "keys"),
    [
        ([], ["velmora", "evil"]),
        (["--site", "clop"], ["velmora", "evil"]),
        (["--site", "quiet"], []),
        (["--standing", "withdrawn"], ["velmora"]),
        (["--standing", "missing"], []),
        (["--match", "logistics"], ["velmora"]),
        (["--match", "nothing like it"], []),
    ],
)
def test_which_entries(run: Run, captures: tuple[Capture, ...], flags: list[str], keys: list[str]) -> None:
    result = run("entries", "--json", *flags)
    assert (result.exit_code, [one["key"] for one in objects(result.stdout)]) == (0, keys)


def test_events(run: Run, captures: tuple[Capture, ...]) -> None:
    first, evil, site = objects(run("events", "--json").stdout)
    assert first == {
        "id": "e1velmora",
        "kind": "withdrawn",
        "site": "clop",
        "entry": {
            "key": "velmora",
            "title": "Velmora Logistics",
            "url": f"{MIRROR}velmora",
            "fields": {"status": "new"},
        },
        "not_before": AT,
        "not_after": LATER_AT,
        "confirmed_at": LATER_AT,
        "before": captures[0].id,
        "after": captures[1].id,
        "why": ["absent-from-listing:3", "detail-offline"],
        "watchlist": ["Velmora"],
        "vantage": "local",
    }
    assert evil["entry"]["title"] == EVIL.title
    assert (site["kind"], site["entry"]) == ("recovered", None)


def test_events_for_people(run: Run, captures: tuple[Capture, ...]) -> None:
    head, velmora, evil, site = run("events").stdout.splitlines()
    assert head.split("  ")[0] == "CONFIRMED"
    columns = [part.strip() for part in velmora.split("  ") if part.strip()]
    assert columns == [
        "2026-11-22 15:19:05Z",
        "withdrawn",
        "clop",
        "Velmora Logistics",
        "2026-11-22 15:04:05 … 15:19:05Z",
        "absent-from-listing:3, detail-offline",
        "e1velmora",
    ]
    assert SHOWN_EVIL in evil
    assert "recovered  clop  –" in site


@pytest.mark.parametrize(
    ("flags", "ids"),
    [
        (["--kind", "withdrawn"], ["e1velmora"]),
        (["--kind", "seized"], []),
        (["--site", "quiet"], []),
        (["--since", "2026-11-22T15:19Z"], ["e1velmora", "e2evil", "e3site"]),
        (["--since", "2026-11-23"], []),
        (["--since", "9999d"], None),
    ],
)
def test_which_events(run: Run, captures: tuple[Capture, ...], flags: list[str], ids: list[str] | None) -> None:
    result = run("events", "--json", *flags)
    if ids is None:
        assert result.exit_code == 2
    else:
        assert (result.exit_code, [one["id"] for one in objects(result.stdout)]) == (0, ids)


def test_captures(run: Run, captures: tuple[Capture, ...]) -> None:
    first, second, miss = objects(run("captures", "--json").stdout)
    assert {name: first[name] for name in ("id", "site", "target", "url", "mirror", "status", "verdict", "why")} == {
        "id": captures[0].id,
        "site": "clop",
        "target": "listing",
        "url": MIRROR,
        "mirror": MIRROR,
        "status": 200,
        "verdict": "listing",
        "why": ["rule"],
    }
    assert (first["requested_at"], first["finished_at"]) == (AT, rfc3339(START + timedelta(seconds=1.5)))
    assert (first["complete"], first["body_bytes"], second["stored_bytes"]) == (True, len(BODY), 0)
    assert (first["vantage"], first["leaf"]) == ("local", 0)
    assert (miss["status"], miss["body_digest"], miss["verdict"], miss["why"][0]) == (
        None,
        None,
        "unreachable",
        "socks:F2",
    )


def test_captures_for_people(run: Run, captures: tuple[Capture, ...]) -> None:
    head, first, _, miss = run("captures").stdout.splitlines()
    assert head.split() == ["REQUESTED", "SITE", "TARGET", "VERDICT", "STATUS", "BODY", "NEW", "TOOK", "ID", "URL"]
    assert "listing  listing         200  39 B" in first
    assert "clop  listing  unreachable       –   0 B" in miss
    assert miss.endswith(f"3.0 s  {captures[2].id}  {MIRROR}")


def test_captures_since(run: Run, captures: tuple[Capture, ...]) -> None:
    found = objects(run("captures", "--json", "--since", "2026-11-22T15:10Z").stdout)
    assert [one["id"] for one in found] == [capture.id for capture in captures[1:]]


@pytest.mark.parametrize("command", ["entries", "events", "captures"])
def test_an_unknown_site(run: Run, captures: tuple[Capture, ...], command: str) -> None:
    result = run(command, "--site", "clob")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == 'watcher: there is no site "clob"\n  mend: did you mean "clop"?\n'


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", ""])
@pytest.mark.parametrize("command", ["events", "captures"])
def test_a_time_that_is_none(run: Run, captures: tuple[Capture, ...], command: str, text: str) -> None:
    result = run(command, "--since", text)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"watcher: '{text}' is no time\n  mend: write 2026-11-22, 2026-11-22T15:04Z, or so long ago: 2h, 3d\n"
    )


def test_following(tmp_path: Path) -> None:
    """What is recorded while somebody follows is printed, once; what was there before comes first."""
    fill(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "watcher", "events", "--follow", "--json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    shown = [json.loads(process.stdout.readline())["id"] for _ in range(3)]
    again(tmp_path)
    shown.append(json.loads(process.stdout.readline())["id"])
    process.terminate()
    rest, _ = process.communicate(timeout=30)
    assert (shown, rest) == (["e1velmora", "e2evil", "e3site", "e4again"], "")


def again(folder: Path) -> None:
    """One more event, as a running watcher would record it."""
    import asyncio

    from tests.cli import seed

    async def work() -> None:
        at = LATER + timedelta(hours=1)
        async with LedgerStore.open(folder / "snapshots", vantage="local", now=lambda: at) as store:
            capture = await seed._visit(store, at, seed._page(at))
            event = seed._event("e4again", "relisted", seed.VELMORA, capture, capture)
            await seed._record(store, capture, at, (seed.VELMORA, seed.EVIL), (event,))

    asyncio.run(work())


# ---------------------------------------------------------------------------------------------------- show


def test_show_a_capture(run: Run, captures: tuple[Capture, ...]) -> None:
    (value,) = objects(run("show", captures[0].id, "--json").stdout)
    assert (value["id"], value["facts"], value["isolation"]) == (captures[0].id, {"boot_id": "b"}, "clop-0")
    assert [entry["key"] for entry in value["reading"]["entries"]] == ["velmora", "evil"]
    assert run("show", captures[0].id[:-1], "--json").stdout.count("\n") == 1


def test_show_a_miss(run: Run, captures: tuple[Capture, ...]) -> None:
    shown = run("show", captures[2].id).stdout
    assert "status: –\nverdict: unreachable\nwhy: socks:F2, the introduction failed: the onion is down\n" in shown
    assert "facts:\n  socks_reply: F2\n" in shown


def test_show_an_event(run: Run, captures: tuple[Capture, ...]) -> None:
    assert run("show", "e1").stdout == (
        "id: e1velmora\nkind: withdrawn\nsite: clop\nentry:\n  key: velmora\n  title: Velmora Logistics\n"
        f"  url: {MIRROR}velmora\n  fields:\n    status: new\nnot_before: {AT}\nnot_after: {LATER_AT}\n"
        f"confirmed_at: {LATER_AT}\nbefore: {captures[0].id}\nafter: {captures[1].id}\n"
        "why: absent-from-listing:3, detail-offline\nwatchlist: Velmora\nvantage: local\n"
    )


@pytest.mark.parametrize("name", ["velmora", "clop/velmora"])
def test_show_an_entry(run: Run, captures: tuple[Capture, ...], name: str) -> None:
    (value,) = objects(run("show", name, "--json").stdout)
    assert (value["key"], value["standing"]) == ("velmora", "withdrawn")


@pytest.mark.parametrize("name", ["zzz", "", "c123", "quiet/velmora"])
def test_show_what_is_not_there(run: Run, captures: tuple[Capture, ...], name: str) -> None:
    result = run("show", name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f'watcher: there is no capture, event or entry "{name}"\n  mend: ')


def test_show_what_may_be_several(run: Run, captures: tuple[Capture, ...]) -> None:
    result = run("show", "e")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == 'watcher: "e" may be e1velmora, e2evil, e3site\n  mend: write more of it\n'


def test_the_body_byte_for_byte(run: Run, tmp_path: Path, captures: tuple[Capture, ...]) -> None:
    assert run("show", "--body", captures[0].id).stdout_bytes == BODY
    result = run("show", "--body", captures[0].id, "-o", "page.html")
    assert (result.exit_code, result.stdout) == (0, "")
    assert (tmp_path / "page.html").read_bytes() == BODY


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--body", "e1"], "watcher: only a capture has a body\n"),
        (["--body", "clop/velmora"], "watcher: only a capture has a body\n"),
        (["e1", "-o", "x"], "watcher: -o says where the body goes\n  mend: add --body\n"),
        (["--body", "{miss}"], "watcher: this is a miss: no body came\n"),
    ],
)
def test_no_body(run: Run, captures: tuple[Capture, ...], flags: list[str], told: str) -> None:
    result = run("show", *(flag.format(miss=captures[2].id) for flag in flags))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(told)


def test_nothing_was_kept_yet(run: Run, tmp_path: Path) -> None:
    (tmp_path / "watcher.toml").write_text("")
    for command in ("entries", "events", "captures"):
        result = run(command)
        assert (result.exit_code, result.stdout) == (0, "")
        assert (
            result.stderr == "watcher: nothing was visited yet; `watcher check` does it once, `watcher run` goes on\n"
        )
    assert run("show", "x").exit_code == 2


# ------------------------------------------------------------------------------------------------- missing, not told


@pytest.fixture
def missing(captures: tuple[Capture, ...], tmp_path: Path) -> str:
    """The store, with another site that lacks one of its entries since two looks; and that entry's key."""
    site = Watching()
    site.looks(2, "ABCDEFGH")
    site.look("ABDEFGH")
    site.look("ABDEFGH")
    asyncio.run(believe(tmp_path / "snapshots", "clop", site))
    return "calderis clinic"


SENTENCE = "Absent from 2 complete copies in a row; 3 are needed, over at least 30 min."


def test_show_says_what_a_missing_entry_waits_for(run: Run, missing: str) -> None:
    (entry,) = objects(run("show", "--json", f"clop/{missing}").stdout)
    assert (entry["standing"], entry["waits"]) == ("missing", ["visits", SENTENCE])
    assert f"waits: visits, {SENTENCE}\n" in run("show", missing).stdout
    (other,) = objects(run("show", "--json", "clop/arvelo logistics").stdout)
    assert "waits" not in other


def test_missing_entries_are_shown_with_what_they_wait_for(run: Run, missing: str) -> None:
    head, row = run("entries", "--standing", "missing").stdout.splitlines()
    assert re.split(r"  +", head) == ["SITE", "TITLE", "MISSING SINCE", "LOOKS", "NOT TOLD YET"]
    assert re.split(r"  +", row) == ["clop", "Calderis Clinic", "2026-11-01 13:00Z", "2", SENTENCE]


def test_status_says_that_there_are_missing_entries(run: Run, missing: str) -> None:
    assert "1 entry is missing and not told yet; `watcher entries --standing missing` says why" in run("status").stderr


def test_status_says_nothing_of_it_otherwise(run: Run, captures: tuple[Capture, ...]) -> None:
    assert "missing" not in run("status").stderr

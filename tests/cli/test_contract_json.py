"""Every ``--json`` of every command, field by field: what is documented stands there, in its order and of its type, and
nothing else, whatever odd things a site wrote."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from unicodedata import category

import click
import pytest

from tests.cli.conftest import Run
from watcher.cli.main import TABLE, cli
from watcher.core.contract import CAPTURE, ENTRY, EVENT, MIRROR, PUBLISHED, STATUS
from watcher.edge.search import HIT, OR_NULL
from watcher.edge.sign import create_key, load_key
from watcher.edge.store import LedgerStore
from watcher.ports import Origin, Outcome
from watcher.records import (
    MISS_VERDICTS,
    PAGE_VERDICTS,
    Capture,
    Decision,
    Entry,
    Event,
    EventKind,
    Exchange,
    Reading,
    Roster,
    RosterEntry,
    Snapshot,
    StandingName,
)

START = datetime(2026, 11, 22, 15, 4, 5, tzinfo=UTC)
STEP = timedelta(minutes=15)
MIRROR_URL = "http://leak.example/"
ODD = {
    "bidi": "Velmora \u202egnp.exe\u202c \u2066Ltd\u2069",
    "nul": "Zan\x00ster \x1b[31m\x07\x7f\x9b",
    "joined": "\ufeffQuillor\u200b\u200d\U0001f468\u200d\U0001f469\u200d\U0001f467 \u0301\u0301",
    "lines": "Holbeholt\r\n{\"id\": 1}\n\u2028\u2029\x85 & Sons",
    "quotes": "\"Istrin\" \\ '</script>' \\u0041 {{ 7*7 }} %s %(x)s [bold]",
    "long": "Qarn " + "x" * 120_000,
    "arabic": "شركة \u0627\u0644\u0646\u0648\u0631 \u05d0\u05d1",
    "empty": "",
    "astral": "\U00010348\U0010ffff\ufffe\uffff",
    "../a b?c#d%00/\u202e": "Key like a path",
}  # fmt: skip
"""Keys and titles as no honest site writes them."""
STANDINGS: dict[str, StandingName] = {"nul": "missing", "bidi": "withdrawn", "lines": "withdrawn"}
CONFIG = f"""\
[watcher]
vantage = "test"
[[site]]
name = "odd"
mirrors = ["{MIRROR_URL}", "http://second.example/"]
[[site]]
name = "unseen"
mirrors = ["http://unseen.example/"]
every = "adaptive"
"""
ENTRIES = {
    key: Entry(
        key=key, title=title, url="" if key == "empty" else MIRROR_URL + "x", fields={"status": title, "\u202e": ""}
    )
    for key, title in ODD.items()
}
Seen = tuple[str, tuple[Entry, ...]]
ALL = tuple(ENTRIES.values())
STORY: tuple[Seen, ...] = (("listing", ALL), ("empty", ()), ("unreachable", ()), ("listing", ALL[3:]), ("listing", ALL))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd")
    (folder / "watcher.toml").write_text(CONFIG)
    create_key(folder / "watcher.key", "test")
    asyncio.run(_fill(folder / "snapshots"))
    (folder / "list.html").write_text(
        f"<ul>{''.join(f'<li><a href=/{n}>Firm {n} Ltd</a></li>' for n in range(5))}</ul>"
    )
    (folder / "blank.html").write_text("<p>nothing</p>")
    return folder


@pytest.fixture
def here(told: Path, tmp_path: Path) -> Path:
    shutil.copytree(told, tmp_path, dirs_exist_ok=True)
    return tmp_path


async def _fill(folder: Path) -> None:
    captures: list[Capture] = []
    async with LedgerStore.open(folder, vantage="test", now=lambda: START + len(STORY) * STEP) as store:
        for number, (verdict, entries) in enumerate(STORY):
            at = START + number * STEP
            visit = f"odd@{at:%Y-%m-%dT%H:%M:%S.%fZ}"
            captures += await store.keep(Origin(site="odd", target="listing", visit=visit), [_exchange(at, verdict)])
            capture, is_miss = captures[-1], verdict == "unreachable"
            reading = Reading(verdict=verdict, why=(ODD["nul"],), complete=not is_miss, entries=entries)
            snapshot = Snapshot(
                site="odd", visit=visit, mirror=MIRROR_URL, vantage="test", taken_at=at,
                finished_at=capture.finished_at, verdict=verdict, complete=not is_miss, entries=entries,
                captures=(capture.id,), isolation="",
            )  # fmt: skip
            last = number == len(STORY) - 1
            decision = Decision(roster=_roster(captures), events=tuple(_events(captures)) if last else ())
            await store.record(
                Outcome(visit=visit, site="odd", readings={} if is_miss else {capture.id: reading}, snapshot=snapshot,
                        decision=decision, memory=b"")
            )  # fmt: skip


def _exchange(at: datetime, verdict: str) -> Exchange:
    if verdict == "unreachable":
        return Exchange(url=MIRROR_URL, mirror=MIRROR_URL, requested_at=at, finished_at=at + STEP / 90, verdict=verdict,
                        why=("socks:F2", ODD["bidi"]))  # fmt: skip
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 8\r\n\r\n"
    return Exchange(url=MIRROR_URL, mirror=MIRROR_URL, requested_at=at, finished_at=at + STEP / 90, status=200,
                    request=b"GET / HTTP/1.1\r\n\r\n", response=head + b"\x00\xff<p>\xe2\x80\xae")  # fmt: skip


def _roster(captures: list[Capture]) -> Roster:
    entries = {}
    for key, entry in ENTRIES.items():
        standing = STANDINGS.get(key, "listed")
        entries[key] = RosterEntry(
            key=key, title=entry.title, url=entry.url, fields=entry.fields, standing=standing, first_seen=START,
            last_seen=START + STEP, seen_in=captures[0].id,
            missing_in=None if standing == "listed" else captures[-1].id,
            missing_since=None if standing == "listed" else START + 2 * STEP,
            withdrawn_at=START + 3 * STEP if standing == "withdrawn" else None, aliases=(ODD["bidi"], ODD["long"]),
        )  # fmt: skip
    return Roster(site="odd", entries=entries)


def _events(captures: list[Capture]) -> Iterator[Event]:
    for number, kind in enumerate(get_args(EventKind)):
        is_of_site = kind not in {"listed", "changed", "renamed", "withdrawn", "relisted"}
        yield Event(
            id=f"e{number:016x}", kind=kind, site="odd", entry=None if is_of_site else ALL[number % len(ALL)],
            not_before=START, not_after=START + STEP, confirmed_at=START + 4 * STEP,
            before=None if kind == "listed" else captures[0].id, after=None if is_of_site else captures[3].id,
            why=("absent-from-listing:3", ODD["lines"]), watchlist=(ODD["quotes"],), vantage="test",
            changes={"title": ("", ODD["astral"])} if kind == "changed" else {},
            was=ODD["nul"] if kind == "renamed" else "",
        )  # fmt: skip


# ----------------------------------------------------------------------------------- what is documented, as types

Check = Callable[[Any], bool]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def text(value: Any) -> bool:
    return isinstance(value, str)


def time(value: Any) -> bool:
    return text(value) and TIME.fullmatch(value) is not None and datetime.fromisoformat(value).tzinfo is UTC


def count(value: Any) -> bool:
    return type(value) is int and value >= 0


def flag(value: Any) -> bool:
    return type(value) is bool


def digest(value: Any) -> bool:
    return text(value) and re.fullmatch("[0-9a-f]{64}", value) is not None


def one_of(*values: str) -> Check:
    return lambda value: value in values


def null_or(check: Check) -> Check:
    return lambda value: value is None or check(value)


def texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(text, value))


def table(value: Any) -> bool:
    return isinstance(value, dict) and all(map(text, value.values()))


def of(shape: dict[str, Check]) -> Check:
    """Just these keys, in this order."""
    return lambda value: list(value) == list(shape) and all(check(value[name]) for name, check in shape.items())


def list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


VERDICT = one_of(*PAGE_VERDICTS, *MISS_VERDICTS)
SHOWN: dict[str, Check] = {"key": text, "title": text, "url": text, "fields": table}
EVENT_SHAPE: dict[str, Check] = {
    "id": text, "kind": one_of(*get_args(EventKind)), "site": text, "entry": null_or(of(SHOWN)), "not_before": time,
    "not_after": time, "confirmed_at": time, "before": null_or(text), "after": null_or(text), "why": texts,
    "watchlist": texts, "vantage": text,
}  # fmt: skip
ENTRY_SHAPE: dict[str, Check] = {
    "site": text, **SHOWN, "standing": one_of(*get_args(StandingName)), "first_seen": time, "last_seen": time,
    "missing_since": null_or(time), "withdrawn_at": null_or(time), "aliases": texts,
}  # fmt: skip
CAPTURE_SHAPE: dict[str, Check] = {
    "id": text, "site": text, "target": text, "url": text, "mirror": text, "requested_at": time, "finished_at": time,
    "status": null_or(count), "verdict": null_or(VERDICT), "why": texts, "complete": flag,
    "body_digest": null_or(digest), "body_bytes": count, "stored_bytes": count, "leaf": null_or(count), "vantage": text,
    "visit": text, "cut": one_of("", "length", "chunked", "reset", "limit", "deadline"), "foreign": flag,
}  # fmt: skip
STATUS_SHAPE: dict[str, Check] = {
    "site": text, "target": text, "verdict": null_or(text), "last_visit": null_or(time), "last_complete": null_or(time),
    "next_visit": null_or(time), "listed": count, "misses_in_a_row": count, "every_seconds": null_or(count),
    "because": text, "paused_until": null_or(time), "paused_by": text,
    "mirrors": list_of(of({"url": text, "verdict": null_or(text), "last_visit": null_or(time)})),
}  # fmt: skip
READ_SHAPE: dict[str, Check] = {
    "verdict": VERDICT, "why": texts, "complete": flag, "entries": list_of(of(SHOWN)),
    "rule": null_or(lambda rule: isinstance(rule, dict) and {"entry", "title"} <= set(rule)),
}  # fmt: skip
VERIFY_SHAPE: dict[str, Check] = {"check": text, "ok": flag, "detail": text}
SIDE = {"label": text, "url": text, "time": null_or(time), "verdict": null_or(text), "entries": count}


def as_event(value: Any) -> bool:
    more = {"changed": {"changes": lambda changes: all(map(list_of(text), changes.values()))}, "renamed": {"was": text}}
    return of({**EVENT_SHAPE, **more.get(value["kind"], {})})(value)


def as_hit(value: Any) -> bool:
    return list(value) == list(HIT) and {name for name in value if value[name] is None} <= OR_NULL


COMMANDS: list[tuple[str, Check, int]] = [
    ("status", of(STATUS_SHAPE), 2),
    ("entries", of(ENTRY_SHAPE), len(ODD)),
    ("entries --standing missing", of(ENTRY_SHAPE), 1),
    ("entries --match nothing", of(ENTRY_SHAPE), 0),
    ("events", as_event, len(get_args(EventKind))),
    ("events --site unseen", as_event, 0),
    ("captures", of(CAPTURE_SHAPE), len(STORY)),
    ("captures --since 2026-11-22T16:00Z", of(CAPTURE_SHAPE), 1),
    ("search Velmora", as_hit, len(ODD)),
    ("search nothing", as_hit, 0),
    ("show e0000000000000003", as_event, 1),
    ("show odd/long", of(ENTRY_SHAPE), 1),
    ("show nul", of({**ENTRY_SHAPE, "waits": lambda waits: texts(waits) or text(waits)}), 1),
    ("show CAPTURE", lambda value: of(CAPTURE_SHAPE)({name: value[name] for name in CAPTURE_SHAPE}), 1),
    ("read list.html", of(READ_SHAPE), 1),
    ("read blank.html", of(READ_SHAPE), 1),
    ("read list.html --site odd", of(READ_SHAPE), 1),
    ("learn list.html list.html", of(READ_SHAPE), 1),
    ("learn blank.html", of(READ_SHAPE), 1),
    ("diff CAPTURE list.html", lambda value: all(of(SIDE)(value[one]) for one in ("old", "new")), 1),
    ("replay --dry-run", lambda value: value["replay"] in {"anew", "no-longer"}, -1),
    ("verify snapshots", of(VERIFY_SHAPE), -1),
    ("verify list.html", of(VERIFY_SHAPE), 1),
    ("log", of({"size": count, "root": digest, "checkpoints": count, "signed": count, "signed_at": null_or(time),
                "stamped": count}), 1),
    ("log prove 1", lambda value: count(value["index"]) and isinstance(value["record"], dict), 1),
    ("log timestamp", of({}), 0),
    ("prune --keep 1s --dry-run", of({"before": time, "bodies": list_of(digest), "captures": count,
                                      "stored_bytes": count, "dry_run": flag}), 1),
    ("ingest pages --site odd", of(CAPTURE_SHAPE), 1),
    ("export --capture CAPTURE -o x.wacz --no-pictures", of({
        "path": text, "bytes": count, "package": text, "events": texts, "captures": texts, "pictures": count,
        "hidden": count}), 1),
    ("doctor", of({**VERIFY_SHAPE, "mend": text}), -1),
]  # fmt: skip


def asked(run: Run, here: Path, args: str) -> str:
    (here / "pages").mkdir(exist_ok=True)
    shutil.copy(here / "list.html", here / "pages" / "2026-01-01.html")
    (capture, *_) = (json.loads(line)["id"] for line in run("captures", "--json").stdout.splitlines())
    result = run(*(capture if word == "CAPTURE" else word for word in args.split()), "--json")
    assert result.exit_code in {0, 1}, result.stderr
    assert "Traceback" not in result.stderr
    return result.stdout


@pytest.mark.parametrize(("args", "check", "number"), COMMANDS, ids=[args for args, _, _ in COMMANDS])
def test_each_line_is_one_object_as_documented(args: str, check: Check, number: int, run: Run, here: Path) -> None:
    output = asked(run, here, args)
    lines = output.removesuffix("\n").split("\n") if output else []
    assert len(lines) == number if number >= 0 else True
    for line in lines:
        value = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
        assert check(value), json.dumps(value)[:3000]
        assert "\\ud" not in line.replace("\\\\", ""), "half a letter"
        assert not {category(letter) for letter in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_every_command_that_speaks_json_is_asked() -> None:
    speak = {
        name
        for name in TABLE
        if any(one.name == "as_json" for one in (cli.get_command(click.Context(cli), name) or cli).params)
    }
    assert speak - {args.split()[0] for args, _, _ in COMMANDS} == {"check"}  # it needs a world: test_watching


def test_the_documented_keys_are_those_of_the_contract_in_their_order() -> None:
    """docs/reference-json.md shows an object for each; what this file checks is what stands there."""
    page = (Path(__file__).parents[2] / "docs" / "reference-json.md").read_text()
    shown = {
        name: json.loads(block) for name, block in re.findall(r"^## (\w+)$.*?```json\n(.*?)```", page, re.M | re.S)
    }
    shapes = {"event": EVENT_SHAPE, "entry": ENTRY_SHAPE, "capture": CAPTURE_SHAPE, "status": STATUS_SHAPE,
              "read": READ_SHAPE, "verify": VERIFY_SHAPE}  # fmt: skip
    assert list(shown) == list(shapes)
    assert [name for name, value in shown.items() if not of(shapes[name])(value)] == []
    assert [list(EVENT), ["site", *ENTRY], list(CAPTURE), list(STATUS)] == [
        list(shown[name]) for name in ("event", "entry", "capture", "status")
    ]
    assert (list(PUBLISHED), len(MIRROR)) == (list(SHOWN), 3)


# --------------------------------------------------------------------------------------- what the values say


def objects(run: Run, *args: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(*args, "--json").stdout.split("\n")[:-1]]


def test_what_a_site_wrote_comes_back_letter_for_letter(run: Run, here: Path) -> None:
    found = {one["key"]: one for one in objects(run, "entries")}
    assert {key: one["title"] for key, one in found.items()} == ODD
    for key, title in ODD.items():
        assert (found[key]["fields"], found[key]["aliases"]) == (
            {"status": title, "\u202e": ""},
            [ODD["bidi"], ODD["long"]],
        )
    (changed,) = objects(run, "events", "--kind", "changed")
    assert changed["changes"] == {"title": ["", ODD["astral"]]}
    (renamed,) = objects(run, "events", "--kind", "renamed")
    assert (renamed["was"], renamed["why"][1], renamed["watchlist"]) == (ODD["nul"], ODD["lines"], [ODD["quotes"]])
    for key, title in ODD.items():
        (whole,) = objects(run, "show", f"odd/{key}")
        assert (whole["key"], whole["title"]) == (key, title)


def test_null_says_what_it_must(run: Run, here: Path) -> None:
    for capture in objects(run, "captures"):
        is_miss = capture["verdict"] in MISS_VERDICTS
        assert (capture["status"] is None, capture["body_digest"] is None) == (is_miss, is_miss)
        assert capture["requested_at"] <= capture["finished_at"]
        assert capture["visit"].startswith("odd@")
    for entry in objects(run, "entries"):
        assert (entry["missing_since"] is None) == (entry["standing"] == "listed")
        assert (entry["withdrawn_at"] is None) == (entry["standing"] != "withdrawn")
        assert entry["first_seen"] <= entry["last_seen"] <= (entry["missing_since"] or "9")
    for event in objects(run, "events"):
        assert event["not_before"] <= event["not_after"] <= event["confirmed_at"]
        assert (event["entry"] is None) == (
            event["kind"] not in {"listed", "changed", "renamed", "withdrawn", "relisted"}
        )
        assert (event["before"] is None) == (event["kind"] == "listed")
    seen, unseen = objects(run, "status")
    assert seen["listed"] == len(ODD) - len(STANDINGS)
    assert [one["url"] for one in seen["mirrors"]] == [MIRROR_URL, "http://second.example/"]
    nothing = ("last_visit", "last_complete", "next_visit", "paused_until")
    assert {name: unseen[name] for name in nothing} == dict.fromkeys(nothing)
    assert (unseen["verdict"], unseen["listed"], seen["every_seconds"], unseen["every_seconds"]) == ("", 0, 900, 900)


def test_lists_come_oldest_first_and_the_same_each_time(run: Run, here: Path) -> None:
    for command, at in (("captures", "requested_at"), ("events", "confirmed_at"), ("entries", "first_seen")):
        first = run(command, "--json").stdout
        assert [run(command, "--json").stdout for _ in range(2)] == [first] * 2
        moments = [json.loads(line)[at] for line in first.split("\n")[:-1]]
        assert moments == sorted(moments)
    whole = run("captures", "--json").stdout.splitlines(keepends=True)
    since = json.loads(whole[2])["requested_at"]
    assert run("captures", "--json", "--since", since).stdout == "".join(whole[2:])  # that moment is taken in
    kinds = [run("events", "--json", "--kind", kind).stdout for kind in get_args(EventKind)]
    assert sorted("".join(kinds).splitlines()) == sorted(run("events", "--json").stdout.splitlines())


def test_entries_by_standing_are_parts_of_the_whole(run: Run, here: Path) -> None:
    parts = {standing: objects(run, "entries", "--standing", standing) for standing in get_args(StandingName)}
    assert {
        standing: sorted(one["key"] for one in part) for standing, part in parts.items() if standing != "listed"
    } == {
        "missing": ["nul"],
        "withdrawn": ["bidi", "lines"],
    }
    assert sum(map(len, parts.values())) == len(objects(run, "entries"))


def test_a_bundle_of_odd_things_verifies_and_says_so_line_by_line(run: Run, here: Path) -> None:
    named = [word for capture in objects(run, "captures") for word in ("--capture", capture["id"])]
    made = run("export", *named, "-o", "x.wacz", "--no-pictures", "--json")
    assert made.exit_code == 0, made.stderr
    value = json.loads(made.stdout)
    assert value["bytes"] == (here / "x.wacz").stat().st_size
    assert sorted(value["captures"]) == sorted(named[1::2])
    checks = objects(run, "verify", "x.wacz", "--key", load_key(here / "watcher.key").vkey)
    assert checks
    assert [one for one in checks if not one["ok"]] == []

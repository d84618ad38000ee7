"""Exit codes, command by command, as the contract names them: a run for each, and what is said where it is refused."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result
from cryptography.hazmat.primitives import serialization

from tests.cli.conftest import Run
from tests.evidence.keeping import play_withdrawal
from tests.evidence.story import KEY
from watcher.cli.kit import Command
from watcher.cli.main import TABLE, cli
from watcher.core.onion import address
from watcher.edge.lock import Lock
from watcher.edge.sign import NAME_LINE, create_key
from watcher.testing.process import PracticeProcess

PROGRAM = [sys.executable, "-m", "watcher"]
ELSEWHERE = f"http://{address(bytes(32))}/"
"""An onion that no proxy knows."""
CONFIG = """\
[[site]]
name = "gang"
mirrors = ["http://gang.example/"]
[[site]]
name = "quiet"
mirrors = ["http://quiet.example/"]
"""
LIST = (
    "<ul>"
    + "".join(f"<li><a href='/{name}'>{name} Ltd</a></li>" for name in ("Velmora", "Zanster", "Quillor"))
    + "</ul>"
)
Prepare = Callable[[Path], object]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store in which something was withdrawn, its key, a list of sites, pages and a bundle's place."""
    folder = tmp_path_factory.mktemp("played")
    asyncio.run(play_withdrawal(folder / "snapshots"))
    pem = KEY.secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "watcher.key").touch(mode=0o600)
    (folder / "watcher.key").write_bytes(f"{NAME_LINE}{KEY.origin}\n".encode() + pem)
    (folder / "watcher.toml").write_text(CONFIG)
    (folder / "list.html").write_text(LIST)
    (folder / "other.html").write_text(LIST.replace("Zanster", "Holbeholt"))
    (folder / "plain.html").write_text("<p>nothing repeats here</p>")
    (folder / "groups.json").write_text(json.dumps([{"name": "New", "locations": [{"slug": "http://new.example/"}]}]))
    return folder


@pytest.fixture
def here(played: Path, tmp_path: Path) -> Path:
    shutil.copytree(played, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture(scope="module")
def ids(played: Path) -> dict[str, str]:
    """An event and two captures of the store, by the names that the tables call them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(played)
        event = _objects(_invoke("events", "--kind", "withdrawn", "--json"))[0]
    return {"EVENT": event["id"], "BEFORE": event["before"], "AFTER": event["after"]}


def _invoke(*args: str) -> Result:
    from click.testing import CliRunner

    return CliRunner().invoke(cli, args, prog_name="watcher", catch_exceptions=False)


def _objects(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def named(args: str, ids: dict[str, str]) -> list[str]:
    """The words of a command line; the names of things in the store are what they are called there."""
    return [ids.get(word, "" if word == "''" else word) for word in args.split()]


def refused(result: Result, *says: str) -> None:
    """Nothing on stdout; on stderr what is wrong and its mend, each on one line, and no traceback."""
    assert result.stdout == ""
    told = result.stderr
    assert "Traceback" not in told
    assert told.endswith("\n")
    assert all(line.isprintable() for line in told.splitlines()), told
    assert all(word in told for word in says), told
    if "Usage: " in told:  # click says what may be asked
        assert re.fullmatch(r"Usage: watcher .*\nTry 'watcher .*--help' for help\.\n\nError: .*\n", told), told
    elif "; nothing was started" not in told and " fault" not in told:
        assert re.search(r"^watcher: \S.*\n  mend: \S.*\n\Z", told, re.MULTILINE), told


# ------------------------------------------------------------------------------------------- what ends well

ENDS: list[tuple[str, int, str]] = [
    # what it is asked, its code, what stands on stdout
    ("status", 0, "gang"),
    ("status --json", 0, '"site": "quiet"'),
    ("entries", 0, "Velmora"),
    ("entries --match nothing-of-that-name", 0, ""),
    ("entries --match (", 0, ""),
    ("entries --site quiet --json", 0, ""),
    ("events --json", 0, '"kind": "withdrawn"'),
    ("events --since 2999-01-01", 0, ""),
    ("events --since 0001-01-01", 0, "withdrawn"),
    ("events --site quiet --format csv", 0, '"id","kind"'),
    ("captures --json", 0, '"verdict": "listing"'),
    ("captures --site quiet", 0, ""),
    ("search Velmora", 0, "Velmora"),
    ("search nothing-of-that-name", 1, ""),
    ("search Velmora --since 2999-01-01 --json", 1, ""),
    ("search NEAR( --json", 1, ""),
    ("show EVENT", 0, "withdrawn"),
    ("show BEFORE --body", 0, "<!doctype html>"),
    ("read list.html --json", 0, '"entries": [{'),
    ("read plain.html --json", 0, '"entries": []'),
    ("read /dev/null", 0, "empty-body"),
    ("learn list.html list.html", 0, "[site.rule]"),
    ("learn plain.html --json", 1, '"rule": null'),
    ("diff BEFORE BEFORE", 0, "no difference"),
    ("diff BEFORE AFTER", 1, "Velmora"),
    ("diff BEFORE AFTER --json", 1, '"by": "entries"'),
    ("diff BEFORE AFTER --format html", 1, "<!doctype html>"),
    ("diff BEFORE AFTER --by source --format unified", 1, "---"),
    ("diff list.html list.html --by source", 0, "no difference"),
    ("diff list.html other.html --by text", 1, "Holbeholt"),
    ("replay", 0, ""),
    ("replay --dry-run --json", 0, ""),
    ("replay --site quiet", 0, ""),
    ("log", 0, "leaves"),
    ("log checkpoint", 0, KEY.origin),
    ("log prove 1", 0, '"index": 1'),
    ("log timestamp --json", 0, ""),
    ("import groups.json", 0, "[[site]]"),
    ("pause gang --for 2h", 0, "gang is not looked at until"),
    ("prune --keep 3650d", 0, "nothing that is older"),
    ("prune --keep 1s --dry-run --json", 0, '"dry_run": true'),
    ("init elsewhere", 0, "elsewhere"),
    ("verify snapshots", 0, "snapshots: valid"),
    (f"verify snapshots --json --key {KEY.vkey}", 0, '"ok": true'),
    ("verify list.html", 1, "FAILED"),
    ("verify list.html --json", 1, '"ok": false'),
    ("doctor --json", 1, '"check": "proxy"'),
]


@pytest.mark.parametrize(("args", "code", "shown"), ENDS, ids=[args for args, _, _ in ENDS])
def test_what_was_asked_ends_with_its_code(
    args: str, code: int, shown: str, run: Run, here: Path, ids: dict[str, str]
) -> None:
    result = run(*named(args, ids))
    assert result.exit_code == code, result.stderr
    assert shown in result.stdout if shown else not result.stdout
    assert "Traceback" not in result.stderr
    if "--json" in args or "--format json" in args:
        assert all(isinstance(one, dict) for one in _objects(result))


def test_another_key_is_not_valid_and_a_changed_byte_neither(run: Run, here: Path, ids: dict[str, str]) -> None:
    assert run("export", ids["EVENT"], "-o", "v.wacz", "--no-pictures").exit_code == 0
    create_key(here / "other.key", KEY.origin)
    (other,) = [one for one in run("init", "b", "--vantage", "b").stdout.split() if one.startswith("b+")]
    wrong_key = run("verify", "v.wacz", "--key", other, "--json")
    assert wrong_key.exit_code == 1
    assert [check["check"] for check in _objects(wrong_key) if not check["ok"]]
    whole = (here / "v.wacz").read_bytes()
    for at in range(100, len(whole), len(whole) // 6):
        (here / "v.wacz").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert run("verify", "v.wacz").exit_code == 1, at
    (here / "v.wacz").write_bytes(whole[:-100])
    assert run("verify", "v.wacz").exit_code == 1
    (here / "v.wacz").write_bytes(whole)
    assert run("verify", "v.wacz").exit_code == 0


def test_a_store_that_was_tampered_with_is_not_valid(run: Run, here: Path) -> None:
    import sqlite3

    with sqlite3.connect(here / "snapshots" / "ledger.db") as ledger:
        ledger.execute("UPDATE capture SET requested = requested + 1 WHERE n = 3")
    ledger.close()
    result = run("verify", "snapshots", "--json")
    assert result.exit_code == 1
    assert [one["check"] for one in _objects(result) if not one["ok"]] == ["leaves"]


# ------------------------------------------------------------------------------------------- what is refused

SITES = "there is no site"
REFUSED: list[tuple[str, str]] = [
    ("init", "watcher.toml is there already"),
    ("init list.html", "File exists"),
    ("init /proc/nowhere", "No such file"),
    ("init a b", "unexpected extra argument"),
    ("check nope", SITES),
    ("check ''", SITES),
    ("check", "the proxy 127.0.0.1:9050 does not answer"),
    ("check --json", "does not answer"),
    ("status x", "unexpected extra argument"),
    ("status -c nowhere.toml", "nowhere.toml: No such file or directory"),
    ("status -c .", "Is a directory"),
    ("entries --site nope", SITES),
    ("entries --standing gone", "'listed', 'missing', 'withdrawn'"),
    ("events --site gagn", 'did you mean "gang"?'),
    ("events --kind removed", "'withdrawn'"),
    ("events --since 999999999w", "'999999999w' is no time"),
    ("events --since 9999-12-31T23:59-23:59", "is no time"),
    ("events --since 2026-02-30 --json", "is no time"),
    ("events --format csv --json", "take one of them out"),
    ("events --format stix --follow", "take one of them out"),
    ("captures --since -1d", "is no time"),
    ("captures --site nope --json", SITES),
    ("search", "Missing argument"),
    ("search ''", "there is no word to look for"),
    ("search * --json", "there is no word to look for"),
    ("search Velmora --site nope", SITES),
    ("show nope --json", "there is no capture, event or entry"),
    ("show %", "there is no capture, event or entry"),
    ("show c", "write more of it"),
    ("show EVENT --body", "only a capture has a body"),
    ("show BEFORE -o out", "add --body"),
    ("show BEFORE --body -o /nowhere/out", "No such file or directory"),
    ("show BEFORE --body -o snapshots", "is a directory"),
    ("read nowhere.html", "No such file or directory"),
    ("read snapshots", "is a directory"),
    ("read list.html --site nope", SITES),
    ("read list.html --url ftp://leak.example/", "ftp:// cannot be watched"),
    ("read list.html --url http://[ --json", "this is no address"),
    ("learn", "Missing argument"),
    ("learn nowhere.html", "is no file and no capture"),
    ("learn snapshots", "Is a directory"),
    ("learn ftp://leak.example/", "ftp:// cannot be watched"),
    ("learn http://gang.example/", "does not answer"),
    ("learn list.html nowhere --json", "is no file and no capture"),
    ("diff BEFORE", "Missing argument"),
    ("diff BEFORE nowhere --json", "is no file, no capture"),
    ("diff gang@soon BEFORE", "is no time"),
    ("diff gang@1999-01-01 BEFORE", "is no file, no capture"),
    ("diff nope@2026-01-01 BEFORE", "is no file, no capture"),
    ("diff snapshots snapshots", "is no file, no capture"),
    ("diff BEFORE AFTER --by names", "'entries', 'text', 'source'"),
    ("replay --site nope", SITES),
    ("replay --since soon --dry-run", "is no time"),
    ("export EVENT", "Missing option '-o'"),
    ("export -o x.wacz", "nothing is named"),
    ("export nope -o x.wacz", "there is no event nope"),
    ("export EVENT -o /nowhere/x.wacz", "there is no folder /nowhere"),
    ("export EVENT -o snapshots", "is a folder"),
    ("export --capture nope -o x.wacz", "nope"),
    ("export --site quiet -o x.wacz", "quiet"),
    ("export --site gang --since 2999-01-01 -o x.wacz", "there is nothing to export"),
    ("export --site gang --since soon -o x.wacz", "is no time"),
    ("ingest list.html", "Missing option '--site'"),
    ("ingest nowhere --site gang", "No such file or directory"),
    ("ingest watcher.key --site gang", "this is no WARC file"),
    ("ingest /dev/null --site gang", "there is no page in it"),
    ("import nowhere", "No such file or directory"),
    ("import snapshots", "Is a directory"),
    ("import list.html", "there is no site in it"),
    ("import watcher.toml", "this is no JSON"),
    ("verify", "Missing argument"),
    ("verify nowhere", "nowhere cannot be read"),
    ("verify snapshots --key nope", "NAME+ID+KEY"),
    ("verify snapshots --key a+00000000+AAAA --json", "not an Ed25519 key"),
    ("verify snapshots --tsa-roots snapshots", "snapshots"),
    ("verify snapshots --tsa-roots watcher.key", "no certificate"),
    ("log nope", "'head', 'checkpoint', 'prove', 'timestamp'"),
    ("log prove", "a leaf is named to be proved"),
    ("log prove 4711", "there is no leaf 4711"),
    ("log prove 99999999999999999999", "there is no leaf 99999999999999999999"),
    ("log prove one", "is not a valid integer"),
    ("log head 1", "a leaf is named to be proved"),
    ("prune", "Missing option '--keep'"),
    ("prune --keep soon", "is no length of time"),
    ("prune --keep 0s", "everything would go"),
    ("prune --keep 999999999w --json", "is longer than ten years"),
    ("pause", "Missing argument"),
    ("pause nope", SITES),
    ("pause gang nope", SITES),
    ("pause gang --for 0s", "that is over at once"),
    ("pause gang --for 999999999w", "is longer than ten years"),
    ("resume gang", "no site is paused"),
    ("resume", "Missing argument"),
    ("index --once", "[fleet]"),
    ("index", "[fleet]"),
    ("serve x", "unexpected extra argument"),
    ("run x", "unexpected extra argument"),
    ("run", "does not answer"),
    ("demo list.html", "is a file"),
    ("demo .", "is not empty"),
    ("practice list.html", "is a file"),
    ("doctor -c nowhere.toml", "No such file or directory"),
]


@pytest.mark.parametrize(("args", "says"), REFUSED, ids=[args for args, _ in REFUSED])
def test_what_cannot_be_done_is_2_and_told_with_its_mend(
    args: str, says: str, run: Run, here: Path, ids: dict[str, str]
) -> None:
    before = sorted(path.name for path in here.iterdir())
    result = run(*named(args, ids))
    assert result.exit_code == 2, result.output
    refused(result, says)
    assert sorted(path.name for path in here.iterdir()) == before


def test_every_code_that_a_command_names_was_seen() -> None:
    """Those that no table here holds end in a process of their own, or with a world to look at: below, or named."""
    seen = {(args.split()[0], code) for args, code, _ in ENDS} | {(args.split()[0], 2) for args, _ in REFUSED}
    said = set()
    for name in TABLE:
        command = cli.get_command(click.Context(cli), name)
        assert isinstance(command, Command)
        said |= {(name, int(code)) for code, _ in command.exits}
    elsewhere = {
        ("check", 0), ("check", 1), ("serve", 2), ("status", 2), ("export", 0), ("resume", 0), ("ingest", 0),  # below
        ("run", 0), ("doctor", 0),  # test_watching, test_doctor
        ("serve", 0), ("index", 0),  # test_serving, tests/fleet
        ("demo", 0), ("practice", 0),  # test_terminal, tests/stories
        ("replay", 1),  # test_what_is_said
    }  # fmt: skip
    assert said - seen - elsewhere == set()
    assert (seen | elsewhere) - said == set()


# --------------------------------------------------------------------------------- where the folder is at fault


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A folder with one fault, and which commands tell it in which words."""

    prepare: Prepare
    says: str
    commands: tuple[str, ...]
    well: tuple[str, ...] = field(default=())
    """Commands that it does not concern."""


def replaced(name: str, data: bytes) -> Prepare:
    def prepare(folder: Path) -> None:
        away(name)(folder)
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o600)

    return prepare


def away(name: str) -> Prepare:
    return lambda folder: shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink()


def a_folder(name: str) -> Prepare:
    return lambda folder: (away(name)(folder), (folder / name).mkdir())


def locked(folder: Path) -> None:
    pem = KEY.secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    )
    replaced("watcher.key", f"{NAME_LINE}{KEY.origin}\n".encode() + pem)(folder)


def misnamed(folder: Path) -> None:
    text = (folder / "watcher.key").read_text()
    (folder / "watcher.key").write_text(text.replace(KEY.origin, "two words"))


LOOKING = (
    "status",
    "entries",
    "events --json",
    "captures",
    "show x",
    "replay",
    "log",
    "log prove 1",
    "diff BEFORE AFTER",
)
OWNING = ("check", "prune --keep 1d", "ingest list.warc --site gang")
SIGNING = ("check", "prune --keep 1d", "export EVENT -o x.wacz", "pause gang", "resume gang")
BROKEN = {
    "the store is a file": Broken(
        prepare=replaced("snapshots", b"x"), says="snapshots", commands=(*LOOKING, *OWNING, "search Velmora")
    ),
    "the ledger is no database": Broken(
        prepare=replaced("snapshots/ledger.db", b"garbage" * 999),
        says="file is not a database",
        commands=(*LOOKING, *OWNING, "search Velmora", "verify snapshots", "learn BEFORE", "export EVENT -o x.wacz"),
    ),
    "the ledger is cut": Broken(
        prepare=lambda folder: os.truncate(folder / "snapshots" / "ledger.db", 9000),
        says="database disk image is malformed",
        commands=(*LOOKING, *OWNING, "search Velmora", "verify snapshots --json"),
    ),
    "the ledger was never finished": Broken(
        prepare=replaced("snapshots/ledger.db", b""), says="was never finished", commands=(*LOOKING, "verify snapshots")
    ),
    "the key is a folder": Broken(
        prepare=a_folder("watcher.key"), says="[watcher] key", commands=SIGNING, well=("status", "verify snapshots")
    ),
    "the key is no key": Broken(
        prepare=replaced("watcher.key", b"garbage"),
        says="holds no signing key",
        commands=SIGNING,
        well=("log", "events"),
    ),
    "the key is empty": Broken(prepare=replaced("watcher.key", b""), says="holds no signing key", commands=SIGNING),
    "the key is locked with a password": Broken(prepare=locked, says="holds no signing key", commands=SIGNING),
    "the key has no name that signs": Broken(prepare=misnamed, says="holds no signing key", commands=SIGNING),
    "the key may be read by others": Broken(
        prepare=lambda folder: (folder / "watcher.key").chmod(0o644), says="chmod 600", commands=SIGNING
    ),
    "there is no store": Broken(
        prepare=away("snapshots"),
        says="yet",
        commands=("log", "export EVENT -o x.wacz", "pause gang"),
        well=("status", "entries --json", "events", "captures", "replay", "prune --keep 1d"),
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_folder_with_a_fault_is_told_by_every_command_that_needs_it(
    what: str, run: Run, here: Path, ids: dict[str, str]
) -> None:
    (here / "list.warc").write_bytes(b"WARC/1.1\r\n")
    broken = BROKEN[what]
    broken.prepare(here)
    for args in broken.commands:
        result = run(*named(args, ids))
        assert result.exit_code == 2, (args, result.output)
        refused(result, broken.says)
        assert not (here / "x.wacz").exists()
    for args in broken.well:
        assert run(*named(args, ids)).exit_code == 0, args


@pytest.mark.parametrize("args", ["check", "prune --keep 1d", "ingest list.html --site gang"])
def test_a_second_process_on_the_store_is_told_who_has_it(args: str, run: Run, here: Path) -> None:
    with Lock.take(here / "snapshots"):
        result = run(*args.split())
    assert result.exit_code == 2
    refused(result, f"(pid {os.getpid()} on ")


NO_OVERRIDE = """
import ctypes, os, sys
for capability in (1, 2):  # DAC_OVERRIDE, DAC_READ_SEARCH: with these root may everything
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-m", "watcher", *sys.argv[1:]])
"""


def test_a_folder_without_rights_is_told_with_the_right_that_is_missing(here: Path) -> None:
    shut = {"snapshots": 0o000, "list.html": 0o000, "w.toml": 0o000, "shut": 0o500, "watcher.key": 0o000}
    (here / "shut").mkdir()
    shutil.copy(here / "watcher.toml", here / "w.toml")
    for name, mode in shut.items():
        (here / name).chmod(mode)
    asked = (
        "entries",
        "check",
        "init shut/new",
        "verify snapshots",
        "read list.html",
        "status -c w.toml",
        "pause gang",
    )
    running = [
        subprocess.Popen([sys.executable, "-c", NO_OVERRIDE, *args.split()], cwd=here, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for args in asked
    ]  # fmt: skip
    for args, process in zip(asked, running, strict=True):
        out, told = process.communicate(timeout=60)
        assert (process.returncode, out) == (2, ""), (args, told)
        assert "ermission denied" in told or "cannot be opened" in told, (args, told)
        assert re.search(r"mend: (give this user the right|name )|name another with `-c FILE`", told), (args, told)
        assert "Traceback" not in told


# ----------------------------------------------------------------------------------- with a world to look at


def test_check_is_0_for_what_answered_1_for_a_miss_and_2_for_trouble_of_ours(run: Run, tmp_path: Path) -> None:
    with PracticeProcess("story") as world:

        def configured(*mirrors: str) -> None:
            blocks = [f'[[site]]\nname = "s{n}"\nmirrors = ["{one}"]\n' for n, one in enumerate(mirrors)]
            (tmp_path / "watcher.toml").write_text(f'[proxy]\nurl = "{world.proxy_url}"\n{"".join(blocks)}')

        configured(world.mirror)
        good = run("check", "--json")
        assert (good.exit_code, good.stderr.count("\n")) == (0, 1)  # the new key is told
        configured(world.mirror, ELSEWHERE)
        missed = run("check", "--json")
        assert missed.exit_code == 1
        assert {one["status"] is None for one in _objects(missed) if "leaf" in one} == {True, False}
        assert run("check", "s0").exit_code == 0
        assert run("check", "s1").exit_code == 1
        (tmp_path / "snapshots").rename(tmp_path / "kept")
        (tmp_path / "snapshots").write_text("")
        trouble = run("check", "--json")
        assert trouble.exit_code == 2
        refused(trouble, "snapshots")


def test_serve_is_2_where_the_address_is_taken_or_none_of_ours(here: Path) -> None:
    with ExitStack() as stack:
        taken = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        for listen, says in ((f"127.0.0.1:{taken.getsockname()[1]}", "in use"), ("192.0.2.1:8080", "192.0.2.1")):
            (here / "watcher.toml").write_text(f'{CONFIG}[web]\nlisten = "{listen}"\ntoken = "{"t" * 16}"\n')
            done = subprocess.run(
                [*PROGRAM, "serve"], cwd=here, capture_output=True, text=True, timeout=30, check=False
            )
            assert (done.returncode, done.stdout) == (2, ""), done.stderr
            assert says in done.stderr
            assert "\n  mend: " in done.stderr
            assert "Traceback" not in done.stderr


def test_what_is_taken_back_and_brought_in_is_0(run: Run, here: Path, ids: dict[str, str]) -> None:
    assert run("pause", "gang", "quiet").exit_code == 0
    assert run("resume", "gang").exit_code == 0
    (here / "pages").mkdir()
    shutil.copy(here / "list.html", here / "pages" / "2026-01-01.html")
    assert run("ingest", "pages", "--site", "gang").exit_code == 0
    assert run("export", ids["EVENT"], "-o", "x.wacz", "--no-pictures", "--json").exit_code == 0
    assert run("verify", "x.wacz").exit_code == 0

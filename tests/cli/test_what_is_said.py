"""Commands over a store, within the process: what each says where there is nothing, where it cannot be, and of tors."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import shutil
import socket
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli import seed
from tests.cli.conftest import Run
from tests.cli.seed import LATER, START
from tests.edge.test_tls import certificate as _certificate
from tests.edge.test_tor_control import control_port
from watcher import config
from watcher.cli import diff
from watcher.cli.tor import until_ready
from watcher.config import Settings
from watcher.core.comparison import Side, compared
from watcher.edge import guard
from watcher.edge.lock import Lock
from watcher.edge.sign import create_key
from watcher.edge.store import LedgerStore
from watcher.edge.tors import FOLDER, PORTS, Reached
from watcher.errors import LeakError, ProxyError
from watcher.records import Capture, Entry

certificate = _certificate


@pytest.fixture
def captures(tmp_path: Path) -> tuple[Capture, ...]:
    return seed.fill(tmp_path)


def objects(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


# --------------------------------------------------------------------------------------------------------- diff


def test_two_captures_by_what_they_were_read_to_say(run: Run, captures: tuple[Capture, ...]) -> None:
    """By id, and by the site and a time; the store's own reading is compared, not a new one."""
    first, second, _ = captures
    by_id = run("diff", first.id, second.id, "--json")
    assert by_id.exit_code == 1
    (found,) = objects(by_id)
    assert isinstance(found["old"], dict)
    assert (found["by"], found["same"]) == ("entries", False)
    assert (found["old"]["label"], found["old"]["verdict"]) == (first.id, "listing")
    (same,) = objects(run("diff", first.id[:9], f"clop@{START + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}", "--json"))
    assert (same["same"], same["entries"]) == (True, [])
    assert run("diff", first.id, first.id).exit_code == 0
    assert run("diff", first.id, second.id, "--by", "source").exit_code == 0, "the bytes are the same"


@pytest.mark.parametrize("form", ["unified", "text"])
def test_a_difference_for_people_and_for_patches(run: Run, tmp_path: Path, form: str) -> None:
    both = (("-", "three weeks"), ("+", "no days"))
    for name, (_, word) in zip(("a.html", "b.html"), both, strict=True):
        (tmp_path / name).write_text(
            f"<html><body><p>It was said.</p><p>There are {word} left until the files of the company go out.</p></html>"
        )
    done = run("diff", "a.html", "b.html", "--by", "text", "--format", form)
    lines = done.stdout.splitlines()
    assert done.exit_code == 1
    assert [line.split()[:2] for line in lines[:2]] == [["---", "a.html"], ["+++", "b.html"]]
    if form == "unified":
        assert lines[-2:] == [
            f"{mark}There are {word} left until the files of the company go out." for mark, word in both
        ]
    else:
        assert "[-three weeks-]" in lines[-1]
        assert "{+no days+}" in lines[-1]
    assert run("diff", "a.html", "a.html", "--by", "text", "--format", "unified").stdout == ""


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("clop@2020-01-01", '"clop@2020-01-01" is no file, no capture and no SITE@TIME of one'),
        ("nobody@2026-11-22", "is no file, no capture and no SITE@TIME of one"),
        ("c", "is no file, no capture and no SITE@TIME of one"),
        ("c000000000", "is no file, no capture and no SITE@TIME of one"),
        ("e1velmora", "is no file, no capture and no SITE@TIME of one"),
        ("clop@yesterdayish", "mend: write 2026-11-22"),
        ("\x1b[2Jx", "is no file, no capture"),
    ],
)
def test_what_names_no_capture_is_told(run: Run, captures: tuple[Capture, ...], source: str, says: str) -> None:
    done = run("diff", captures[0].id, source)
    assert (done.exit_code, done.stdout) == (2, "")
    assert says in done.stderr
    assert "mend:" in done.stderr
    assert "\x1b" not in done.stderr


def test_a_miss_cannot_be_compared(run: Run, captures: tuple[Capture, ...]) -> None:
    done = run("diff", captures[0].id, captures[2].id)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{captures[2].id} is a miss" in done.stderr


class Terminal(io.StringIO):
    """A stream of which somebody looks at each character."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_difference_has_colour_and_nothing_captured_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Terminal()
    monkeypatch.setattr("sys.stdout", shown)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "400")
    hostile = Entry(key="evil", title="\x1b[2J[bold]Evil\u202eproc[/bold]\x07 Ltd")
    old = Side(label="old", entries=(hostile, Entry(key="b", title="Brackenwold")))
    diff.write(compared(old, Side(label="new", entries=(Entry(key="b", title="Brackenwold"),)), "entries"), "text")
    text = shown.getvalue()
    assert "\x1b[31m- removed" in text
    assert "[bold]Evil" in text
    assert not [one for one in ("\x1b[2J", "\x07", "\u202e") if one in text]


# ---------------------------------------------------------------------------------------------------------- log


@pytest.mark.parametrize("what", ["head", "checkpoint", "timestamp", "prove"])
def test_no_log_yet(run: Run, tmp_path: Path, what: str) -> None:
    (tmp_path / "watcher.toml").write_text(seed.CONFIG)
    done = run("log", what, *(["3"] if what == "prove" else []))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "there is no log yet" in done.stderr


def test_a_log_that_nobody_has_signed(run: Run, captures: tuple[Capture, ...]) -> None:
    (head,) = objects(run("log", "--json"))
    assert (head["checkpoints"], head["signed"], head["signed_at"], head["stamped"]) == (0, 0, None, 0)
    assert "checkpoints  none" in run("log").stdout
    done = run("log", "checkpoint")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "no checkpoint was signed yet" in done.stderr
    (proof,) = objects(run("log", "prove", "0"))
    assert (proof["index"], proof["checkpoint"]) == (0, None)
    assert run("log", "prove", "99999").exit_code == 2
    for wrong in (["log", "prove"], ["log", "head", "3"]):
        assert "a leaf is named to be proved" in run(*wrong).stderr


async def signed(folder: Path) -> None:
    key = create_key(folder / "watcher.key", "local")
    async with LedgerStore.open(folder / "snapshots", vantage="local", now=lambda: LATER) as store:
        size, root = await store.head()
        await store.checkpoint(size, str(key.checkpoint(size, root)))
        await store.stamp(size, "http://a.example/", why="it is shut", next_try=LATER + timedelta(hours=1))
        await store.stamp(size, "http://b.example/", why="not for us")
        await store.stamp(size, "http://b.example/", why="still not \x1b[2J for us")


def test_what_was_signed_and_what_authorities_said(run: Run, tmp_path: Path, captures: tuple[Capture, ...]) -> None:
    asyncio.run(signed(tmp_path))
    (head,) = objects(run("log", "--json"))
    (kept,) = objects(run("log", "checkpoint", "--json"))
    assert (kept["size"], kept["note"]) == (head["size"], run("log", "checkpoint").stdout)
    assert (head["checkpoints"], head["signed"], head["stamped"]) == (1, head["size"], 0)
    assert head["signed_at"] == kept["signed_at"] == "2026-11-22T15:19:05.123456Z"
    assert "time-stamps  none" in run("log").stdout
    waiting, off = objects(run("log", "timestamp", "--json"))
    assert (waiting["state"], waiting["tries"], waiting["next_try"]) == ("pending", 1, "2026-11-22T16:19:05.123456Z")
    assert (off["state"], off["tries"], off["next_try"], off["time"]) == ("off", 2, None, None)
    shown = run("log", "timestamp").stdout
    assert [line.split()[1:3] for line in shown.splitlines()[1:]] == [
        ["http://a.example/", "pending"],
        ["http://b.example/", "off"],
    ]
    assert "\x1b" not in shown


@pytest.fixture
def guards(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[guard.Guard]]:
    """The guards that a command puts up, which are taken down again afterwards."""
    up: list[guard.Guard] = []

    class Noted(guard.Guard):
        def __init__(self) -> None:
            super().__init__()
            up.append(self)

    monkeypatch.setattr(guard, "Guard", Noted)
    yield up
    for one in up:
        one.disarm()


def test_authorities_are_asked_through_the_proxy_alone_unless_a_watcher_runs(
    run: Run, tmp_path: Path, captures: tuple[Capture, ...], guards: list[guard.Guard], certificate: Path
) -> None:
    asyncio.run(signed(tmp_path))
    (tmp_path / "watcher.toml").write_text(
        '[proxy]\nurl = "socks5h://127.0.0.1:1"\n[timestamp]\nauthorities = ["http://tsa.example/"]\n'
        f'roots = "roots.pem"\n{seed.CONFIG}'
    )
    shutil.copy(certificate, tmp_path / "roots.pem")
    with Lock.take(tmp_path / "snapshots"):
        done = run("log", "timestamp", "--json")
    assert done.stderr == "watcher: the store is in use: the running watcher asks the authorities\n"
    assert [one["authority"] for one in objects(done)] == ["http://a.example/", "http://b.example/"]
    done = run("log", "timestamp", "--json")
    asked = [one for one in objects(done) if one["authority"] == "http://tsa.example/"]
    assert [one["state"] for one in asked] == ["pending"]
    assert asked[0]["next_try"]
    assert "127.0.0.1:1" in str(asked[0]["why"])
    with socket.socket() as sock, pytest.raises(LeakError):
        sock.connect(("127.0.0.1", 2))
    assert guards[-1].refused == 1


# ------------------------------------------------------------------------------------------------- search, prune


def unindexed(folder: Path) -> None:
    """The store as one of an older form would be taken over: nothing of it can be searched yet."""
    with contextlib.closing(sqlite3.connect(folder / "snapshots" / "ledger.db")) as db:
        for table in ("piece", "stood", "named", "looked"):
            db.execute(f"DELETE FROM {table}")
        db.execute("INSERT INTO words (words) VALUES ('delete-all')")
        db.execute("INSERT INTO unsearched SELECT max(n), -1 FROM capture")
        db.commit()


def test_what_was_kept_before_is_searched_too_by_whoever_holds_the_store(
    run: Run, tmp_path: Path, captures: tuple[Capture, ...]
) -> None:
    unindexed(tmp_path)
    with Lock.take(tmp_path / "snapshots"):
        done = run("search", "velmora", "--json")
    assert "older captures are still being put into the index, by the watcher that runs" in done.stderr
    assert [one for one in objects(done) if one["what"] == "page"] == []
    done = run("search", "velmora", "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    (page,) = [one for one in objects(done) if one["what"] == "page"]
    assert (page["first_capture"], page["last_capture"]) == (captures[0].id, captures[1].id)
    assert run("search", "velmora", "--json").stdout == done.stdout


def test_a_time_or_a_site_that_is_none_is_told_before_anything_is_done(
    run: Run, tmp_path: Path, captures: tuple[Capture, ...]
) -> None:
    unindexed(tmp_path)
    before = (tmp_path / "snapshots" / "ledger.db").read_bytes()
    assert "mend: write 2026-11-22" in run("search", "velmora", "--since", "soon").stderr
    assert (tmp_path / "snapshots" / "ledger.db").read_bytes() == before


def test_nothing_to_prune(run: Run, tmp_path: Path) -> None:
    (tmp_path / "watcher.toml").write_text(seed.CONFIG)
    done = run("prune", "--keep", "90d", "--json")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "watcher: there is no store yet: nothing to prune\n"
    for keep, says in (("0d", "--keep: everything would go"), ("a while", "--keep: ")):
        done = run("prune", "--keep", keep)
        assert done.exit_code == 2
        assert says in done.stderr
        assert "mend: write a length of time: 90d, 12w, 48h" in done.stderr
    assert not (tmp_path / "snapshots").exists()


# ------------------------------------------------------------------------------------------------------- replay


def test_replay_of_nothing_and_of_no_site(run: Run, tmp_path: Path) -> None:
    (tmp_path / "watcher.toml").write_text(seed.CONFIG)
    done = run("replay", "--dry-run")
    assert (done.exit_code, done.stdout) == (0, "")
    seed.fill(tmp_path)
    done = run("replay", "--site", "clpo", "--dry-run")
    assert done.exit_code == 2
    assert "clop" in done.stderr


def test_conclusions_that_would_not_be_drawn_today_are_told(
    run: Run, tmp_path: Path, captures: tuple[Capture, ...]
) -> None:
    """The events of this store are made up: the pages show none of it."""
    done = run("replay", "--dry-run", "--json")
    assert done.exit_code == 1
    told = objects(done)
    assert {(one["id"], one["replay"]) for one in told} >= {("e1velmora", "no-longer")}
    ids = [one["id"] for one in told]
    people = run("replay", "--dry-run", "--site", "clop")
    assert people.exit_code == 1
    assert [line.split()[-1] for line in people.stdout.splitlines()[1:]] == ids
    assert people.stderr.endswith(f"; {len(ids)} conclusions differ\n")
    assert "\x1b" not in people.stdout
    quiet = run("replay", "--dry-run", "--site", "quiet")
    assert (quiet.exit_code, quiet.stdout) == (0, "")
    assert quiet.stderr == "watcher: 0 visits told again; no conclusions differ\n"


# ---------------------------------------------------------------------------------------------------- our own tor


@contextlib.contextmanager
def talking(*methods: str) -> Iterator[list[int]]:
    """Control ports, each with these ways of admittance, for as long as the block lasts."""
    loop = asyncio.new_event_loop()
    ports: list[int] = []
    ready, ended = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with contextlib.AsyncExitStack() as stack:
            ports.extend([await stack.enter_async_context(control_port(one)) for one in methods])
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(10)
        yield ports
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


def managed(folder: Path, ports: Sequence[int], pid: int) -> Settings:
    """Settings with tors of our own, which a process says it keeps behind these control ports."""
    (folder / "watcher.toml").write_text('[proxy]\nurl = "tor"\n' + seed.CONFIG)
    (folder / "snapshots" / FOLDER).mkdir(parents=True, exist_ok=True)
    told = {"pid": pid, "ports": [[1, port] for port in ports]}
    (folder / "snapshots" / FOLDER / PORTS).write_text(json.dumps(told))
    return config.load(folder / "watcher.toml")


def test_tors_that_are_not_ready_are_told_beside_the_status(
    run: Run, tmp_path: Path, captures: tuple[Capture, ...]
) -> None:
    with talking("NULL", "HASHEDPASSWORD") as ports:
        managed(tmp_path, [*ports, 1], os.getpid())
        told = [line for line in run("status").stderr.splitlines() if " our own tor " in line]
    assert told[0].startswith("watcher: our own tor 0: ")
    assert "Connecting" in told[0] or "85" in told[0]
    assert told[1:] == [
        f"watcher: our own tor {number} does not answer: the running watcher starts it again" for number in (1, 2)
    ]
    managed(tmp_path, [1], 0)
    assert "our own tor" not in run("status").stderr, "a watcher that was killed keeps none"


def test_waiting_for_the_tors_of_another_process_says_how_far_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[tuple[int, str]] = []
    with talking("NULL") as ports:
        settings = managed(tmp_path, ports, os.getpid())
        lent = Reached(proxy=settings.proxy, borrowed=((1, ports[0]),), store=settings.store)
        with pytest.raises(ProxyError, match="our own tor does not get ready") as caught:
            asyncio.run(lent.ready(progress=lambda percent, doing: said.append((percent, doing)), stall_seconds=0))
    assert said == [(85, "Connecting")]
    assert caught.value.hint
    asyncio.run(until_ready(Reached(proxy=settings.proxy)))
    assert capsys.readouterr() == ("", ""), "nobody waits for a proxy that is not ours"

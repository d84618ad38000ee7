"""``watcher pause`` and ``watcher resume``, and what shows it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli import seed
from tests.cli.conftest import Run
from watcher.core.pausing import Statement, say
from watcher.edge.ledger import Ledger
from watcher.edge.pause_files import keep, path_of
from watcher.edge.sign import create_key, load_key
from watcher.errors import StoreError
from watcher.testing.process import PracticeProcess


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    seed.fill(tmp_path)
    create_key(tmp_path / "watcher.key", "local")
    return tmp_path


def status(run: Run) -> dict[str, dict[str, Any]]:
    return {one["site"]: one for one in map(json.loads, run("status", "--json").stdout.splitlines())}


def test_a_site_is_paused_and_goes_on(run: Run, folder: Path) -> None:
    assert {one["paused_until"] for one in status(run).values()} == {None}
    result = run("pause", "clop", "quiet", "--for", "2h")
    assert (result.exit_code, result.stderr) == (0, "")
    until = datetime.now(UTC) + timedelta(hours=2)
    for site, one in status(run).items():  # one of the two was never visited
        told = datetime.fromisoformat(one["paused_until"])
        assert until - timedelta(minutes=1) < told <= until
        assert one["paused_by"] == "local"
        assert one["because"] == f"local paused it until {one['paused_until']}"
        assert f"{site} is not looked at until {one['paused_until']}\n" in result.stdout
    result = run("status")
    assert "paused: in 1 h 59 min" in result.stdout
    assert "unchecked" not in result.stderr
    assert run("resume", "clop").stdout == "clop is looked at again\n"
    assert [site for site, one in status(run).items() if one["paused_until"]] == ["quiet"]


@pytest.mark.parametrize(
    ("args", "told", "mend"),
    [
        (["pause", "clob"], 'there is no site "clob"', 'did you mean "clop"?'),
        (["pause", "clop", "--for", "long"], "is no length of time", "write a length of time"),
        (["pause", "clop", "--for", "0s"], "over at once", "write a length of time"),
        (["resume", "clop"], "no site is paused", "`watcher status --json`"),
    ],
)
def test_what_cannot_be_done_is_told(run: Run, folder: Path, args: list[str], told: str, mend: str) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert told in result.stderr
    assert mend in result.stderr


def test_without_a_store_nothing_is_paused(run: Run, folder: Path) -> None:
    (folder / "snapshots").rename(folder / "elsewhere")
    result = run("pause", "clop")
    assert result.exit_code == 2
    assert "there is no store" in result.stderr
    assert "`watcher check` makes it" in result.stderr


def test_in_a_fleet_only_operators_pause(run: Run, folder: Path) -> None:
    index = create_key(folder / "index.key", "overview")
    key = load_key(folder / "watcher.key")
    fleet = f'[fleet]\nservers = ["nats://127.0.0.1:1"]\nvantages = ["{key.vkey}"]\noperators = ["{index.vkey}"]\n'
    (folder / "watcher.toml").write_text(f"{fleet}\n{seed.CONFIG}")
    result = run("pause", "clop")
    assert result.exit_code == 2
    assert "no vantage would heed this" in result.stderr
    assert f'add "{key.vkey}" under [fleet] operators' in result.stderr
    assert not (folder / "snapshots" / "paused").exists()

    (folder / "watcher.toml").write_text(f"{fleet}\n{seed.CONFIG}".replace(index.vkey, f'{index.vkey}", "{key.vkey}'))
    result = run("pause", "clop")
    assert result.exit_code == 0
    assert "for as long as this watcher runs: `watcher run`" in result.stderr
    assert run("resume", "clop").exit_code == 0
    # what another said is taken back there
    other = folder / "other"
    other.mkdir()
    (other / "watcher.toml").write_text(
        f'{fleet}\n[watcher]\nvantage = "overview"\nkey = "{folder}/index.key"\nstore = "{folder}/snapshots"\n'
    )
    result = run("pause", "-c", str(other / "watcher.toml"), "clop")
    assert result.exit_code == 0
    assert "`watcher index`" in result.stderr
    assert status(run)["clop"]["paused_by"] == "overview"
    result = run("resume", "clop")
    assert result.exit_code == 2
    assert "clop was paused by overview" in result.stderr
    assert run("resume", "-c", str(other / "watcher.toml"), "clop").exit_code == 0
    assert status(run)["clop"]["paused_until"] is None


def test_a_running_watcher_heeds_it(tmp_path: Path) -> None:
    """Paused before it starts, a site is not looked at once; it goes on when it may, and the log says when it did not.
    A statement that somebody else laid there is taken away."""
    with PracticeProcess("story") as world:
        (tmp_path / "watcher.toml").write_text(
            f'[proxy]\nurl = "{world.proxy_url}"\n[[site]]\nname = "clop"\nmirrors = ["{world.mirror}"]\n'
            'every = "0.2s"\n'
        )
        (tmp_path / "snapshots").mkdir()
        create_key(tmp_path / "watcher.key", "local")
        program = [sys.executable, "-m", "watcher", "-c", str(tmp_path / "watcher.toml")]
        subprocess.run([*program, "pause", "clop"], check=True, capture_output=True)
        stranger = create_key(tmp_path / "stranger.key", "stranger")
        far = datetime.now(UTC) + timedelta(days=1)
        keep(tmp_path / "snapshots", say(Statement(by="stranger", number=1, until={"clop": far}), stranger.sign))
        with subprocess.Popen([*program, "run"], stderr=subprocess.PIPE, text=True) as running:
            try:
                acts = lambda: [act for act in _acts(tmp_path) if act["act"] == "pause"]  # noqa: E731
                _until(lambda: len(acts()) == 1)
                assert acts()[0]["by"] == "local"
                assert list(acts()[0]["until"]) == ["clop"]
                assert not path_of(tmp_path / "snapshots", "stranger").exists()
                assert _looks(tmp_path) == 0
                subprocess.run([*program, "resume", "clop"], check=True, capture_output=True)
                _until(lambda: _looks(tmp_path) > 1)
                _until(lambda: [act["until"] for act in acts()[1:]] == [{}])
                subprocess.run([*program, "pause", "clop"], check=True, capture_output=True)
                _until(lambda: len(acts()) == 3)
                looks = _looks(tmp_path)
                time.sleep(1.5)
                assert _looks(tmp_path) <= looks + 1  # at most the one that was in flight
            finally:
                running.send_signal(signal.SIGTERM)
            _, told = running.communicate(timeout=30)
        assert running.returncode == 0, told


def _acts(folder: Path) -> list[dict[str, Any]]:
    if not (folder / "snapshots" / "ledger.db").exists():
        return []
    try:
        with Ledger.open(folder / "snapshots") as ledger:
            return [json.loads(row[0]) for row in ledger.connection.execute("SELECT record FROM act ORDER BY leaf")]
    except StoreError:  # not made yet
        return []


def _looks(folder: Path) -> int:
    with Ledger.open(folder / "snapshots") as ledger:
        return len(list(ledger.captures()))


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)

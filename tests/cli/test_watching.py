"""``watcher check`` and ``watcher run`` against the practice site, behind a real SOCKS proxy."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from watcher.core.onion import address
from watcher.edge.lock import Lock
from watcher.edge.sign import load_key
from watcher.testing.process import PracticeProcess

PROGRAM = [sys.executable, "-m", "watcher"]
NOBODY = f"http://{address(bytes(32))}/"
"""An onion that the proxy does not know."""


@pytest.fixture(scope="module")
def world() -> Iterator[PracticeProcess]:
    with PracticeProcess("story") as world:
        yield world


@pytest.fixture
def folder(tmp_path: Path, world: PracticeProcess) -> Path:
    write(tmp_path, world, "clop", world.mirror)
    return tmp_path


def write(folder: Path, world: PracticeProcess, *sites: str, more: str = "") -> None:
    """A configuration with these sites: name, mirror, name, mirror …"""
    blocks = (
        f'[[site]]\nname = "{name}"\nmirrors = ["{url}"]\n' for name, url in zip(sites[::2], sites[1::2], strict=True)
    )
    (folder / "watcher.toml").write_text(f'{more}\n[proxy]\nurl = "{world.proxy_url}"\n{"".join(blocks)}')


def objects(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_check(run: Run, folder: Path) -> None:
    result = run("check")
    assert result.exit_code == 0
    head, clop = result.stdout.splitlines()
    assert head.split() == ["SITE", "VERDICT", "COMPLETE", "ENTRIES", "CAPTURES", "EVENTS", "WHY"]
    assert clop.split()[:3] == ["clop", "listing", "yes"]
    assert result.stderr == (
        f"watcher: made a signing key: {folder}/watcher.key; keep a copy where nobody else reads it; "
        f"public: {load_key(folder / 'watcher.key').vkey}\n"
    )


def test_check_for_programs(run: Run, folder: Path) -> None:
    (capture,) = objects(run("check", "--json").stdout)
    assert (capture["site"], capture["target"], capture["verdict"], capture["status"]) == (
        "clop", "listing", "listing", 200,
    )  # fmt: skip
    (kept,) = objects(run("captures", "--json").stdout)
    assert kept == capture
    (status,) = objects(run("status", "--json").stdout)
    assert (status["verdict"], status["misses_in_a_row"], status["last_visit"]) == (
        "listing",
        0,
        capture["finished_at"],
    )
    assert status["next_visit"] > status["last_visit"]


def test_a_miss_is_1(run: Run, folder: Path, world: PracticeProcess) -> None:
    write(folder, world, "clop", world.mirror, "gone", NOBODY)
    result = run("check", "--json")
    assert result.exit_code == 1
    assert {(one["site"], one["verdict"], one["status"]) for one in objects(result.stdout)} == {
        ("clop", "listing", 200),
        ("gone", "unreachable", None),
    }
    assert run("check", "clop").exit_code == 0
    assert run("check", "gone").exit_code == 1


def test_an_unknown_site(run: Run, folder: Path) -> None:
    result = run("check", "clob")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == 'watcher: there is no site "clob"\n  mend: did you mean "clop"?\n'
    assert not (folder / "snapshots").exists()


def test_no_sites_yet(run: Run) -> None:
    run("init")
    result = run("check")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "there are no sites in" in result.stderr
    assert "mend: add a [[site]] to it" in result.stderr


def test_a_dead_proxy(run: Run, folder: Path) -> None:
    (folder / "watcher.toml").write_text(
        f'[proxy]\nurl = "socks5://127.0.0.1:1"\n[[site]]\nname = "a"\nmirrors = ["{NOBODY}"]\n'
    )
    result = run("check")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "the proxy 127.0.0.1:1 does not answer" in result.stderr
    assert "mend: start tor" in result.stderr
    assert run("captures", "--json").stdout == ""


def test_a_store_in_use(run: Run, folder: Path) -> None:
    run("check")
    with Lock.take(folder / "snapshots"):
        result = run("check")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is in use by another watcher (pid " in result.stderr


def test_a_key_that_others_may_read(run: Run, folder: Path) -> None:
    run("check")
    (folder / "watcher.key").chmod(0o644)
    result = run("check")
    assert result.exit_code == 2
    assert "may be read by others (mode 644)" in result.stderr


class Watcher:
    """``watcher run`` as a process of its own, for as long as the ``with`` block at most."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [*PROGRAM, "run"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.said: list[str] = []

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def until(self, word: str) -> str:
        """The log line that holds the word; all lines are kept."""
        assert self.process.stderr is not None
        while line := self.process.stderr.readline():
            self.said.append(line)
            if word in line:
                return line
        raise AssertionError(f"{word!r} never came: {''.join(self.said)}")

    def stop(self, number: int) -> str:
        """What came on stdout by the end of a clean stop."""
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=30)
        assert self.process.returncode == 0
        return out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_watches_and_stops_clean(run: Run, folder: Path, number: int) -> None:
    with Watcher(folder) as watcher:
        assert "sites=1" in watcher.until("event=watching")
        assert "site=clop verdict=listing complete=true" in watcher.until("event=visited")
        assert watcher.stop(number) == ""
    (capture,) = objects(run("captures", "--json").stdout)
    assert capture["verdict"] == "listing"
    assert run("check").exit_code == 0  # the store was given back


def test_the_file_is_read_again_on_sighup(run: Run, folder: Path, world: PracticeProcess) -> None:
    with Watcher(folder) as watcher:
        watcher.until("event=visited")
        (folder / "watcher.toml").write_text("[watcher]\nstroe = 1\n")
        watcher.process.send_signal(signal.SIGHUP)
        fault = f'{folder}/watcher.toml:2: [watcher] stroe: unknown key; did you mean "store"?\n'
        assert watcher.until("stroe") == fault
        watcher.until("watching goes on with the configuration as it was")
        write(folder, world, "clop", world.mirror, "gone", NOBODY)
        watcher.process.send_signal(signal.SIGHUP)
        assert "sites=2" in watcher.until("configuration read again")
        assert "verdict=unreachable" in watcher.until("site=gone")
        watcher.stop(signal.SIGTERM)


def test_alerts_of_run_are_data(run: Run, folder: Path, world: PracticeProcess) -> None:
    """What ``stdout:`` gets is on stdout; the log is not."""
    write(folder, world, "clop", world.mirror, more='[[alert]]\nto = "stdout:"\n')
    with Watcher(folder) as watcher:
        watcher.until("event=visited")
        assert watcher.stop(signal.SIGTERM) == ""  # a baseline tells of nothing
    assert all(line.startswith(("timestamp=", "watcher: ")) for line in watcher.said)

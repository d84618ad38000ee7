"""``watcher init`` makes three things, or none."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from watcher import config
from watcher.cli.init import TEMPLATE
from watcher.config import Settings
from watcher.edge.sign import load_key


def test_all_three_are_made(run: Run, tmp_path: Path) -> None:
    result = run("init", "deep/w", "--vantage", "berlin-1")
    folder = Path("deep/w")
    key = load_key(folder / "watcher.key")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout == (
        "deep/w/watcher.toml  the configuration: add your sites to it\n"
        "deep/w/watcher.key  the signing key: keep a copy where nobody else reads it\n"
        "deep/w/snapshots  the store\n"
        f"\nWho checks your evidence needs the public key:\n  {key.vkey}\n\n"
        "Next: add a [[site]], then `watcher doctor` and `watcher check`.\n"
    )
    assert key.origin == "berlin-1"
    assert stat.S_IMODE((folder / "watcher.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "watcher.toml").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "snapshots").stat().st_mode) == 0o700
    settings = config.load(folder / "watcher.toml")
    assert (settings.vantage, settings.sites) == ("berlin-1", ())
    assert (settings.key, settings.store) == (tmp_path / folder / "watcher.key", tmp_path / folder / "snapshots")


def test_what_was_made_can_be_looked_at(run: Run) -> None:
    run("init")
    result = run("status")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "there are no sites in" in result.stderr
    assert run("events", "--json").stdout == ""


@pytest.mark.parametrize("there", ["watcher.toml", "watcher.key", "snapshots/ledger.db", "snapshots"])
def test_nothing_is_overwritten(run: Run, tmp_path: Path, there: str) -> None:
    path = tmp_path / there
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    result = run("init")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"watcher: {there} is there already\n  mend: init overwrites nothing: name another folder, or move it\n"
    )
    assert sorted(tmp_path.rglob("*")) == before
    assert path.read_text() == "mine"


def test_a_folder_that_is_no_store_yet_is_taken_and_closed_to_others(run: Run, tmp_path: Path) -> None:
    """As in a checkout of the program, where snapshots/ holds the cases of its tests."""
    (tmp_path / "snapshots" / "cases").mkdir(mode=0o755, parents=True)
    assert run("init").exit_code == 0
    assert (tmp_path / "snapshots").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "snapshots" / "cases").is_dir()


def test_under_another_name(run: Run, tmp_path: Path) -> None:
    assert run("init", "-c", "conf/mine.toml").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "conf").iterdir()) == ["mine.toml", "snapshots", "watcher.key"]
    assert run("status", "-c", "conf/mine.toml").exit_code == 0


@pytest.mark.parametrize("name", ['a"b', "a b", "", "a+b", "-a"])
def test_a_vantage_that_cannot_sign(run: Run, tmp_path: Path, name: str) -> None:
    result = run("init", f"--vantage={name}")
    assert result.exit_code == 2
    assert "the name of the vantage stands in signatures" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("init", "file/x")
    assert result.exit_code == 2
    assert result.stderr.startswith("watcher: file/x: ")
    assert "Traceback" not in result.stderr


FOR_SERVICES = {"digest", "quiet", "timezone", "rate", "template"}
"""Of ``[[alert]]``: the template's goes to a file, which takes none of them; docs/alerts.md has them all."""

FOR_OWN_TORS = {"tors", "bridges", "torrc"}
"""Of ``[proxy]``: the template's is a tor that runs already; docs/tor.md has them all."""


def test_every_key_of_the_template_is_its_default() -> None:
    """What the comments call a default is one; what is commented out loads when it is not."""
    text = TEMPLATE.read_text()
    folder = Path("/w")
    default = config.parse("", folder)
    assert config.parse(text, folder) == default
    whole = re.sub(r"(?m)^#(?=[^ -])", "", text).replace('next = "a.next@href"', "")
    settings = config.parse(whole, folder, environ={"WATCHER_TOKEN": "x" * 16, "FLEET_CREDENTIALS": "local:x"})
    assert isinstance(settings, Settings)
    assert len(settings.sites) == len(settings.alerts) == len(settings.watchlist) == 1
    assert settings.web == config.WebSettings(token="x" * 16)
    told = {match[1] for match in re.finditer(r"(?m)^#?([a-z_]+) = ", text)} | {
        match[1] for match in re.finditer(r"(?m)^#?\[+([a-z.]+)\]+", text)
    }
    for section, keys in config.SECTIONS.items():
        assert section.strip("[]") in told
        assert keys - {"rule", *FOR_SERVICES, *FOR_OWN_TORS} <= told

"""``watcher search`` from outside."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli import seed
from tests.cli.conftest import Run


def test_where_a_name_stood(run: Run, tmp_path: Path) -> None:
    page, later, _ = seed.fill(tmp_path)
    result = run("search", "--json", "VÉLMORA", "logistics")
    assert (result.exit_code, result.stderr) == (0, "")
    entry, listing = map(json.loads, result.stdout.splitlines())
    assert (entry["what"], entry["key"], entry["standing"]) == ("entry", "velmora", "withdrawn")
    assert listing == {
        "what": "page",
        "site": "clop",
        "key": None,
        "title": None,
        "standing": None,
        "target": "listing",
        "url": "http://leak.example/",
        "mirror": "http://leak.example/",
        "first_seen": "2026-11-22T15:04:05.123456Z",
        "last_seen": "2026-11-22T15:19:05.123456Z",
        "first_capture": page.id,
        "last_capture": later.id,
        "excerpt": "velmora logistics",
        "foreign": False,
    }
    result = run("search", "velmora*")
    assert result.exit_code == 0
    assert "2026-11-22 15:04Z  2026-11-22 15:19Z" in result.stdout


def test_nothing_found_is_said_by_the_exit_code(run: Run, tmp_path: Path) -> None:
    assert run("search", "x").exit_code == 2  # no configuration
    (tmp_path / "watcher.toml").write_text(seed.CONFIG)
    assert run("search", "velmora").exit_code == 1  # no store yet
    seed.fill(tmp_path)
    for words in (["nowhere"], ["velmora", "--site", "quiet"], ["velmora", "--since", "2027-01-01"]):
        result = run("search", *words)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == "watcher: found nowhere\n"
    assert run("search", "velmora", "--site", "clpo").exit_code == 2
    assert run("search", "--", "---").exit_code == 2


def test_what_is_found_is_harmless(run: Run, tmp_path: Path) -> None:
    seed.fill(tmp_path)
    for flags in ([], ["--json"]):
        shown = run("search", "evil*", *flags).stdout
        assert "evil" in shown.lower()
        assert not set("\x1b\x07\u202e") & set(shown)

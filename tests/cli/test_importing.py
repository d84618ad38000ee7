"""``watcher import`` from outside."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli import seed
from tests.cli.conftest import Run
from tests.core.test_targets import DEEPDARK, RANSOMWARE_LIVE, A, B
from watcher import config


def test_a_list_becomes_blocks_that_can_be_appended(run: Run, tmp_path: Path) -> None:
    (tmp_path / "watcher.toml").write_text(seed.CONFIG)
    (tmp_path / "groups.json").write_text(json.dumps(RANSOMWARE_LIVE))
    result = run("import", "groups.json")
    assert result.exit_code == 0
    assert "watcher: 2 sites, 2 addresses\nwatcher: 1 more are said to be down: --dead\n" in result.stderr
    with (tmp_path / "watcher.toml").open("a") as file:
        file.write(result.stdout)
    names = [site.name for site in config.load(tmp_path / "watcher.toml").sites]
    assert names == ["clop", "quiet", "velgroup", "ost-sohne"]
    again = run("import", "groups.json")
    assert A not in again.stdout
    assert "left out: 2 watched already" in again.stderr


def test_without_a_configuration(run: Run, tmp_path: Path) -> None:
    (tmp_path / "gangs.md").write_text(DEEPDARK)
    result = run("import", "gangs.md", "--dead")
    assert result.exit_code == 0
    assert B in result.stdout
    assert 'name = "velgroup"  # VELGROUP' in result.stdout


def test_what_cannot_be_read(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xff\xfe\x00")
    for file in ("x", "none", "."):
        result = run("import", file)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "mend: " in result.stderr

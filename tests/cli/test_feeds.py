"""Events in other forms, and what docs/feeds.md shows, run as it stands."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli import seed
from tests.cli.conftest import Run
from tests.core.test_targets import DEEPDARK, RANSOMWARE_LIVE
from tests.core.test_warc_reading import PAGE, record

PAGE_OF_DOCS = (Path(__file__).parent.parent.parent / "docs" / "feeds.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^\$ watcher (.*?)(?:\s{2,}#.*| # .*)?$", PAGE_OF_DOCS, re.MULTILINE)


@pytest.mark.parametrize("line", SHOWN)
def test_every_command_of_the_page_works(line: str, run: Run, tmp_path: Path) -> None:
    seed.fill(tmp_path)
    (tmp_path / "groups.json").write_text(json.dumps(RANSOMWARE_LIVE))
    (tmp_path / "ransomware_gang.md").write_text(DEEPDARK)
    (tmp_path / "crawl.warc.gz").write_bytes(record("response", PAGE))
    (tmp_path / "saved-pages").mkdir()
    (tmp_path / "saved-pages" / "20261122150405.html").write_text("<p>Velmora</p>")
    result = run(*shlex.split(line))
    found_nowhere = line.startswith("search") and "--since" in line
    assert result.exit_code == (1 if found_nowhere and not result.stdout else 0), result.stderr


def test_the_page_shows_every_new_command() -> None:
    assert {line.split()[0] for line in SHOWN} >= {"events", "search", "import", "ingest"}
    assert len(SHOWN) == 10


def test_the_forms_of_events(run: Run, tmp_path: Path) -> None:
    seed.fill(tmp_path)
    stix = json.loads(run("events", "--format", "stix").stdout)
    assert sum(one["type"] == "incident" for one in stix["objects"]) == 3
    assert sum(one["type"] == "observed-data" for one in stix["objects"]) == 2
    misp = json.loads(run("events", "--format", "misp", "--kind", "withdrawn").stdout)
    assert [one["Event"]["info"] for one in misp["response"]] == ["Entry withdrawn: Velmora Logistics (clop)"]
    rows = list(csv.reader(io.StringIO(run("events", "--format", "csv").stdout, newline="")))
    assert [row[0] for row in rows] == ["id", "e1velmora", "e2evil", "e3site"]
    for flag in ("--json", "--follow"):
        result = run("events", "--format", "csv", flag)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "take one of them out" in result.stderr


def test_no_events_yet(run: Run, tmp_path: Path) -> None:
    (tmp_path / "watcher.toml").write_text(seed.CONFIG)
    assert json.loads(run("events", "--format", "misp").stdout) == {"response": []}
    assert json.loads(run("events", "--format", "stix").stdout)["type"] == "bundle"
    assert run("events", "--format", "csv").stdout.startswith('"id","kind"')


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_commands(shell: str, tmp_path: Path) -> None:
    environment = {**os.environ, "_WATCHER_COMPLETE": f"{shell}_complete"}
    environment |= {"COMP_WORDS": "watcher sea", "COMP_CWORD": "1" if shell != "fish" else "sea"}
    script = "from watcher.cli.main import main; import sys; sys.argv[0] = 'watcher'; main()"
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "search" in done.stdout, done.stderr

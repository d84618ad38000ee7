"""``watcher ingest`` from outside."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli import seed
from tests.cli.conftest import Run
from tests.core.test_warc_reading import PAGE, record
from watcher.edge.lock import Lock


def test_what_others_kept_is_shown_as_theirs(run: Run, tmp_path: Path) -> None:
    seed.fill(tmp_path)
    (tmp_path / "x.warc").write_bytes(record("response", PAGE, url="http://leak.example/") + b"junk")
    result = run("ingest", "x.warc", "--site", "clop")
    assert result.exit_code == 0
    assert result.stdout.startswith("1 capture from 2026-11-22 15:04Z to 2026-11-22 15:04Z\n  read as: 1 ")
    assert "the rest could not be read: x.warc: record 2 does not begin with WARC" in result.stderr
    (told,) = map(json.loads, run("ingest", "x.warc", "--site", "clop", "--json").stdout.splitlines())
    assert (told["foreign"], told["leaf"], told["site"]) == (True, None, "clop")
    listed = [json.loads(line) for line in run("captures", "--site", "clop", "--json").stdout.splitlines()]
    assert [one["id"] for one in listed if one["foreign"]] == [told["id"]]
    assert "foreign" in run("search", "velmora").stdout
    assert run("show", told["id"]).exit_code == 0
    ours = next(one["id"] for one in listed if not one["foreign"])
    assert run("diff", ours, told["id"]).exit_code == 1


def test_what_is_wrong_is_told_with_its_mend(run: Run, tmp_path: Path) -> None:
    seed.fill(tmp_path)
    (tmp_path / "x").write_bytes(b"no warc")
    for arguments, said in (
        (["none", "--site", "clop"], "No such file"),
        (["x", "--site", "clop"], "no WARC file"),
        (["x", "--site", "No Such"], "is no name of a site"),
        ([".", "--site", "other"], "nobody says where"),
        ([".", "--site", "clop", "--url", "ftp://x/"], "--url: ftp:// cannot be watched"),
    ):
        result = run("ingest", *arguments)
        assert (result.exit_code, result.stdout) == (2, ""), arguments
        assert said in result.stderr
        assert "mend: " in result.stderr
    with Lock.take(tmp_path / "snapshots"):
        assert "stop the running watcher" in run("ingest", "x", "--site", "clop").stderr

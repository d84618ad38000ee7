"""A disk that is full: told once, nothing harmed, and watching goes on when there is room."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.props.stage import Stage
from tests.stories.program import Program, objects, run, write
from watcher.testing.scene import Publish, Victim

SIZE = 24 << 20
EACH = 'every = "300ms"'
HURRY = '[policy]\nconfirm_visits = 2\nconfirm_after = "0s"\nconfirm_gap = "200ms"\n'
NEWS = Victim(slug="quarl-housing", title="QUARL HOUSING", statement="Quarl Housing keeps keys.", country="Ostavia")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder whose store lies on a disk of its own, of 24 MiB."""
    store = tmp_path / "store"
    store.mkdir(mode=0o700)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "watcher-test", store],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip(f"cannot mount a small disk: run as root ({mounted.stderr.strip()})")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", store], check=True)


def fill(store: Path) -> Path:
    """A file that leaves no room for anything else."""
    ballast = store / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            try:
                while file.write(os.urandom(size)) == size:
                    pass
            except OSError:
                continue
    assert shutil.disk_usage(store).free < 4096
    return ballast


@pytest.mark.namespace
def test_a_full_disk_is_told_and_waited_out(small_disk: Path) -> None:
    with Stage(sites=2) as stage:
        sites = {f"s{number}": urls for number, urls in enumerate(stage.mirrors)}
        write(small_disk, stage.proxy_url, sites, each=EACH, more=HURRY + '[[alert]]\nto = "file:alerts.jsonl"\n')
        with Program(small_disk) as program:
            for name in sites:
                program.until("event=visited", f"site={name}")
            ballast = fill(small_disk / "store")
            stage.act(0, Publish((NEWS,)))
            told = program.until('event="watching waits"')
            assert "no room left to write in" in told
            assert "make room on that disk" in told

            # what is there can be looked at, and a check says the same
            assert {one["site"] for one in objects(small_disk, "status")} == set(sites)
            before = {one["id"] for one in objects(small_disk, "captures")}
            assert objects(small_disk, "events") == []

            ballast.unlink()
            program.until('event="all is well again"')
            program.until("event=listed", "QUARL HOUSING")
            for name in sites:
                program.until("event=visited", f"site={name}", start=len(program.said))
            assert program.stop() == 0
            assert len(program.lines("watching waits")) == 1
            assert program.lines("Traceback") == []

        fill(small_disk / "store")
        full = run(small_disk, "check")
        assert full.returncode == 2
        assert "no room left to write in" in full.stderr
        assert "mend: make room on that disk" in full.stderr
        assert "Traceback" not in full.stderr
        (small_disk / "store" / "ballast").unlink()
        assert run(small_disk, "check").returncode == 0

    captures = objects(small_disk, "captures")
    assert before <= {one["id"] for one in captures}
    assert [one["kind"] for one in objects(small_disk, "events")] == ["listed"]
    assert '"QUARL HOUSING"' in (small_disk / "alerts.jsonl").read_text()
    verified = run(small_disk, "verify", "store")
    assert verified.returncode == 0, verified.stdout

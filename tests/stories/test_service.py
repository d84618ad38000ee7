"""docs/watcher.service: how systemd rates it, and that the watcher lives behind it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stories.program import run, write
from watcher.edge.machine import clock_facts
from watcher.testing.process import PracticeProcess

pytestmark = pytest.mark.systemd

ROOT = Path(__file__).parent.parent.parent
UNIT = ROOT / "docs" / "watcher.service"
FENCED = [sys.executable, "-m", "tests.stories.fenced", str(UNIT)]
INSIDE = """
import json
from watcher.edge import machine, sandbox
facts = machine.clock_facts()
print(json.dumps({"clock": facts["clock_state"], "boot": machine.boot_id(), "fences": sandbox.enter(1 << 30)}))
"""


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def test_its_exposure_is_rated_two_at_most() -> None:
    done = analyze("security", "--offline=true", "--threshold=20", str(UNIT))
    assert done.returncode == 0, done.stdout
    found = re.search(r"Overall exposure level for watcher.service: (\d+\.\d) OK", done.stdout)
    assert found
    assert float(found[1]) <= 2.0


def test_systemd_knows_every_line_of_it(tmp_path: Path) -> None:
    text = UNIT.read_text(encoding="utf-8")
    assert text.count("/opt/watcher/bin/watcher -c ") == 1
    (tmp_path / "watcher.service").write_text(text.replace("/opt/watcher/bin/watcher", "/bin/true"))
    done = analyze("verify", "--man=no", str(tmp_path / "watcher.service"))
    assert (done.returncode, done.stderr) == (0, "")


def test_what_reads_pages_puts_its_own_fences_up_behind_it() -> None:
    """And the clock may still be asked how sure it is."""
    outside = subprocess.run([sys.executable, "-c", INSIDE], capture_output=True, text=True, check=True, cwd=ROOT)
    inside = subprocess.run(
        [*FENCED, sys.executable, "-c", INSIDE], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert json.loads(inside.stdout) == json.loads(outside.stdout)
    assert json.loads(inside.stdout)["clock"] == clock_facts()["clock_state"]


def test_the_fence_is_one() -> None:
    """What the unit forbids fails in it: else the tests above would say nothing."""
    tried = "import os; os.chroot('/')"
    done = subprocess.run([*FENCED, sys.executable, "-c", tried], capture_output=True, text=True, check=False, cwd=ROOT)
    assert "PermissionError: [Errno 1]" in done.stderr


def test_a_whole_check_goes_well_behind_it(tmp_path: Path) -> None:
    with PracticeProcess("story") as world:
        world.turn()
        write(tmp_path, world.proxy_url, {"clop": [world.mirror]})
        done = run(tmp_path, "check", "--json", before=FENCED, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    (capture,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (capture["verdict"], capture["complete"]) == ("listing", True)

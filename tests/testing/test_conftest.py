"""A test without its program is skipped with the command that mends it, and fails where nothing may be skipped."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

@pytest.mark.tor
def test_tor(tor_network): pass

@pytest.mark.chromium
def test_chromium(chromium): pass

@pytest.mark.namespace
def test_namespace(): pass

def test_skips(): pytest.skip("at will")

@pytest.mark.xfail
def test_known_to_fail(): assert False

def test_plain(): pass
"""


def copy_setup(folder: Path) -> None:
    root = Path(__file__).parents[2]
    shutil.copy(root / "tests/conftest.py", folder)
    shutil.copy(root / "pyproject.toml", folder)


@pytest.mark.parametrize(
    ("ci", "counts"), [("true", "1 failed, 1 passed, 1 xfailed, 3 errors"), ("", "1 passed, 4 skipped")]
)
def test_missing_programs(tmp_path: Path, ci: str, counts: str) -> None:
    copy_setup(tmp_path)
    (tmp_path / "test_needs.py").write_text(TESTS)
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "test_needs.py", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env=os.environ | {"PATH": str(tmp_path), "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    assert counts in told
    assert "no program tor and tor-gencert: apt-get install tor" in told
    assert "no program chromium: apt-get install chromium" in told
    assert "no programs ip and unshare: apt-get install iproute2 util-linux" in told


OVER_TOR = """
import os, pytest

@pytest.mark.tor
@pytest.mark.parametrize("number", range(8))
def test_over_tor(number):
    open(os.environ["PYTEST_XDIST_WORKER"] + ".used", "w").close()
"""
PLAIN = """
import pytest

@pytest.mark.parametrize("number", range(8))
def test_plain(number): pass
"""


@pytest.mark.tor
def test_tests_over_tor_share_one_worker(tmp_path: Path) -> None:
    copy_setup(tmp_path)
    (tmp_path / "test_a.py").write_text(OVER_TOR)
    (tmp_path / "test_b.py").write_text(OVER_TOR)
    (tmp_path / "test_c.py").write_text(PLAIN)
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", ".", "-p", "no:cacheprovider", "-n2", "-q"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "24 passed" in done.stdout
    assert len(list(tmp_path.glob("*.used"))) == 1


DYING = """
import os, pytest

@pytest.mark.parametrize("number", range(8))
def test_dying(number):
    if number == 3:
        os._exit(1)
"""


def test_a_worker_that_dies_ends_the_run_and_is_no_plain_failure(tmp_path: Path) -> None:
    """It leaves tests that nobody ran: only what merely failed may be tried once more."""
    copy_setup(tmp_path)
    (tmp_path / "test_dying.py").write_text(DYING)
    command = [sys.executable, "-m", "pytest", "test_dying.py", "-p", "no:cacheprovider", "-n2", "-q"]
    done = subprocess.run([*command, "--max-worker-restart", "0"], cwd=tmp_path, check=False, timeout=60)
    assert done.returncode == pytest.ExitCode.INTERNAL_ERROR

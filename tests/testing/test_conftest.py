"""A test without its program is skipped with the command that mends it, and fails where nothing may be skipped."""

from __future__ import annotations

import os
import re
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


PLUGINS = ("xdist", "pytest_timeout", "pytest_asyncio.plugin")
"""What ``pyproject.toml`` and this test speak of: to load all that there are takes longer than the tests."""


def run_tests(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The tests in a folder, run as this project's are."""
    root = Path(__file__).parents[2]
    for name in ("tests/conftest.py", "pyproject.toml"):
        shutil.copy(root / name, folder)
    plugins = [word for name in ("no:cacheprovider", *PLUGINS) for word in ("-p", name)]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-c", "pyproject.toml", ".", *plugins, *arguments],
        cwd=folder,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.mark.parametrize(
    ("ci", "counts"), [("true", "1 failed, 1 passed, 1 xfailed, 3 errors"), ("", "1 passed, 4 skipped")]
)
def test_missing_programs(tmp_path: Path, ci: str, counts: str) -> None:
    (tmp_path / "test_needs.py").write_text(TESTS)
    told = run_tests(tmp_path, PATH=str(tmp_path), CI=ci).stdout
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


SHARING = """
import os, pytest

@pytest.fixture(scope="module", params=[__name__])
def made(request):
    open(f"{os.environ['PYTEST_XDIST_WORKER']}.{request.param}", "w").close()

@pytest.mark.parametrize("number", range(8))
def test_what_is_made_once(number, made): pass
"""


@pytest.mark.tor
def test_tests_over_tor_share_one_worker_and_so_do_those_of_a_file_that_share_what_it_makes(tmp_path: Path) -> None:
    for name, text in {"a": OVER_TOR, "b": OVER_TOR, "c": PLAIN, "d": SHARING, "e": SHARING}.items():
        (tmp_path / f"test_{name}.py").write_text(text)
    done = run_tests(tmp_path, "-n2", "-q")
    assert "40 passed" in done.stdout
    assert len(list(tmp_path.glob("*.used"))) == 1
    assert len(list(tmp_path.glob("*.test_d"))) == len(list(tmp_path.glob("*.test_e"))) == 1


ENDING = """
import pytest
from tests.props import tor

class Network:
    def __init__(self, key_cache): pass
    def __enter__(self): return self
    def __exit__(self, *_): print("the network ends", flush=True)

tor.PrivateTorNetwork = Network

@pytest.fixture(scope="session")
def tor_key_cache(): pass

@pytest.mark.tor
@pytest.mark.parametrize("number", range(2))
def test_over_tor(number, tor_network): print("over tor", flush=True)
"""


@pytest.mark.tor
def test_the_network_ends_with_the_last_test_over_tor(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("def test_plain(): print('plain', flush=True)\n")
    (tmp_path / "test_b.py").write_text(ENDING)
    root = str(Path(__file__).parents[2])
    said = run_tests(tmp_path, "-sq", PYTHONPATH=root).stdout
    assert re.findall("over tor|the network ends|plain", said) == ["over tor"] * 2 + ["the network ends", "plain"]


DYING = """
import os, pytest

@pytest.mark.parametrize("number", range(8))
def test_dying(number):
    if number == 3:
        os._exit(1)
"""


def test_a_worker_that_dies_ends_the_run_and_is_no_plain_failure(tmp_path: Path) -> None:
    """It leaves tests that nobody ran: only what merely failed may be tried once more."""
    (tmp_path / "test_dying.py").write_text(DYING)
    done = run_tests(tmp_path, "-n2", "-q", "--max-worker-restart", "0")
    assert done.returncode == pytest.ExitCode.INTERNAL_ERROR

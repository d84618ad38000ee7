"""What all tests share: the programs they may need, and one private Tor network for those that ask for it.

A test marked ``tor``, ``chromium``, ``namespace`` or ``systemd`` is skipped, with the command that would mend it, where
its program is missing. With ``CI=true`` in the environment nothing may be skipped: what is missing is a failure.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog

if TYPE_CHECKING:
    from tests.props.tor import PrivateTorNetwork

MUST_RUN_ALL = os.environ.get("CI", "").lower() in {"true", "1"}


def _lacks_tor() -> str:
    missing = [program for program in ("tor", "tor-gencert") if not shutil.which(program)]
    return f"no program {' and '.join(missing)}: apt-get install tor" if missing else ""


def _lacks_chromium() -> str:
    return "" if chromium_program() else "no program chromium: apt-get install chromium"


@functools.cache
def _lacks_namespace() -> str:
    if not shutil.which("ip") or not shutil.which("unshare"):
        return "no programs ip and unshare: apt-get install iproute2 util-linux"
    probe = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True, check=False)
    return f"no network namespaces here: run as root ({probe.stderr.strip()})" if probe.returncode else ""


def _lacks_systemd() -> str:
    return "" if shutil.which("systemd-analyze") else "no program systemd-analyze: apt-get install systemd"


NEEDS: dict[str, Callable[[], str]] = {
    "tor": _lacks_tor,
    "chromium": _lacks_chromium,
    "namespace": _lacks_namespace,
    "systemd": _lacks_systemd,
}


def chromium_program() -> str | None:
    """Where Chromium is, under any of its names; None if it is nowhere."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def pytest_configure() -> None:
    """Who is started in the background ignores SIGINT, and so does all that it starts: programs under test must not.
    And what they print is buffered, as it is for people."""
    os.environ.pop("PYTHONUNBUFFERED", None)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests over Tor come first, so that their network can end with the last of them; then files with tests that may
    take minutes, as their ``timeout`` says: at the end no worker waits long for another."""
    longest = Counter[Path]()
    for item in items:
        longest[item.path] = max([longest[item.path], *(mark.args[0] for mark in item.iter_markers("timeout"))])
    items.sort(key=lambda item: (not _is_over_tor(item.path), -longest[item.path]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Under ``-n 3``: each test goes to whoever is free, but all files with tests over Tor go to one worker, first,
    and so does each file whose tests share what is made once for it: else every worker would make it.

    (``--dist loadgroup`` would be for that; xdist 3.8 loses the groups under pytest 9.2.)
    """
    if config.option.dist not in {"load", "loadgroup"}:
        return None
    from xdist.scheduler import LoadScopeScheduling

    class OneWorkerForWhatIsShared(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            file = config.rootpath / path
            return "tor" if _is_over_tor(file) else path if _shares(file) else nodeid

    return OneWorkerForWhatIsShared(config, log)


DIED = pytest.StashKey[bool]()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object | None) -> None:
    """A worker that died leaves tests that nobody ran: not a failure to be tried again, but the end of the run."""
    node.config.stash[DIED] = node.config.stash.get(DIED, False) or bool(error)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.stash.get(DIED, False):
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR


@functools.cache
def _is_over_tor(file: Path) -> bool:
    return "pytest.mark.tor" in file.read_text()


@functools.cache
def _shares(file: Path) -> bool:
    return 'scope="module"' in file.read_text()


@pytest.hookimpl(tryfirst=True)  # before fixtures are set up
def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, lacks in NEEDS.items():
        if item.get_closest_marker(marker) and (lack := lacks()):
            pytest.skip(lack)


TOR_NETWORK = pytest.StashKey[ExitStack]()


@pytest.hookimpl(trylast=True)  # after fixtures that use it
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """The private Tor network ends with the last test over Tor: even at rest eleven tors take their share of a core."""
    if nextitem is None or not _is_over_tor(nextitem.path):
        item.config.stash.get(TOR_NETWORK, ExitStack()).close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if MUST_RUN_ALL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"CI=true: nothing may be skipped ({call.excinfo.value if call.excinfo else 'no reason'})"
    return report


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """What a command set up for its log ends with the test that ran it."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The Chromium program; for tests marked ``chromium``."""
    program = chromium_program()
    assert program, "mark tests that use this fixture with pytest.mark.chromium"
    return program


@pytest.fixture(scope="session")
def tor_key_cache(pytestconfig: pytest.Config) -> Path | None:
    """Where the keys of private Tor networks are kept between runs; they cost some seconds to make."""
    return pytestconfig.cache.mkdir("private-tor-keys") if pytestconfig.cache else None


@pytest.fixture(scope="session")
def tor_network(pytestconfig: pytest.Config, tor_key_cache: Path | None) -> Iterator[PrivateTorNetwork]:
    """A private Tor network, started when first asked for; for tests marked ``tor``. Leave it as you found it:
    what a test publishes or kills, it removes or revives."""
    from tests.props.tor import PrivateTorNetwork

    with ExitStack() as until_the_last:
        pytestconfig.stash[TOR_NETWORK] = until_the_last
        yield until_the_last.enter_context(PrivateTorNetwork(key_cache=tor_key_cache))

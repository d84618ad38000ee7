"""A tor of our own in earnest, on a private Tor network: ``[proxy] url = "tor"`` from its first start to its end.

The lines that lead it into the private network go through ``[proxy] torrc``, as an operator's bridges and lines do.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge.test_guard import endpoints, needs
from tests.props.tor import Onion, PrivateTorNetwork
from tests.stories.program import Program, family, objects, run
from watcher import config
from watcher.core.tor_trouble import OLDEST
from watcher.edge.tors import reaching
from watcher.errors import ProxyError
from watcher.testing.background import run_in_thread
from watcher.testing.site import PracticeSite
from watcher.testing.story import CL0P

pytestmark = pytest.mark.tor

PRIVATE = {"TestingTorNetwork", "DirAuthority", "OutboundBindAddress", "Schedulers"}
TORS = 2
CONFIGURATION = """
[watcher]
store = "store #1"

[proxy]
url = "tor"
tors = 2
timeout = "25s"
torrc = {lines}

[[site]]
name = "clop"
mirrors = ["http://{onion}/"]
every = "2s"
"""


@pytest.fixture(scope="module")
def onion(tor_network: PrivateTorNetwork) -> Iterator[Onion]:
    with run_in_thread(PracticeSite(CL0P.opening, CL0P.script.steps, title=CL0P.title)) as site:
        site.advance()
        onion = tor_network.add_onion(site.port)
        yield onion
        tor_network.remove_onion(onion)


@pytest.fixture(scope="module")
def folder(tor_network: PrivateTorNetwork, onion: Onion, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all: a tor that was there before is ready sooner."""
    folder = tmp_path_factory.mktemp("own tor")
    lines = [f"{option} {value}" for option, value in tor_network.client.settings if option in PRIVATE]
    text = CONFIGURATION.format(lines=json.dumps(lines), onion=onion.address)
    (folder / "watcher.toml").write_text(text)
    return folder


def tors_below(pid: int) -> list[int]:
    """The processes named tor that a process started."""
    return [one for one in family(pid) if _name(one) == "tor"]


def _name(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def ready(watcher: Program, start: int = 0) -> None:
    """Return once each of its tors has said that it is ready."""
    for number in range(TORS):
        watcher.until("event=tor", "percent=100", f"tor={number}", start=start)


def has_ended(pid: int, seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while _name(pid) == "tor" and time.monotonic() < end:
        time.sleep(0.02)
    return _name(pid) != "tor"


def test_a_check_goes_through_it_and_only_tor_goes_out(folder: Path, tmp_path: Path) -> None:
    """Every process and thread is traced: but for tor's own, all that they reach is tor."""
    needs("strace")
    traced = [
        "strace",
        "-ff",
        "-qq",
        "-e",
        "trace=connect,sendto,sendmsg,sendmmsg,execve",
        "-o",
        str(tmp_path / "trace"),
    ]
    done = run(folder, "check", "--json", before=traced)
    assert done.returncode == 0, done.stderr
    (capture,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (capture["status"], capture["verdict"]) == (200, "listing")
    assert "tor is ready to 100 % (Done)" in done.stderr

    traces = [path.read_text() for path in tmp_path.glob("trace.*")]
    is_tor = [bool(re.search(r'execve\("\S*/tor", ', trace)) for trace in traces]
    ours = set[tuple[str, int]]().union(*(endpoints(text) for text, tor in zip(traces, is_tor, strict=True) if not tor))
    its = set[tuple[str, int]]().union(*(endpoints(text) for text, tor in zip(traces, is_tor, strict=True) if tor))
    ports = {
        ("127.0.0.1", int(port))
        for path in (folder / "store #1" / "tor").glob("*/torrc")
        for port in re.findall(r"^(?:Socks|Control)Port 127.0.0.1:(\d+)", path.read_text(), re.MULTILINE)
    }
    assert len(ports) == 2 * TORS
    assert ours <= ports
    assert ours & ports
    assert its
    assert not its & ports
    assert (folder / "store #1" / "tor" / "0").stat().st_mode & 0o777 == 0o700


def test_it_lives_and_dies_with_the_watcher(folder: Path, onion: Onion) -> None:
    with Program(folder) as watcher:
        ready(watcher)
        watcher.until("visited", "verdict=listing")
        first = tors_below(watcher.process.pid)
        for tor in first:
            environ = Path(f"/proc/{tor}/environ").read_bytes().split(b"\0")
            assert {one.partition(b"=")[0] for one in environ if one} == {b"PATH", b"HOME", b"LANG"}

        beside = run(folder, "learn", f"http://{onion.address}/")  # a second process, through the same tor
        assert beside.returncode == 0, beside.stderr
        assert beside.stdout.startswith("listing\n7 entries")
        assert tors_below(watcher.process.pid) == first

        seen = len(watcher.said)
        for tor in first:
            os.kill(tor, signal.SIGKILL)
        for number in range(TORS):
            watcher.until('event="tor ended"', f"tor={number}", start=seen)
        ready(watcher, start=seen)
        watcher.until("visited", "verdict=listing", start=len(watcher.said))
        second = tors_below(watcher.process.pid)
        assert not set(first) & set(second)

        assert watcher.stop() == 0
        assert all(has_ended(tor, 0) for tor in second)
    assert {one["verdict"] for one in objects(folder, "captures")} == {"listing"}  # the site is not to blame
    kept = list((folder / "store #1" / "tor").rglob("ports.json"))
    assert kept == []


def test_a_watcher_that_is_killed_leaves_no_tor(folder: Path) -> None:
    with Program(folder) as watcher:
        ready(watcher)
        tors = tors_below(watcher.process.pid)
        watcher.kill()
        assert len(tors) == TORS
        assert all(has_ended(tor) for tor in tors)
    done = run(folder, "doctor", "--json")
    (found,) = [one for one in map(json.loads, done.stdout.splitlines()) if one["check"] == "tor"]
    assert found["ok"], found
    assert "of our own started, and is ready" in found["detail"]


def test_what_the_onion_signed_is_kept_without_being_asked_for(folder: Path, onion: Onion) -> None:
    """A tor of our own is asked for the service's descriptor; with another, ``control`` has to name its port."""
    with contextlib.closing(sqlite3.connect(folder / "store #1" / "ledger.db")) as ledger:
        acts = [record for (record,) in ledger.execute("SELECT record FROM act")]
    assert any(b'"act":"descriptor"' in bytes(record) for record in acts)


async def test_a_network_that_is_not_there_is_told_in_tors_words(folder: Path, tmp_path: Path) -> None:
    """The same lines, but nobody listens where the authorities should."""
    settings = config.load(folder / "watcher.toml")
    lines = [line for line in settings.proxy.torrc if not line.startswith("DirAuthority")]
    dead = f"DirAuthority a orport=9 v3ident={'A' * 40} 127.0.0.1:9 {'B' * 40}"
    text = f"[proxy]\nurl = 'tor'\ntorrc = {json.dumps([*lines, dead])}\n"
    async with reaching(config.parse(text, tmp_path)) as reached:
        with pytest.raises(ProxyError) as caught:
            await reached.ready(stall_seconds=3)
        version = reached.tors[0].version
    assert "it says: Connection refused (CONNECTREFUSED)" in str(caught.value)
    assert "a firewall may keep Tor out" in caught.value.hint
    assert tuple(map(int, version.split(".")[:3])) >= OLDEST


async def test_a_line_that_tor_does_not_know(folder: Path, tmp_path: Path) -> None:
    text = "[proxy]\nurl = 'tor'\ntorrc = ['TestingTorNetwork 1', 'NoSuchOption 1']\n"
    with pytest.raises(ProxyError) as caught:
        async with reaching(config.parse(text, tmp_path)):
            pass
    assert "Unknown option 'NoSuchOption'" in str(caught.value)
    assert "[proxy] torrc" in caught.value.hint

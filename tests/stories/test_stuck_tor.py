"""``watcher run`` with a tor of our own that does not get ready (a played one): nothing is asked, nobody is blamed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.edge import played_tor
from tests.stories.program import Program, family, objects, run

CONFIGURATION = (
    '[watcher]\nstore = "store"\n[proxy]\nurl = "tor"\n[[site]]\nname = "a"\nmirrors = ["http://a.example/"]\n'
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    played_tor.install(tmp_path / "bin", phases=((0, played_tor.STUCK),))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "watcher.toml").write_text(CONFIGURATION)
    return tmp_path


def test_it_waits_says_why_and_stops_at_once(folder: Path) -> None:
    with Program(folder) as watcher:
        told = watcher.until("level=warning", "event=tor")
        assert "No route to host (NOROUTE)" in told
        assert "look at the machine's connection" in told
        (tor,) = [pid for pid in family(watcher.process.pid) if _is_tor(pid)]

        status = run(folder, "status")
        assert "our own tor 0: tor is ready to 14 % (Handshaking with a relay)" in status.stderr
        doctor = run(folder, "doctor")
        assert doctor.returncode == 1
        assert "wrong  tor           our own tor 0: tor is ready to 14 %" in doctor.stdout
        beside = run(folder, "check")
        assert (beside.returncode, "in use by another watcher" in beside.stderr) == (2, True)

        assert watcher.stop() == 0
    assert not _is_tor(tor)
    assert objects(folder, "captures") == []


def _is_tor(pid: int) -> bool:
    try:
        return b"/bin/tor" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False

"""The practice site in a real browser: it shows what it says, and asks for nothing from anywhere else."""

from __future__ import annotations

import struct
import subprocess
from itertools import islice
from pathlib import Path

import pytest

from watcher.testing.background import run_in_thread
from watcher.testing.names import invented_victims
from watcher.testing.scene import Design, Scene
from watcher.testing.site import PracticeSite

pytestmark = pytest.mark.chromium

QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--disable-default-apps", "--enable-logging=stderr",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--window-size=1200,800",
)  # fmt: skip


def browse(chromium: str, profile: Path, url: str, *wish: str) -> subprocess.CompletedProcess[str]:
    command = [chromium, *QUIET, f"--user-data-dir={profile}", *wish, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


@pytest.mark.parametrize("design", ["menu", "cards"])
def test_a_page_shows_its_entries_and_looks_like_a_page(chromium: str, tmp_path: Path, design: Design) -> None:
    victims = tuple(islice(invented_victims(7), 7))
    with run_in_thread(PracticeSite(Scene(victims=victims, design=design))) as site:
        picture = tmp_path / "page.png"
        done = browse(chromium, tmp_path / "profile", site.url, "--dump-dom", f"--screenshot={picture}")
        paths = {request.path for request in site.requests}
    assert all(victim.title in done.stdout for victim in victims)
    assert "CONSOLE" not in done.stderr, "its scripts run without a complaint"
    assert paths <= {"/", "/favicon.ico"}
    width, height = struct.unpack(">II", picture.read_bytes()[16:24])
    assert (width, height) == (1200, 800)
    assert picture.stat().st_size > 20_000, "not a blank page"

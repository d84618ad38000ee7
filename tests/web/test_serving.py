"""``watcher serve`` as a process, beside others, and behind its guard."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import aiohttp
import pytest

from tests.web.conftest import Serving, asking
from tests.web.seed import CONFIG, fill, settings_in
from watcher.web.beside import served


def start(folder: Path) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "watcher", "-c", str(folder / "watcher.toml"), "serve"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = process.stderr.readline()
    found = re.search(r"serving (http://\S+)", said)
    assert found, said + process.stderr.read()
    return process, found[1]


def test_it_serves_until_it_is_stopped(tmp_path: Path) -> None:
    fill(tmp_path)
    settings_in(tmp_path)
    process, base = start(tmp_path)
    try:
        with urllib.request.urlopen(f"{base}events") as answer:
            assert "Velmora Logistics" in answer.read().decode()
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


def test_an_address_in_use_is_told(tmp_path: Path) -> None:
    settings_in(tmp_path)
    process, base = start(tmp_path)
    try:
        (tmp_path / "watcher.toml").write_text(f'[web]\nlisten = "{base.removeprefix("http://").strip("/")}"\n')
        second = subprocess.run(
            [sys.executable, "-m", "watcher", "-c", str(tmp_path / "watcher.toml"), "serve"],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
            env=os.environ,
        )
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert second.returncode == 2
    assert "cannot be listened on" in second.stderr
    assert "Traceback" not in second.stderr


async def test_what_changes_in_the_file_is_taken_up(
    serving: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.web.room.LOOK_AGAIN_SECONDS", -1.0)
    async with serving() as asker:
        path = tmp_path / "watcher.toml"
        assert "another" not in (await asker.ask("/")).text
        path.write_text(CONFIG + '\n[[site]]\nname = "another"\nmirrors = ["http://another.example/"]\n')
        assert "another" in (await asker.ask("/")).text
        path.write_text("[[site]\nwrong")
        assert "another" in (await asker.ask("/")).text
        path.write_text(CONFIG)
        assert "another" not in (await asker.ask("/")).text


async def test_beside_a_running_watcher_only_if_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with served(settings_in(tmp_path, CONFIG.replace("[web]", "#").replace("listen", "#"))):
        assert "serving" not in capsys.readouterr().out
    async with served(settings_in(tmp_path)):
        found = re.search(r"http://127\.0\.0\.1:\d+/", capsys.readouterr().out)
        assert found
        async with aiohttp.ClientSession() as session, session.get(found[0]) as answer:
            assert answer.status == 200


async def test_the_guard_lets_our_own_listener_live(tmp_path: Path) -> None:
    """Accepting is not connecting: with nothing allowed, the page is served, and nothing else is reached. The guard
    sees this very process, so somebody else asks."""
    from watcher.edge.guard import Guard
    from watcher.errors import LeakError

    fill_in = tmp_path / "snapshots"
    fill_in.mkdir()
    guard = Guard()
    async with asking(settings_in(tmp_path)) as asker:
        guard.arm(())
        try:
            import asyncio

            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", f"import urllib.request as u; print(u.urlopen('{asker.base}').status)",
                stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            out, _ = await process.communicate()
            with pytest.raises(LeakError):
                await asker.ask("/")
        finally:
            guard.disarm()
    assert out == b"200\n"

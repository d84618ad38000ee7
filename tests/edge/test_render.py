"""Pictures of pages: drawn without scripts, and without a single connection, whatever the page holds."""

from __future__ import annotations

import re
import shutil
import socket
import threading
from pathlib import Path

import pytest

from tests.core.test_inert import HOSTILE
from watcher.edge import render

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
PNG = b"\x89PNG\r\n\x1a\n"

pytestmark = pytest.mark.chromium


class Ear:
    """Listens on loopback and counts who comes."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.heard = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.heard += 1
            connection.close()


def traced(folder: Path, chromium: str) -> Path:
    """A program that runs Chromium and writes down every connection it asks the kernel for."""
    wrapper = folder / "traced"
    calls = "trace=connect,sendto,sendmsg,sendmmsg"
    wrapper.write_text(f'#!/bin/sh\nexec strace -f -qq -o {folder}/trace -e {calls} {chromium} "$@"\n')
    wrapper.chmod(0o755)
    return wrapper


@pytest.mark.skipif(not shutil.which("strace"), reason="no program strace: apt-get install strace")
def test_nothing_leaves_the_machine_and_nothing_reaches_it(
    tmp_path: Path, chromium: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ear = Ear()
    page = "".join(HOSTILE.values()).replace("tracker.example", f"127.0.0.1:{ear.port}") + "<h1>Velmora Logistics</h1>"
    wrapper = traced(tmp_path, chromium)
    monkeypatch.setattr(render, "program", lambda: str(wrapper))
    assert render.picture([HEAD + page.encode()]).startswith(PNG)
    calls = (tmp_path / "trace").read_text(errors="replace")
    assert "execve" not in calls
    assert re.findall(r"AF_INET6?.*", calls) == []
    assert ear.heard == 0


def test_even_a_page_that_was_not_made_harmless_runs_and_reaches_nothing(
    tmp_path: Path, chromium: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frame and the policy hold by themselves; a script would paint the page black, and a black page packs well."""
    ear = Ear()
    script = "document.documentElement.style.background='black'; document.body.innerHTML=''"
    page = f"<img src=http://127.0.0.1:{ear.port}/x><script>{script}; fetch('http://127.0.0.1:{ear.port}/')</script>"
    monkeypatch.setattr(render, "made_inert", list)
    words = "<h1>Velmora Logistics</h1>" * 20
    with_script = render.picture([HEAD + (page + words).encode()])
    without = render.picture([HEAD + ("<img src=x>" + words).encode()])
    assert abs(len(with_script) - len(without)) < 2_000
    assert ear.heard == 0


def test_a_page_that_kills_the_parser_has_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "made_inert", lambda pages: None)
    assert render.picture([HEAD + b"x"]) == b""


def test_without_chromium_there_are_no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "program", lambda: None)
    assert render.picture([HEAD + b"x"]) == b""

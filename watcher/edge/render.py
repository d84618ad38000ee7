"""Pictures of pages, drawn by a headless Chromium from stored bytes: scripts off, a dead proxy, zero connections.

What acts in a page is taken out (``core.inert``), a policy forbids the rest, and the page stands in a frame without any
right, so that the browser itself runs no script in it. (Its switch against all scripts also stops it from drawing.)
Where the kernel can be told so, the browser cannot make an internet socket at all: by itself it would look whether its
maker can be reached.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from html import escape
from pathlib import Path

from watcher.core import charset, coding, http
from watcher.core.inert import POLICY
from watcher.edge.apart import made_inert

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless_shell")
SIZE = "1000,1400"
SECONDS = 20
TOGETHER = 2
MOST_BYTES = 8 << 20
FLAGS = (
    "--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--no-default-browser-check", "--no-pings",
    "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--disable-domain-reliability", "--disable-client-side-phishing-detection",
    "--disable-breakpad", "--metrics-recording-only", "--mute-audio", "--dns-prefetch-disable", "--incognito",
    "--disable-features=IsolateSandboxedIframes,MediaRouter,OptimizationHints,Translate,InterestFeedContentSuggestions,DialMediaRouteProvider,"
    "NetworkServiceSandbox,AutofillServerCommunication,CertificateTransparencyComponentUpdater",
    "--proxy-server=socks5://127.0.0.1:9", "--proxy-bypass-list=<-loopback>", "--host-resolver-rules=MAP * ~NOTFOUND",
    "--force-device-scale-factor=1", f"--window-size={SIZE}",
)  # fmt: skip
"""The proxy is the discard port: nothing listens there, and nothing may go round it, loopback included. A frame that
was painted in its own process would often come too late for the picture (seen: every second one blank)."""


def program() -> str | None:
    """Where Chromium is, under any of its names."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def pictures(responses: Mapping[str, bytes]) -> dict[str, bytes]:
    """PNG pictures of the pages in these HTTP responses, by name; those that could not be drawn are left out."""
    chromium = program()
    if chromium is None or not responses:
        return {}
    with ThreadPoolExecutor(TOGETHER) as pool:
        drawn = pool.map(lambda response: _draw(chromium, response), responses.values())
        return {name: picture for name, picture in zip(responses, drawn, strict=True) if picture}


def _draw(chromium: str, response: bytes) -> bytes:
    """The picture of one page; empty if it could not be drawn."""
    page = made_inert(text_of(response))
    if page is None:
        return b""
    with tempfile.TemporaryDirectory(prefix="watcher-draw-") as name:
        folder = Path(name)
        (folder / "page.html").write_text(framed(page), encoding="utf-8", errors="replace")
        try:
            done = subprocess.run(
                _command(chromium, folder),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SECONDS,
                check=False,
                env=_environment(folder),
                cwd=folder,
            )
        except subprocess.TimeoutExpired:
            return b""
        picture = folder / "page.png"
        return picture.read_bytes() if picture.is_file() and done.returncode == 0 else b""


def _command(chromium: str, folder: Path) -> list[str]:
    command = [
        sys.executable,
        "-m",
        "watcher.edge.offline",
        chromium,
        *FLAGS,
        f"--user-data-dir={folder / 'profile'}",
        f"--screenshot={folder / 'page.png'}",
    ]
    if os.geteuid() == 0:
        command.append("--no-sandbox")  # Chromium refuses to start as root otherwise
    return [*command, (folder / "page.html").as_uri()]


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def framed(page: str) -> str:
    """The page in a frame that may do nothing."""
    return (
        f'<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        "<style>html, body, iframe { margin: 0; border: 0; width: 100%; height: 100%; display: block }</style>"
        f'<iframe sandbox="" referrerpolicy="no-referrer" srcdoc="{escape(page, quote=True)}"></iframe>'
    )


def text_of(response: bytes) -> str:
    """The page in an HTTP response as text."""
    wire = http.split(response)
    body = coding.decode(wire.payload, wire.headers, MOST_BYTES).body
    return charset.decode(body, http.header(wire.headers, "content-type"))

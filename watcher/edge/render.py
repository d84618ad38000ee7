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
from collections.abc import Sequence
from html import escape
from pathlib import Path

from watcher.core import charset, coding, http
from watcher.core.inert import POLICY
from watcher.edge.apart import made_inert

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless_shell")
WIDTH, HEIGHT = 1000, 1400
"""Of each page, in pixels."""
SECONDS = 20
MOST_BYTES = 8 << 20
FLAGS = (
    "--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--no-default-browser-check", "--no-pings",
    "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--disable-domain-reliability", "--disable-client-side-phishing-detection",
    "--disable-breakpad", "--metrics-recording-only", "--mute-audio", "--dns-prefetch-disable", "--incognito",
    "--disable-features=IsolateSandboxedIframes,MediaRouter,OptimizationHints,Translate,InterestFeedContentSuggestions,DialMediaRouteProvider,"
    "NetworkServiceSandbox,AutofillServerCommunication,CertificateTransparencyComponentUpdater",
    "--proxy-server=socks5://127.0.0.1:9", "--proxy-bypass-list=<-loopback>", "--host-resolver-rules=MAP * ~NOTFOUND",
    "--force-device-scale-factor=1",
)  # fmt: skip
"""The proxy is the discard port: nothing listens there, and nothing may go round it, loopback included. A frame that
was painted in its own process would often come too late for the picture (seen: every second one blank)."""


def program() -> str | None:
    """Where Chromium is, under any of its names."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def picture(responses: Sequence[bytes]) -> bytes:
    """A PNG of the pages in these HTTP responses, side by side; empty if they could not be drawn."""
    chromium = program()
    if chromium is None or not responses:
        return b""
    pages = made_inert([text_of(response) for response in responses])
    if pages is None:
        return b""
    with tempfile.TemporaryDirectory(prefix="watcher-draw-") as name:
        folder = Path(name)
        (folder / "page.html").write_text(framed(pages), encoding="utf-8", errors="replace")
        command = _command(chromium, folder, width=WIDTH * len(pages))
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False,
                env=_environment(folder), cwd=folder,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return b""
        drawn = folder / "page.png"
        return drawn.read_bytes() if drawn.is_file() and done.returncode == 0 else b""


def _command(chromium: str, folder: Path, width: int) -> list[str]:
    command = [
        sys.executable,
        "-m",
        "watcher.edge.offline",
        chromium,
        *FLAGS,
        f"--user-data-dir={folder / 'profile'}",
        f"--screenshot={folder / 'page.png'}",
        f"--window-size={width},{HEIGHT}",
    ]
    if os.geteuid() == 0:
        command.append("--no-sandbox")  # Chromium refuses to start as root otherwise
    return [*command, (folder / "page.html").as_uri()]


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def framed(pages: Sequence[str]) -> str:
    """The pages side by side, each in a frame that may do nothing."""
    frames = "".join(
        f'<iframe sandbox="" referrerpolicy="no-referrer" srcdoc="{escape(page, quote=True)}"></iframe>'
        for page in pages
    )
    return (
        f'<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        "<style>html, body { margin: 0; height: 100%; display: flex } "
        f"iframe {{ border: 0; flex: 0 0 {WIDTH}px; height: {HEIGHT}px }}</style>{frames}"
    )


def text_of(response: bytes) -> str:
    """The page in an HTTP response as text."""
    wire = http.split(response)
    body = coding.decode(wire.payload, wire.headers, MOST_BYTES).body
    return charset.decode(body, http.header(wire.headers, "content-type"))

"""Makes the README's pictures from the real thing: runs the demo on a pseudo-terminal and draws what it printed, then
serves what it kept, and takes a picture of the page of the withdrawal.

    .venv/bin/python docs/pictures/make.py
"""

from __future__ import annotations

import io
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

HERE = Path(__file__).parent
COLUMNS = 118
# rich's own template asks a server for a font: a picture in a README asks nobody for anything
FONT_FACES = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def printed(*command: str) -> str:
    """What a program prints on a terminal."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    with subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL, env=environment) as process:
        os.close(theirs)
        told = bytearray()
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            told += part
    os.close(ours)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    return told.decode().replace("\r\n", "\n").strip("\n")


def draw(text: str, title: str, path: Path) -> None:
    """The text as an SVG of a terminal."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(text))
    path.write_text(FONT_FACES.sub("", console.export_svg(title=title, theme=MONOKAI)))


def photograph(folder: Path, path: Path) -> None:
    """The page of the store's withdrawal, as a browser shows it."""
    watcher = [sys.executable, "-m", "watcher", "-c", str(folder / "watcher.toml")]
    told = subprocess.run([*watcher, "events", "--kind", "withdrawn", "--json"], capture_output=True, check=True)
    event = json.loads(told.stdout.splitlines()[0])["id"]
    with (folder / "watcher.toml").open("a") as configuration:
        configuration.write('\n[web]\nlisten = "127.0.0.1:0"\n')
    with subprocess.Popen([*watcher, "serve"], stderr=subprocess.PIPE, text=True) as serving:
        assert serving.stderr is not None
        base = next(found[0] for line in serving.stderr if (found := re.search(r"http://\S+", line)))
        browser = shutil.which("chromium") or shutil.which("google-chrome") or "chromium"
        subprocess.run(
            [
                browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
                "--disable-background-networking", "--disable-component-update", "--window-size=1000,1180",
                f"--screenshot={path}", f"{base}events/{event}",
            ],
            stderr=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        serving.terminate()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        store = Path(place) / "story"
        demo = printed(sys.executable, "-m", "watcher", "demo", str(store))
        draw(demo.replace(place, "…"), "make demo", HERE / "demo.svg")
        photograph(store, HERE / "event.png")

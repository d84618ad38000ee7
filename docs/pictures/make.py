"""Makes the README's pictures from the real thing: runs the demo on a pseudo-terminal and draws what it printed.

    .venv/bin/python docs/pictures/make.py
"""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
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


if __name__ == "__main__":
    draw(printed(sys.executable, "-m", "watcher", "demo"), "make demo", HERE / "demo.svg")

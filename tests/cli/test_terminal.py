"""On a real (pseudo-)terminal: colour, its absence, a narrow window; and nothing captured acts there."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.cli.seed import fill

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def on_terminal(folder: Path, *arguments: str, columns: int = 120, **environ: str) -> tuple[int, str]:
    """Exit code and what a terminal of that width gets."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    clean = {
        name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLUMNS", "LINES", "FORCE_COLOR"}
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "watcher", *arguments],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**clean, "TERM": "xterm-256color", **environ},
    )
    os.close(theirs)
    parts = []
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end was closed
            break
        if not piece:
            break
        parts.append(piece)
    os.close(ours)
    return process.wait(timeout=30), b"".join(parts).decode().replace("\r\n", "\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fill(tmp_path)
    return tmp_path


def test_tables_have_colour(folder: Path) -> None:
    code, shown = on_terminal(folder, "entries")
    assert code == 0
    assert re.search(r"\x1b\[[0-9;]*31m *withdrawn", shown)


def test_no_color(folder: Path) -> None:
    _, shown = on_terminal(folder, "entries", NO_COLOR="1")
    assert "withdrawn" in shown
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", shown)


def test_json_has_no_colour(folder: Path) -> None:
    _, shown = on_terminal(folder, "events", "--json")
    assert shown.count("\n") == 3
    assert "\x1b" not in shown


@pytest.mark.parametrize(("command", "columns"), [("events", 60), ("entries", 200), ("show", 80)])
def test_nothing_captured_acts(folder: Path, command: str, columns: int) -> None:
    code, shown = on_terminal(folder, command, *(["e2evil"] if command == "show" else []), columns=columns)
    rest = COLOUR.sub("", shown)
    assert code == 0
    assert not {"\x1b", "\u202e", "\x07"} & set(rest)
    if command == "events":
        assert "e1velmora" in rest  # no id is cut, even where it stands beyond the edge
        assert "Velmora Log…" in rest
    else:
        assert "[bold]Ltd[/bold]" in rest


def test_a_body_is_not_written_to_a_terminal(folder: Path) -> None:
    code, shown = on_terminal(folder, "show", "--body", "e1velmora")
    assert code == 2
    assert shown == (
        "watcher: the body of a page is not written to a terminal: it could take it over\n"
        "  mend: send it into a pipe, or name a file with -o\n"
    )


def test_watching_status_is_for_terminals(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "watcher", "status", "--watch"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "--watch paints a terminal" in done.stderr

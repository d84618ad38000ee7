"""On a real (pseudo-)terminal: colour, its absence, a narrow window; and nothing captured acts there."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.seed import fill
from watcher import config
from watcher.edge.store import LedgerStore

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def plain_environment() -> dict[str, str]:
    """Ours, without what would speak for the terminal in its place."""
    other = {"NO_COLOR", "COLUMNS", "LINES", "FORCE_COLOR"}
    return {name: value for name, value in os.environ.items() if name not in other}


def on_terminal(folder: Path, *arguments: str, columns: int = 120, **environ: str) -> tuple[int, str]:
    """Exit code and what a terminal of that width gets."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "watcher", *arguments],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**plain_environment(), "TERM": "xterm-256color", **environ},
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


class Screen:
    """A program on a terminal, and all that it painted there; whoever waits for something waits for a while only."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._end, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 140, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "watcher", *arguments],
            cwd=folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**plain_environment(), "TERM": "xterm-256color"},
        )
        os.close(theirs)
        self.painted = b""

    def read_on(self, deadline: float) -> bool:
        """Whether more came; not, if the program ended."""
        ready, _, _ = select.select([self._end], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"nothing more came after {self.painted[-300:]!r}"
        try:
            self.painted += os.read(self._end, 65536)
        except OSError:  # the other end was closed
            return False
        return True

    def wait_for(self, count: int, text: bytes) -> None:
        deadline = time.monotonic() + 60
        while self.painted.count(text) < count:
            assert self.read_on(deadline), f"it ended: {self.painted[-300:]!r}"

    def end(self) -> int:
        deadline = time.monotonic() + 60
        while self.read_on(deadline):
            pass
        return self.process.wait(60)

    def hang_up(self) -> None:
        if self._end >= 0:
            os.close(self._end)
            self._end = -1

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.hang_up()


@contextmanager
def on_screen(folder: Path, *arguments: str) -> Iterator[Screen]:
    screen = Screen(folder, *arguments)
    try:
        yield screen
    finally:
        screen.close()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_status_is_painted_anew_until_it_is_ended(folder: Path, end: signal.Signals) -> None:
    async def put_off() -> None:
        async with LedgerStore.open(folder / "snapshots", vantage="local") as store:
            await store.schedule("clop", datetime.now(UTC) + timedelta(days=3, hours=1))

    with on_screen(folder, "status", "--watch") as screen:
        screen.wait_for(1, b"LAST COMPLETE")
        assert b"in 3 d" not in screen.painted
        asyncio.run(put_off())
        screen.wait_for(1, b"in 3 d")
        screen.process.send_signal(end)
        assert screen.end() == 0
    plain = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", screen.painted.decode())
    assert re.search(r"clop +listing +\w+", plain)
    assert re.search(r"quiet +listing +–", plain)
    assert screen.painted.startswith(b"\x1b[?1049h")
    assert screen.painted.endswith(b"\x1b[?25h\x1b[?1049l")  # the terminal is given back as it was


def test_watching_status_is_for_terminals(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "watcher", "status", "--watch"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "--watch paints a terminal" in done.stderr


def test_practice_on_a_terminal_keeps_json_out_of_it(tmp_path: Path) -> None:
    with on_screen(tmp_path, "practice", "here") as screen:
        screen.wait_for(1, b"visited")
        screen.process.send_signal(signal.SIGINT)
        assert screen.end() == 0
    shown = COLOUR.sub("", screen.painted.decode())
    assert "watching a practice site, offline" in shown
    assert "entries=6" in shown
    assert shown.rstrip().endswith("stopped")
    assert config.load(tmp_path / "here" / "watcher.toml").alerts[0].to == f"file:{tmp_path / 'here' / 'alerts.jsonl'}"


def test_practice_ends_with_its_terminal(tmp_path: Path) -> None:
    """Whoever closes the window means it; SIGHUP reads the configuration again only where there is no terminal."""
    with on_screen(tmp_path, "practice") as screen:
        screen.wait_for(1, b"visited")
        screen.process.send_signal(signal.SIGHUP)
        screen.wait_for(1, b"configuration read again")
        screen.hang_up()
        screen.process.send_signal(signal.SIGHUP)
        assert screen.process.wait(60) == 0


def test_practice_in_a_pipe_gives_programs_their_json(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "watcher", "practice"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any("event=visited" in line for line in process.stderr)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert config.load(tmp_path / "practice" / "watcher.toml").alerts[0].to == "stdout:"

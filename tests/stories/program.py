"""The program itself, started as people start it: its folder, its log, its memory."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

WATCHER = [sys.executable, "-m", "watcher"]
SAMPLE_SECONDS = 0.05


def write(
    folder: Path,
    proxy: str,
    sites: Mapping[str, Sequence[str]],
    *,
    each: str = "",
    more: str = "",
    timeout: str = "20s",
) -> Path:
    """A configuration: site names to mirrors, ``each`` in every ``[[site]]``, ``more`` below all of it."""
    blocks = [f'[watcher]\nstore = "store"\n[proxy]\nurl = "{proxy}"\ntimeout = "{timeout}"\n']
    blocks += [
        f'[[site]]\nname = "{name}"\nmirrors = {json.dumps(list(urls))}\n{each}\n' for name, urls in sites.items()
    ]
    path = folder / "watcher.toml"
    path.write_text("".join(blocks) + more)
    return path


def run(folder: Path, *arguments: str, before: Sequence[str] = (), **how: Any) -> subprocess.CompletedProcess[str]:
    """A command, to its end; ``before`` stands before the program (``unshare -n``)."""
    return subprocess.run(
        [*before, *WATCHER, *arguments], cwd=folder, capture_output=True, text=True, timeout=100, check=False, **how
    )


def objects(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """The JSON objects that a command prints; it must end well."""
    done = run(folder, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json_lines(done.stdout)


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


class Program:
    """``watcher run``, or another command, while the ``with`` block lasts; its log is read line by line."""

    def __init__(
        self, folder: Path, *arguments: str, before: Sequence[str] = (), watcher: Sequence[str] = WATCHER
    ) -> None:
        self.folder = folder
        self.said: list[str] = []
        """Its log so far."""
        self._command = [*before, *watcher, *(arguments or ("run",))]
        self._news = threading.Condition()

    def __enter__(self) -> Program:
        self.process = subprocess.Popen(
            self._command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stderr is not None
        self._listener = threading.Thread(target=self._listen, args=(self.process.stderr,), daemon=True)
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._listener.join()
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()

    def _listen(self, log: IO[str]) -> None:
        for line in log:
            with self._news:
                self.said.append(line)
                self._news.notify_all()
        with self._news:
            self.said.append("")
            self._news.notify_all()

    def until(self, *words: str, start: int = 0, seconds: float = 60) -> str:
        """The first line of the log, from number ``start`` on, that holds all the words."""

        def found() -> str | None:
            if found_line := next((one for one in self.said[start:] if all(word in one for word in words)), None):
                return found_line
            return "" if self.said[-1:] == [""] else None

        with self._news:
            answered = self._news.wait_for(lambda: found() is not None, seconds)
            line = found()
        if not answered or not line:
            raise AssertionError(f"{words} never came:\n{''.join(self.said)}")
        return line

    def lines(self, *words: str) -> list[str]:
        """All lines of the log so far that hold the words."""
        return [line for line in self.said if all(word in line for word in words)]

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self, number: int = signal.SIGTERM, seconds: float = 10) -> int:
        """The exit code of a clean stop; it has so many seconds."""
        self.process.send_signal(number)
        code = self.process.wait(seconds)
        self._listener.join()
        return code

    def kill(self) -> None:
        """As a power cut would end it, and all its page readers."""
        self.process.kill()
        self.process.wait()
        self._listener.join()


# ------------------------------------------------------------------------------------------------------- memory


class Memory:
    """The most memory that a process and its children had together, as long as the ``with`` block lasts."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._pid = process.pid
        self.most_bytes = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self.most_bytes = max(self.most_bytes, sum(map(_bytes_of, family(self._pid))))


def family(pid: int) -> Iterable[int]:
    """The process and all below it."""
    yield pid
    with contextlib.suppress(OSError):  # it may end at any time
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                yield from family(int(child))


def _bytes_of(pid: int) -> int:
    """Its share of the memory: what several processes map counts once. One that is about to become another program
    (vfork) still has all of its parent's, which would count twice."""
    with contextlib.suppress(OSError):
        if _is_about_to_become_another(pid):
            return 0
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _is_about_to_become_another(pid: int) -> bool:
    """Whether its words are its parent's still."""
    parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
    return Path(f"/proc/{pid}/cmdline").read_bytes() == Path(f"/proc/{parent}/cmdline").read_bytes()

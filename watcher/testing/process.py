"""A practice world in a process of its own, so that the watching process connects to nothing but the proxy."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Literal

from watcher.errors import WatcherError


class PracticeProcess:
    """The world while the ``with`` block lasts; it ends by itself if this process is killed.

    ``with PracticeProcess("story") as world:`` – watch ``world.mirror`` through ``world.proxy_url``, ``world.turn()``
    to the next chapter; ``"practice"`` goes on by the clock. The calls wait for an answer, some milliseconds: in
    asynchronous code wrap them in ``asyncio.to_thread``.
    """

    def __init__(self, which: Literal["story", "practice"]) -> None:
        self._command = [sys.executable, "-m", "watcher.testing.world", which]
        self._process: subprocess.Popen[str] | None = None
        self.proxy_url = ""
        self.mirror = ""

    def __enter__(self) -> PracticeProcess:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for whoever watches; the world ends after them
        )
        with ExitStack() as undo:
            undo.callback(self.stop)
            told = self._read() or {}
            undo.pop_all()
        self.proxy_url, self.mirror = told["proxy"], told["mirror"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def turn(self) -> dict[str, Any] | None:
        """What is now the case: its ``caption`` and, in the story, ``looks`` and ``told`` of the chapter that begins
        with this; None when the story is over."""
        if self._process is None or self._process.stdin is None:
            raise RuntimeError("the practice world is not running")
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._read()

    def stop(self) -> None:
        """End the world; all who are connected to it are hung up on."""
        if self._process is None:
            return
        process, self._process = self._process, None
        with process:  # closes the pipes, which ends it
            process.stdin and process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()

    def _read(self) -> dict[str, Any] | None:
        if self._process is None or self._process.stdout is None:
            raise RuntimeError("the practice world is not running")
        line = self._process.stdout.readline()
        if not line:
            raise WatcherError(
                f"the practice site ended with exit code {self._process.wait()}",
                hint=f"what it says of that stands above; to see it alone: {' '.join(self._command[-3:])}",
            )
        answer: dict[str, Any] | None = json.loads(line)
        return answer

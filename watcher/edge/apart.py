"""Work on hostile pages in a process of its own, behind fences, that may be killed: a page can hang any parser.

``python -m watcher.edge.apart TASK`` takes bytes on standard input and gives bytes on standard output.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Literal, Self

import msgspec

from watcher.edge import sandbox
from watcher.errors import EvidenceError, WatcherError

Task = Literal["inert", "reread"]
MEMORY_BYTES = 2 << 30
CPU_SECONDS = 30
WALL_SECONDS = 90
MOST_BYTES = 256 << 20
"""Of what it says: a page that took it over must not fill our memory."""
MODULES = {"inert": ("watcher.core.inert",), "reread": ("watcher.core.bundle_checks", "watcher.core.bundle_reread")}
FAULT = 3
"""Exit status: it was read, and does not hold."""


class Apart:
    """A process that waits for its one piece of work; it may be started long before."""

    def __init__(self, task: Task) -> None:
        try:
            self._process = subprocess.Popen(
                [sys.executable, *("-I", "-X", "utf8", "-m", "watcher.edge.apart"), task],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"HOME": "/"},  # no secret of ours is in the memory of what reads hostile pages
                cwd="/",
            )
        except OSError as error:
            raise WatcherError(
                f"no process could be started to read pages in: {error.strerror}",
                hint="end other programs, or raise what this one may use (ulimit -u, ulimit -n, MemoryMax)",
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        with suppress(BrokenPipeError), self._process:  # closes the pipes, and waits
            pass

    def work(self, data: bytes) -> tuple[int, str]:
        """Its exit status and what it said; another status than its own if that took too long, or was too much."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Timer(WALL_SECONDS, process.kill)
        late.start()
        try:
            with suppress(BrokenPipeError), process.stdin as sink:
                sink.write(data)
            said = process.stdout.read(MOST_BYTES + 1)
            if len(said) > MOST_BYTES:
                process.kill()
            return process.wait(), said.decode("utf-8", "replace")
        finally:
            late.cancel()

    def reread(self, bundle: bytes) -> str:
        """What ``core.bundle_reread`` finds; ``EvidenceError`` if the bundle does not hold, or kills the parser."""
        status, said = self.work(bundle)
        if status == FAULT:
            raise EvidenceError(said)
        if status != 0:
            raise EvidenceError("the pages could not be read again: that took more time or memory than is allowed")
        return said


def made_inert(pages: Sequence[str]) -> list[str] | None:
    """The pages as ``core.inert`` makes them; None if one killed the parser."""
    with Apart("inert") as apart:
        status, said = apart.work(json.dumps(pages).encode())
    if status != 0:
        return None
    with suppress(ValueError):
        made = msgspec.json.decode(said, type=list[str])
        return made if len(made) == len(pages) else None
    return None


def reread_apart(bundle: bytes) -> str:
    """``Apart.reread`` in a process that is started now."""
    with Apart("reread") as apart:
        return apart.reread(bundle)


def _reread(data: bytes) -> str:
    from watcher.core import bundle_checks
    from watcher.core.bundle_reading import open_bundle
    from watcher.core.bundle_reread import reread
    from watcher.core.checks import told

    opened = open_bundle(data)
    with told():
        bundle_checks.fill_blocks(opened)
        return reread(opened)


def _inert(data: bytes) -> str:
    from watcher.core.inert import inert

    return json.dumps([inert(page) for page in json.loads(data)])


def main() -> int:
    """Do the task that the arguments name."""
    task = sys.argv[1]
    for module in MODULES[task]:  # loaded while the work is awaited
        import_module(module)
    data = sys.stdin.buffer.read()
    sandbox.enter(MEMORY_BYTES)
    sandbox.allow_cpu(CPU_SECONDS)
    code = 0
    try:
        said = _inert(data) if task == "inert" else _reread(data)
    except EvidenceError as error:
        said, code = str(error), FAULT
    sys.stdout.buffer.write(said.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()
    return code


if __name__ == "__main__":
    sys.exit(main())

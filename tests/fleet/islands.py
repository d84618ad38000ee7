"""Machines of a fleet as network namespaces: each has one link to here, that can be cut; slow, where the kernel can."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self


class Island:
    """A network namespace that lasts as long as the ``with`` block; nothing is called by a name that others use."""

    def __init__(self, number: int) -> None:
        self.here, self.there = f"10.77.{number}.1", f"10.77.{number}.2"
        """The two ends of the link."""
        self._link, self._far = f"near{number}", f"far{number}"
        self._holder: subprocess.Popen[str] | None = None

    @property
    def inside(self) -> tuple[str, ...]:
        """Stands before a command that is to run there."""
        assert self._holder is not None
        return "nsenter", "--net", "-t", str(self._holder.pid), "--"

    def __enter__(self) -> Self:
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo there; exec sleep infinity"], stdout=subprocess.PIPE, text=True
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == "there\n"
        _run("ip", "link", "add", self._link, "type", "veth", "peer", self._far, "netns", str(self._holder.pid))
        _run("ip", "addr", "add", f"{self.here}/30", "dev", self._link)
        _run("ip", "link", "set", self._link, "up")
        _run(*self.inside, "ip", "addr", "add", f"{self.there}/30", "dev", self._far)
        _run(*self.inside, "ip", "link", "set", "lo", "up")
        _run(*self.inside, "ip", "link", "set", self._far, "up")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._holder is not None:
            self._holder.kill()
            self._holder.communicate()

    def cut(self) -> None:
        """Nothing goes through any more, and nobody is told: what was connected hangs."""
        _run("ip", "link", "set", self._link, "down")

    def mend(self) -> None:
        """The link stands again."""
        _run("ip", "link", "set", self._link, "up")

    def slow(self, milliseconds: int) -> bool:
        """Everything takes so long from here to there; False: this kernel cannot (``sch_netem``)."""
        command = ["tc", "qdisc", "add", "dev", self._link, "root", "netem", "delay", f"{milliseconds}ms"]
        try:
            return subprocess.run(command, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            return False


def inside_of_its_own(module: str, *arguments: str, seconds: float) -> None:
    """Run a module in a network namespace that has nothing but ``lo``; AssertionError with what it said if it fails."""
    inside = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    command = [*inside, sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False, timeout=seconds
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"

"""A store of a million captures: what questions cost, start-up included; and start-up alone.

python -m benchmarks.million [FOLDER]     a store that `benchmarks.big_store` made; without it one is made
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.big_store import build
from benchmarks.report import Part, median, reached

ROUNDS = 5
LIMIT, START_LIMIT = 0.3, 0.25
QUESTIONS = (
    ("--version",),
    ("status",),
    ("status", "--json"),
    ("entries", "--site", "site-050"),
    ("entries", "--site", "site-050", "--json"),
    ("events", "--since", "2026-11-22T00:00:00Z"),
    ("events", "--site", "site-050", "--json"),
    ("captures", "--site", "site-050", "--since", "2026-11-22T00:00:00Z"),
    ("entries", "--json"),
    ("events", "--json"),
)
"""The last two say all there is: 100,000 entries, 50,000 events; what they take goes with that."""
WHOLE = frozenset({("entries", "--json"), ("events", "--json")})


def measure(store: str = "", captures: int = 1_000_000) -> Part:
    """The table."""
    rows, worst, start = [], 0.0, 0.0
    with tempfile.TemporaryDirectory(prefix="watcher-bench-") as temporary:
        folder = Path(temporary)
        full = Path(store).absolute() if store else folder / "full"
        if not store:
            build(full, sites=200, captures=captures, entries=100_000, events=50_000)
        names = [f"site-{number:03d}" for number in range(200)]
        blocks = [f'[[site]]\nname = "{name}"\nmirrors = ["http://{name}-a.example/"]\n' for name in names]
        config = f'[watcher]\nstore = "{full}"\n' + "\n".join(blocks)
        (folder / "watcher.toml").write_text(config, encoding="utf-8")
        size = sum(path.stat().st_size for path in full.rglob("*") if path.is_file())
        for question in QUESTIONS:
            command = [*_watcher(), *question] + ([] if question[0] == "--version" else ["-c", "watcher.toml"])
            seconds, cpu, lines = _timed(command, folder, 1 if question in WHOLE else ROUNDS)
            rows.append((f"`watcher {' '.join(question)}`", f"{seconds:.3f} s", f"{cpu:.3f} s", f"{lines:,}"))
            if question[0] == "--version":
                start = seconds
            elif question not in WHOLE:
                worst = max(worst, seconds)
    return Part(
        title=f"Questions to a store of {captures:,} captures ({size / 1e6:,.0f} MB), whole process",
        columns=("", "wall clock", "CPU", "lines"),
        rows=rows,
        notes=(
            f"- start-up alone < {START_LIMIT} s: {reached(start, START_LIMIT)} ({start:.3f} s)",
            f"- questions < {LIMIT} s: {reached(worst, LIMIT)} (the slowest {worst:.3f} s; the last two rows, which "
            "print all entries and all events there are, apart)",
        ),
    )


def _watcher() -> list[str]:
    return [str(Path(sys.executable).with_name("watcher"))]


def _timed(command: list[str], folder: Path, rounds: int) -> tuple[float, float, int]:
    """Wall clock and processor time, medians of several runs after one that warms the disk's cache; and the lines that
    were said. On a machine that does nothing else the two are nearly the same. As in every installation, what Python
    compiled in the first run is there for the others."""
    took, spent, lines = [], [], 0
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for number in range(rounds + 1):
        began, before = time.perf_counter(), _children()
        done = subprocess.run(command, cwd=folder, env=compiled, capture_output=True, check=True, timeout=120)
        if number:
            took.append(time.perf_counter() - began)
            spent.append(_children() - before)
        lines = done.stdout.count(b"\n")
        if "--json" in command and lines:
            json.loads(done.stdout.partition(b"\n")[0])
    return median(took), median(spent), lines


def _children() -> float:
    """Processor time of the programs that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    print(measure(*sys.argv[1:]).markdown())

"""What `watcher diff` costs: an entry gone from a large page, and pages made to cost as much as they can.

python -m benchmarks.diffing
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.report import Part, median, reached
from watcher.core.comparison import Side, compared, entry_changes
from watcher.records import Entry

CARDS = 1_450
LARGE = 3_000_000
MOST_SECONDS, MOST_MIB, MOST_MS = 5.0, 300, 50.0
BY = ("entries", "text", "source")


def _card(number: int) -> str:
    return (
        f"<div class='card'><h3>Ashgrove {number} Holdings</h3><p>{number * 7} GB of documents, contracts and more.</p>"
        f"<span>views: {number * 13}</span><a href='/x/{number}'>read</a></div>"
    )


def _cards(numbers: list[int]) -> str:
    return f"<html><body>{''.join(map(_card, numbers))}</body></html>"


def _entries(numbers: list[int]) -> tuple[Entry, ...]:
    """The same cards as the store holds them once they were read."""
    return tuple(
        Entry(
            key=f"ashgrove {number} holdings",
            title=f"Ashgrove {number} Holdings",
            url=f"http://x/{number}",
            fields={"text": f"{number * 7} GB of documents, contracts and more."},
        )
        for number in numbers
    )


def _pairs() -> dict[str, tuple[str, str]]:
    """Pages of 3 MB, before and after."""
    chance = random.Random(7)

    def drawn(letters: str) -> str:
        return "".join(chance.choices(letters, k=LARGE))

    def soup() -> str:
        tags = ("<div>", "</div>", "<p>", "<td>", "<li class=a>", "</table>", "<a href=/b>", "word ", "12 ", "<table>")
        return "".join(chance.choices(tags, k=LARGE // 6))

    def numbered() -> str:
        return "".join(f"<p>line {line} {chance.random()}</p>" for line in range(LARGE // 32))

    return {
        "random letters and brackets": (drawn("abc <>/'\n"), drawn("abc <>/'\n")),
        "random tags": (soup(), soup()),
        "one line": (drawn("abc "), drawn("abc ")),
        "one block, over and over": ("<p>x</p>" * (LARGE // 8), "<p>x</p>" * (LARGE // 8 - 7) + "<p>y</p>" * 7),
        "deep nesting": ("<div>" * (LARGE // 5), "<div>" * (LARGE // 5 - 100)),
        "other numbers in each line": (numbered(), numbered()),
    }


def _program(old: Path, new: Path, by: str, seed: int) -> tuple[float, int, bytes]:
    """CPU seconds and peak MiB of the program (the largest of its processes), and what it printed."""
    command = [str(Path(sys.executable).with_name("watcher")), "diff", str(old), str(new), "--by", by]
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime, used.ru_maxrss >> 10, printed


def _milliseconds(work: Callable[[], object]) -> float:
    took = []
    for _ in range(7):
        begin = time.process_time()
        work()
        took.append((time.process_time() - begin) * 1000)
    return median(took)


def measure() -> Part:
    """The table."""
    whole, less = list(range(CARDS)), [number for number in range(CARDS) if number != CARDS // 2]
    old, new = Side(label="old", markup=_cards(whole)), Side(label="new", markup=_cards(less))
    rows = []
    slowest = 0.0
    size = f"{len(old.markup) // 1000} kB"
    before, after = _entries(whole), _entries(less)
    work: dict[str, Callable[[], object]] = {
        "entries": lambda: entry_changes(before, after),
        "text": lambda: compared(old, new, "text"),
        "source": lambda: compared(old, new, "source"),
    }
    for by in BY:
        took = _milliseconds(work[by])
        slowest = max(slowest, took)
        rows.append((f"one of {CARDS} entries removed, {size}, two captures of a store", by, f"{took:.0f} ms", "", ""))
    most_seconds, most_mib, alike = 0.0, 0, True
    with tempfile.TemporaryDirectory() as temporary:
        for name, pair in _pairs().items():
            files = [Path(temporary, side) for side in ("old.html", "new.html")]
            for file, markup in zip(files, pair, strict=True):
                file.write_text(markup, encoding="utf-8")
            for by in BY:
                seconds, mib, printed = _program(*files, by, 1)
                again = _program(*files, by, 2)[2]
                alike &= printed == again
                most_seconds, most_mib = max(most_seconds, seconds), max(most_mib, mib)
                rows.append((f"two of 3 MB: {name}", by, f"{seconds:.1f} s", f"{mib} MiB", f"{len(printed):,}"))
    return Part(
        title="Diffs",
        columns=("pages", "by", "CPU", "peak memory", "bytes printed"),
        rows=rows,
        notes=(
            "Those of 3 MB are files given to the program: its start and, by entries, reading them are counted; the "
            "memory is that of the largest of its processes.",
            "",
            f"- one entry removed < 50 ms: {reached(slowest, MOST_MS)} ({slowest:.0f} ms)",
            f"- the worst of 3 MB < 5 s: {reached(most_seconds, MOST_SECONDS)} ({most_seconds:.1f} s)",
            f"- in < 300 MiB: {reached(most_mib, MOST_MIB)} ({most_mib} MiB)",
            f"- printed twice, to the byte the same with other hash seeds: {'yes' if alike else '**no**'}",
        ),
    )


if __name__ == "__main__":
    print(measure().markdown())

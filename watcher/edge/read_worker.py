"""The process that reads pages: behind fences, one page after the other, until its input ends or a page kills it.

``python -m watcher.edge.read_worker MEMORY_BYTES CPU_SECONDS``. It speaks on standard input and output, in messages of
sections, each with its length before it: JSON first, then bytes as they are. Never pickle: whoever takes this process
over can say what a page reads, and nothing else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import BinaryIO

import msgspec

from watcher.core.reading import read_detail, read_page
from watcher.edge import sandbox
from watcher.edge.machine import collect_seldom
from watcher.edge.read_talk import LENGTH, Answer, Ask
from watcher.records import Hints, Page, Reading

TIRED_AFTER = 2_000
"""Pages, then a fresh process: whatever the parser leaks goes with the old one."""


BUSY = 1_000_000
"""A page is read in one go and all of it let go of at once: looking for rings among its nodes finds none."""


def main() -> None:
    """Read until the input ends."""
    memory_bytes, cpu_seconds = int(sys.argv[1]), int(sys.argv[2])
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    fences = sandbox.enter(memory_bytes)
    collect_seldom(BUSY)
    _write(sink, [msgspec.json.encode(fences)])
    pages = 0
    while (sections := _read(source, 3)) is not None:
        pages += 1
        sandbox.allow_cpu(cpu_seconds)
        reading, memory = _answer(*sections)
        tired = pages >= TIRED_AFTER or sandbox.resident_bytes() * 2 > memory_bytes
        _write(sink, [msgspec.json.encode(Answer(reading=reading, tired=tired)), memory])
        if tired:
            return


def _answer(question: bytes, body: bytes, memory: bytes) -> tuple[Reading, bytes]:
    ask = msgspec.json.decode(question, type=Ask)
    page = Page(body=body, url=ask.url, status=ask.status, content_type=ask.content_type, cut=ask.cut)
    if ask.title is not None:
        return read_detail(page, memory, ask.title), memory
    return read_page(page, memory, ask.known, ask.hints or Hints())


def _read(source: BinaryIO, number: int) -> list[bytes] | None:
    """The sections of one message; None at the end of the input."""
    sections = []
    for _ in range(number):
        head = source.read(LENGTH.size)
        if len(head) < LENGTH.size:
            return None
        (length,) = LENGTH.unpack(head)
        section = source.read(length)
        if len(section) < length:
            return None
        sections.append(section)
    return sections


def _write(sink: BinaryIO, sections: Sequence[bytes]) -> None:
    sink.write(b"".join(part for section in sections for part in (LENGTH.pack(len(section)), section)))
    sink.flush()


if __name__ == "__main__":
    try:
        main()
    except MemoryError:
        # nothing may be left to say it with
        os._exit(70)

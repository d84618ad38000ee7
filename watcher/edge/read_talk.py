"""What is said to a process that reads pages, and what it answers (``read_worker``)."""

from __future__ import annotations

import struct

import msgspec

from watcher.records import PAGE_VERDICTS, Hints, Reading

LENGTH = struct.Struct(">I")
"""Before each section of a message."""


class Ask(msgspec.Struct, forbid_unknown_fields=True):
    """What to read, and as what. Two sections follow: the body and the memory."""

    url: str
    status: int
    content_type: str
    cut: str
    title: str | None = None
    """For an entry's own page; None: it is a listing page."""
    known: tuple[str, ...] = ()
    hints: Hints | None = None


class Answer(msgspec.Struct):
    """What was read. One section follows: the memory."""

    reading: Reading
    tired: bool = False
    """This process ends now: start another."""

    def __post_init__(self) -> None:
        if self.reading.verdict not in PAGE_VERDICTS:
            raise ValueError("no verdict")

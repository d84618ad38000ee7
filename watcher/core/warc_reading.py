"""WARC files that others wrote (ISO 28500, versions 0.17 to 1.1), record by record, plain or gzip: whatever they hold.

Nothing is believed: every length is bounded before it is read, and what is wrong is told with its place. Streaming: one
record at a time is in memory.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from watcher.errors import UnreadableError

CHUNK = 64 * 1024
LONGEST_HEAD = 64 * 1024
LONGEST_BLOCK = 64 << 20
"""A record that is larger is passed over: no page is."""
MOST_PASSED = 64 << 30
"""Bytes that are read, unpacked, before the file is given up on: a bomb."""
_VERSION = re.compile(rb"WARC/(?:0\.1[78]|1\.[01])[ \t]*\r?\n?")
_DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(\.\d{1,9})?Z?")
Read = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One record."""

    kind: str
    """``response``, ``request``, ``resource``, ``revisit`` …"""
    headers: Mapping[str, str]
    """Lower-case names; the first of several."""
    block: bytes
    """Empty if ``too_large``."""
    too_large: bool
    number: int
    """Of the record in the file, from 1."""

    @property
    def id(self) -> str:
        return self.headers.get("warc-record-id", "").strip("<> ")

    @property
    def url(self) -> str:
        """The address; some writers put it in angle brackets."""
        return self.headers.get("warc-target-uri", "").strip("<> ")

    @property
    def at(self) -> datetime | None:
        """When it says that it was made; None if it does not say so."""
        match = _DATE.fullmatch(self.headers.get("warc-date", "").strip())
        if match is None:
            return None
        try:
            whole = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
        except ValueError:
            return None
        return whole.replace(microsecond=int(((match[2] or ".0")[1:7]).ljust(6, "0")))


class WarcFile:
    """Iterate over it for its records; ``fault`` then says why it ended early, if it did."""

    def __init__(self, read: Read) -> None:
        """``read(n)`` gives at most n bytes, none at the end."""
        start = read(2)
        pieces = _unpacked(start, read) if start == b"\x1f\x8b" else _plain(start, read)
        self._rest = io.BufferedReader(_Source(pieces), CHUNK)
        self.fault = ""

    def __iter__(self) -> Iterator[Found]:
        """Raises UnreadableError if it is no WARC file from its very beginning."""
        number = 0
        try:
            while (record := self._next(number + 1)) is not None:
                number += 1
                yield record
        except UnreadableError as error:
            if not number:
                raise
            self.fault = str(error)

    def _next(self, number: int) -> Found | None:
        while (line := self._rest.readline(LONGEST_HEAD)) in (b"\r\n", b"\n"):
            pass
        if not line:
            return None
        if not _VERSION.fullmatch(line):
            raise UnreadableError(
                f"record {number} does not begin with WARC/1.x: this is no WARC file, or damaged here"
            )
        headers = self._headers(number)
        said = headers.get("content-length", "").strip()
        if not re.fullmatch(r"[0-9]{1,15}", said):
            raise UnreadableError(f"record {number} does not say how long it is")
        size = int(said)
        too_large = size > LONGEST_BLOCK
        block, left = bytearray(), size
        while left:
            piece = self._rest.read(min(left, CHUNK))
            if not piece:
                raise UnreadableError(f"the file ends within record {number}")
            left -= len(piece)
            block += b"" if too_large else piece
        return Found(
            kind=headers.get("warc-type", "").strip().lower(),
            headers=headers,
            block=bytes(block),
            too_large=too_large,
            number=number,
        )

    def _headers(self, number: int) -> dict[str, str]:
        headers: dict[str, str] = {}
        last, left = "", LONGEST_HEAD
        while (line := self._rest.readline(left)) not in (b"\r\n", b"\n"):
            left -= len(line)
            if not line.endswith(b"\n") or left <= 0:
                raise UnreadableError(f"the head of record {number} does not end")
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if text[:1] in " \t" and last:  # a folded line
                headers[last] += f" {text.strip()}"
                continue
            name, colon, value = text.partition(":")
            if not colon:
                raise UnreadableError(f"the head of record {number} holds a line without a colon")
            last = name.strip().lower()
            if last in headers:
                last = f"{last}*"
            headers[last] = value.strip()
        return headers


class _Source(io.RawIOBase):
    """Bytes as they come, as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._held = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        held = self._held or next(self._pieces, b"")
        taken, self._held = held[: len(room)], held[len(room) :]
        room[: len(taken)] = taken
        return len(taken)


def _plain(start: bytes, read: Read) -> Iterator[bytes]:
    passed = 0
    piece = start
    while piece and passed <= MOST_PASSED:
        passed += len(piece)
        yield piece
        piece = read(CHUNK)


def _unpacked(start: bytes, read: Read) -> Iterator[bytes]:
    """The contents of one gzip member after the other, never more than a chunk at a time."""
    passed, data = 0, start
    member = zlib.decompressobj(31)
    while True:
        try:
            piece = member.decompress(data, CHUNK)
        except zlib.error as error:
            raise UnreadableError(f"its compression is damaged: {error}") from error
        passed += len(piece)
        if passed > MOST_PASSED:
            raise UnreadableError(f"it holds more than {MOST_PASSED >> 30} GiB")
        if piece:
            yield piece
        if member.eof:
            data = member.unused_data.lstrip(b"\0") or read(CHUNK)
            member = zlib.decompressobj(31)
            if not data:
                return
            continue
        data = member.unconsumed_tail
        if not data:
            data = read(CHUNK)
            if not data:
                raise UnreadableError("it ends within a compressed record")

"""An HTTP/1 response taken apart, and put together again byte for byte (RFC 9112).

``split`` finds head, payload and the recipe of the transfer framing (``core.framing``); ``rebuild`` gives the received
bytes back, for any input at all. Nothing here raises for what a server sends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from watcher.core import framing as recipes
from watcher.core.coding import Decoded, decode

__all__ = [
    "Decoded", "Head", "Wire",
    "decode", "head_length", "header", "is_interim", "parse_head", "rebuild", "split", "values",
]  # fmt: skip

Headers = Sequence[tuple[str, str]]

MOST_CHUNKS = 100_000
"""A body in more chunks than this is cut there: 16 MiB in single bytes would hold a process up for seconds."""

_STATUS_LINE = re.compile(rb"HTTP/(\d(?:\.\d)?)[ \t]+([1-9]\d\d)(?:[ \t]+([^\r\n]*))?[ \t]*\r?\n")
_CHUNK_LINE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*|\r?)\n")
_HEAD_END = re.compile(rb"\n\r?\n")
_BLANK = re.compile(rb"[\r\n]*")
_DIGITS = re.compile(r"[0-9]{1,18}")
_WHITE = " \t"
_NO_BODY = frozenset({204, 304})
_SWITCHING = 101


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What the head of a response says."""

    status: int
    reason: str = ""
    version: str = "1.1"
    headers: tuple[tuple[str, str], ...] = ()
    """As sent: order, case and duplicates kept; latin-1; folded lines joined by one space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A response taken apart: ``rebuild(head, payload, framing)`` is what was received."""

    head: bytes
    """Interim responses and the final head, blank line included; everything, if no head ever ended."""
    status: int | None
    """Of the final response; None if there is no whole head."""
    headers: tuple[tuple[str, str], ...] = ()
    payload: bytes = b""
    """The body without transfer framing, content coding left on."""
    framing: bytes = b""
    """The recipe of the transfer framing; empty for a plain body."""
    cut: str = ""
    """Why it is not whole: ``head``, ``bad-http``, ``length``, ``chunked``, ``limit``; empty: it is."""
    until_close: bool = False
    """Only the end of the connection told the end of the body: whoever saw it must judge whether it was whole."""


# -------------------------------------------------------------------------------------------------------- the head


def head_length(response: bytes | bytearray, start: int = 0, searched: int = 0) -> int:
    """Where the head that begins at ``start`` ends, its blank line included; -1 if it has not ended.

    Who asks again when more has come says how far he ``searched``: heads come byte by byte, too.
    """
    blank = _BLANK.match(response, start)  # empty lines may come first (RFC 9112 section 2.2)
    start = blank.end() if blank else start
    found = _HEAD_END.search(response, max(start, searched - 2))
    return found.end() if found else -1


def parse_head(head: bytes) -> Head | None:
    """What the final head among ``head`` says; None if there is no whole HTTP head."""
    return _final_head(head)[2]


def values(headers: Headers, name: str) -> tuple[str, ...]:
    """Every value of a header, in order."""
    wanted, size = name.lower(), len(name)
    return tuple([value for key, value in headers if len(key) >= size and key.strip(_WHITE).lower() == wanted])


def header(headers: Headers, name: str) -> str:
    """The first value of a header; empty without one."""
    return next(iter(values(headers, name)), "")


def is_interim(head: bytes) -> bool:
    """Whether another head follows this one (RFC 9110 section 15.2)."""
    first = _STATUS_LINE.match(head.lstrip(b"\r\n"))
    return first is not None and _is_interim(int(first[2]))


def _is_interim(status: int) -> bool:
    return 100 <= status < 200 and status != _SWITCHING  # 101 leaves HTTP


def _final_head(response: bytes) -> tuple[int, int, Head | None]:
    """Where the final head starts and ends, and what it says; None if it is not there whole, or is no HTTP."""
    start = 0
    while (end := head_length(response, start)) >= 0:
        head = _parse(response[start:end])
        if head is None or not _is_interim(head.status):
            return start, end, head
        start = end
    return start, len(response), None


@lru_cache(maxsize=128)  # one exchange asks for its head several times over
def _parse(head: bytes) -> Head | None:
    text = head.lstrip(b"\r\n")
    first = _STATUS_LINE.match(text)
    if first is None:
        return None
    pairs: list[tuple[str, str]] = []
    for raw in text[first.end() :].split(b"\n"):
        line = raw.removesuffix(b"\r").decode("latin-1")
        if line[:1] in {" ", "\t"} and pairs:  # obs-fold, RFC 9112 section 5.2
            name, value = pairs[-1]
            pairs[-1] = name, f"{value} {line.strip(_WHITE)}".strip(_WHITE)
        elif line:
            name, _, value = line.partition(":")
            pairs.append((name, value.strip(_WHITE)))
    return Head(
        status=int(first[2]),
        reason=(first[3] or b"").decode("latin-1").strip(_WHITE),
        version=first[1].decode("ascii"),
        headers=tuple(pairs),
    )


# -------------------------------------------------------------------------------------------------------- the body


class _Piece(NamedTuple):
    """A stretch of payload, as offsets; framing lies before ``start`` and up to ``after``."""

    start: int
    end: int
    after: int


class _Body(NamedTuple):
    pieces: Sequence[_Piece] = ()
    cut: str = ""
    until_close: bool = False


def split(response: bytes) -> Wire:
    """A response taken apart; whatever it is, ``rebuild`` gives it back."""
    begin, end, head = _final_head(response)
    if head is None:
        return Wire(head=response, status=None, cut="head" if _may_become_http(response[begin:]) else "bad-http")
    body = _body(response, end, head)
    return Wire(
        head=response[:end],
        status=head.status,
        headers=head.headers,
        payload=b"".join(response[piece.start : piece.end] for piece in body.pieces),
        framing=_recipe(response, end, body.pieces),
        cut=body.cut,
        until_close=body.until_close,
    )


def rebuild(head: bytes, payload: bytes, framing: bytes) -> bytes:
    """What was received, byte for byte; ValueError if the recipe is damaged or does not fit the payload."""
    return head + recipes.weave(payload, framing)


def rebuilds(head: bytes, payload: bytes, framing: bytes, response: bytes) -> bool:
    """Whether ``rebuild`` gives just this response; most are compared in place, and not held once more."""
    body = recipes.weave(payload, framing)
    return len(response) == len(head) + len(body) and response.startswith(head) and response.endswith(body)


def _may_become_http(start: bytes) -> bool:
    """Whether these bytes are the beginning of a head."""
    text = start.lstrip(b"\r\n")
    return bool(_STATUS_LINE.match(text)) if b"\n" in text else b"HTTP/".startswith(text[:5])


def _body(response: bytes, start: int, head: Head) -> _Body:
    """Where the payload lies (RFC 9112 section 6.3)."""
    if head.status in _NO_BODY or head.status == _SWITCHING:
        return _Body()
    rest = _Piece(start, len(response), len(response))
    codings = _list(head.headers, "transfer-encoding")
    lengths = set(_list(head.headers, "content-length"))
    if codings and codings[-1] == "chunked":
        pieces, cut = _chunks(response, start)
        return _Body(pieces, cut or ("bad-http" if lengths else ""))
    if codings:
        return _Body((rest,), "bad-http" if lengths else "", until_close=True)
    if not lengths:
        return _Body((rest,), until_close=True)
    length = lengths.pop()
    if lengths or not _DIGITS.fullmatch(length):
        return _Body((rest,), "bad-http")
    end = start + int(length)
    if end > len(response):
        return _Body((rest,), "length")
    return _Body((_Piece(start, end, end),))


def _list(headers: Headers, name: str) -> list[str]:
    """The members of a header that is a list, in lower case."""
    return [word.strip(_WHITE).lower() for value in values(headers, name) for word in value.split(",")]


def _chunks(response: bytes, place: int) -> tuple[list[_Piece], str]:
    """The chunks from ``place`` on, the closing one with its trailers included (RFC 9112 section 7.1); why cut."""
    pieces: list[_Piece] = []
    for _ in range(MOST_CHUNKS):
        line = _CHUNK_LINE.match(response, place)
        if line is None:
            return pieces, "chunked"
        start, size = line.end(), int(line[1], 16)
        end = min(start + size, len(response))
        after = _line_end(response, end) if size else _trailers_end(response, start)
        whole = end == start + size and after >= 0
        pieces.append(_Piece(start, end, after if whole else end))
        if not whole or not size:
            return pieces, "" if whole else "chunked"
        place = after
    return pieces, "limit"


def _line_end(response: bytes, place: int) -> int:
    if response.startswith(b"\r\n", place):
        return place + 2
    return place + 1 if response.startswith(b"\n", place) else -1


def _trailers_end(response: bytes, place: int) -> int:
    """Where the trailers end, their blank line included; -1 if they do not."""
    if (end := _line_end(response, place)) >= 0:
        return end
    found = _HEAD_END.search(response, place)
    return found.end() if found else -1


def _recipe(response: bytes, place: int, pieces: Sequence[_Piece]) -> bytes:
    if len(pieces) == 1 and pieces[0] == (place, len(response), len(response)):
        return b""  # a plain body
    steps: list[recipes.Step] = []
    for piece in pieces:
        size = piece.end - piece.start
        before, behind = response[place : piece.start], response[piece.end : piece.after]
        if behind == b"\r\n" and before == b"%x\r\n" % size:
            steps.append(recipes.Chunk(size))
        else:
            steps += (before, recipes.Copy(size), behind)
        place = piece.after
    steps.append(response[place:])
    return recipes.write(steps)

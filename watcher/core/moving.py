"""Where a page moves though nothing follows from it: counters, clocks, nonces; and whether another shows the same.

A page is taken for words (runs of ASCII letters and digits) and what stands between them. A place where one page has
``1207`` and the next one ``1211`` may hold any number of as many digits; all else must be what it was, to the byte. So
neither markup nor any word of a language can move. Which places are harmless is not for this module to say: it is
asked for two pages that were read and decided in full, and led to the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from itertools import accumulate
from struct import Struct
from typing import NamedTuple

from xxhash import xxh3_64

from watcher.records import Page

MOST_PLACES = 600
MOST_BYTES = 256 * 1024
"""Of a page: larger ones are read."""
LONGEST_NUMBER, LEAST_NONCE, LONGEST_NONCE = 20, 8, 128
DIGITS, HEX, MIXED = 0, 1, 2
IN_TEXT = 4
"""A visible word: of such, and of what stands fast, the visible text is made."""
_PLACE = Struct("<IBBB")
"""How much stands fast before it, what it holds, and of which lengths."""
_WORD = re.compile(rb"[0-9A-Za-z]+")
_PARTS = re.compile(rb"([0-9A-Za-z]+)")
_HEX = re.compile(rb"(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]+")
_MIXED = re.compile(rb"(?=[0-9]*[A-Za-z])(?=[A-Za-z]*[0-9])[0-9A-Za-z]+")
_ESCAPE = b"\x1b"
"""Begins text of which letters and digits are only the spelling (ISO 2022)."""
_TAG = re.compile(rb"<(/?)([A-Za-z][^\s<>/]*)[^<>]*>?")
_STEADY = re.compile(
    rb"[\s\"'](?:style|class|id)\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s<>\"']*)|&#?\w*", re.IGNORECASE | re.ASCII
)
"""Attributes that say how a page is to be read, and signs spelled by their numbers: there nothing may move."""
_TELLING = frozenset({b"style", b"title", b"h1", b"h2", b"h3"})
"""Elements whose numbers may say what kind of page it is: nor there."""
_SILENT = frozenset({b"script", b"head"})


class Mask(NamedTuple):
    """What two pages, and all that fit, have in common."""

    places: bytes
    """Packed."""
    fixed: bytes
    """Digest of all that stands fast."""

    def mark(self, page: Page) -> bytes | None:
        """A digest of what the page visibly says, if it fits; None if it differs elsewhere than in its places."""
        body = page.body
        if len(body) > MOST_BYTES:
            return None
        fixed, said, at = sha256(_frame(page)), xxh3_64(self.fixed), 0
        for gap, kind, least, most in _PLACE.iter_unpack(self.places):
            word = _WORD.match(body, at + gap)
            if word is None or not least <= len(word[0]) <= most or not _holds(kind & ~IN_TEXT, word[0]):
                return None
            fixed.update(body[at : at + gap])
            at = word.end()
            if kind & IN_TEXT:
                said.update(word[0] + b" ")
        fixed.update(body[at:])
        return said.digest() if fixed.digest() == self.fixed else None


class _Place(NamedTuple):
    kind: int
    least: int
    most: int


def mask_of(before: Page, after: Page, known: Mask | None = None) -> Mask | None:
    """What both pages fit, and ``known`` (which ``before`` fits) with them; None if they differ in more than places may
    hold."""
    if _frame(before) != _frame(after) or max(len(before.body), len(after.body)) > MOST_BYTES:
        return None
    old, new = _PARTS.split(before.body), _PARTS.split(after.body)
    if old[0::2] != new[0::2] or _ESCAPE in after.body:
        return None
    starts = [0, *accumulate(map(len, new))]
    steady, unseen = _steady_and_unseen(after.body)
    places = dict(_places(known, old)) if known is not None else {}
    for index in range(1, len(new), 2):
        if old[index] == new[index] and index not in places:
            continue
        place = _joined(old[index], new[index], places.get(index))
        if place is None or steady[starts[index]]:
            return None
        seen = 0 if unseen[starts[index]] else IN_TEXT
        places[index] = place._replace(kind=place.kind | seen)
    if len(places) > MOST_PLACES:
        return None
    packed, fixed, at = [], sha256(_frame(after)), 0
    for index in sorted(places):
        packed.append(_PLACE.pack(starts[index] - at, *places[index]))
        fixed.update(after.body[at : starts[index]])
        at = starts[index + 1]
    fixed.update(after.body[at:])
    return Mask(b"".join(packed), fixed.digest())


def _steady_and_unseen(body: bytes) -> tuple[bytearray, bytearray]:
    """For each byte whether nothing may move there, and whether it is surely no visible text."""
    steady, unseen = bytearray(len(body)), bytearray(len(body))
    for span in _STEADY.finditer(body):
        _mark(steady, *span.span())
    opened: dict[bytes, int] = {}
    for tag in _TAG.finditer(body):
        _mark(steady, tag.start(), tag.end(2))
        _mark(unseen, *tag.span())
        name = tag[2].lower()
        if not tag[1]:
            opened.setdefault(name, tag.start())
        elif name in opened:
            begin = opened.pop(name)
            if name in _TELLING:
                _mark(steady, begin, tag.end())
            elif name in _SILENT:
                _mark(unseen, begin, tag.end())
    for name in _TELLING & opened.keys():
        _mark(steady, opened[name], len(body))
    return steady, unseen


def _mark(flags: bytearray, start: int, end: int) -> None:
    flags[start:end] = b"\1" * (end - start)


def _places(mask: Mask, parts: list[bytes]) -> Iterator[tuple[int, _Place]]:
    """The places of a mask that a page fits, each by which of its parts it is."""
    index = {start: number for number, start in enumerate(accumulate(map(len, parts), initial=0)) if number % 2}
    at = 0
    for gap, *place in _PLACE.iter_unpack(mask.places):
        number = index[at + gap]
        yield number, _Place(*place)
        at += gap + len(parts[number])


def _joined(old: bytes, new: bytes, known: _Place | None) -> _Place | None:
    """What may stand where these words, and what is known, stood; None if they are not of one kind."""
    kinds = [kind for kind in (DIGITS, HEX, MIXED) if _holds(kind, old) and _holds(kind, new)]
    kinds = [kind for kind in kinds if known is None or kind == DIGITS or kind >= known.kind & ~IN_TEXT]
    if not kinds or (known is not None and (kinds[0] == DIGITS) != (known.kind & ~IN_TEXT == DIGITS)):
        return None
    lengths = [len(old), len(new), *(known[1:] if known is not None else ())]
    shortest, longest = (1, LONGEST_NUMBER) if kinds[0] == DIGITS else (LEAST_NONCE, LONGEST_NONCE)
    if not shortest <= min(lengths) <= max(lengths) <= longest:
        return None
    return _Place(kinds[0], min(lengths), max(lengths))


def _holds(kind: int, word: bytes) -> bool:
    if kind == DIGITS:
        return word.isdigit()
    return (_HEX if kind == HEX else _MIXED).fullmatch(word) is not None


def _frame(page: Page) -> bytes:
    """What is said of a page besides its bytes."""
    return "\0".join((page.url, page.content_type, page.cut, str(page.status), "")).encode("utf-8", "surrogatepass")

"""Where a page moves though nothing follows from it: counters, clocks, nonces; and whether another shows the same.

A page is taken for words (runs of ASCII letters and digits) and what stands between them. A place where one page has
``1207`` and the next one ``1211`` may hold any number of about as many digits; all else must be what it was, to the
byte. So neither markup nor any word of a language can move. Which places are harmless is not for this module to say: it
is asked for two pages that were read and decided in full, and led to the same.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from hashlib import sha256
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
"""How much stands fast before it, what it holds, and which lengths were seen of it."""
_WORD, _NUMBER = re.compile(rb"[0-9A-Za-z]+"), re.compile(rb"[0-9]+")
_WORDS, _NUMBERS = re.compile(rb"([0-9A-Za-z]+)"), re.compile(rb"([0-9]+)")
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
        for start, end, place in _found(self, body):
            if not start:
                return None
            fixed.update(body[at:start])
            at = end
            if place.kind & IN_TEXT:
                said.update(body[start:end] + b" ")
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
    old, new = _WORDS.split(before.body), _WORDS.split(after.body)
    if old[0::2] != new[0::2] or _ESCAPE in after.body:
        return None
    steady, unseen = _steady_and_unseen(after.body)
    known_at = {start: place for start, _, place in _found(known, before.body)} if known is not None else {}
    order = [*known_at]
    packed, fixed, at, here, there = [], sha256(_frame(after)), 0, 0, 0
    for number, (one, two) in enumerate(zip(old, new, strict=True)):
        first, end = bisect_left(order, there), bisect_left(order, there + len(one))
        if number % 2 and (one != two or first < end):
            inside = {start - there: known_at[start] for start in order[first:end]}
            for left, right, was, word in _pieces(one, two, inside):
                place, begin = _joined(was, word, inside.get(left)), here + right
                if place is None or steady[begin]:
                    return None
                seen = 0 if unseen[begin] else IN_TEXT
                packed.append(_PLACE.pack(begin - at, place.kind | seen, place.least, place.most))
                fixed.update(after.body[at:begin])
                at = begin + len(word)
        there, here = there + len(one), here + len(two)
    if len(packed) > MOST_PLACES:
        return None
    fixed.update(after.body[at:])
    return Mask(b"".join(packed), fixed.digest())


def _pieces(old: bytes, new: bytes, known: Mapping[int, _Place]) -> Iterator[tuple[int, int, bytes, bytes]]:
    """What moves from one word to the next, each by where it begins in both. Numbers with the same letters round them
    (``7d``, ``22T09``) move by themselves; of the others, those that are ``known`` to."""
    one, two = _NUMBERS.split(old), _NUMBERS.split(new)
    nonce = any(place.kind & ~IN_TEXT != DIGITS for place in known.values())
    if nonce or one[0::2] != two[0::2]:
        yield 0, 0, old, new if nonce or not known else b""  # there a number moved, and its letters do now, too
        return
    left = right = 0
    for number, (was, word) in enumerate(zip(one, two, strict=True)):
        if number % 2 and (was != word or left in known):
            yield left, right, was, word
        left, right = left + len(was), right + len(word)


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


def _found(mask: Mask, body: bytes) -> Iterator[tuple[int, int, _Place]]:
    """Where a body has the places of a mask; last, where it has one no more, nowhere (0)."""
    at = 0
    for gap, kind, least, most in _PLACE.iter_unpack(mask.places):
        what = kind & ~IN_TEXT
        word = (_NUMBER if what == DIGITS else _WORD).match(body, at + gap)
        spare = what == DIGITS  # a counter goes on from 99 to 100
        if word is None or not least - spare <= len(word[0]) <= most + spare or not _holds(what, word[0]):
            yield 0, 0, _Place(kind, least, most)
            return
        at = word.end()
        yield word.start(), at, _Place(kind, least, most)


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

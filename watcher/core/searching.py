"""Text as it is searched: words without case, accents and punctuation, in pieces that versions of a page share.

A piece ends where the words themselves say so, so that a word more or less moves no other border: of a page that
changed, only the pieces round the change are new. Each piece goes on a little into the next, so that a phrase of up to
``OVERLAP + 1`` words stands whole in one of them.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from hashlib import sha256
from itertools import chain, islice

import xxhash

from watcher.core.identity import fold
from watcher.core.noise import CLOCK, COUNTERS, LONGEST, steady
from watcher.records import Entry, RosterEntry

LEAST, MOST = 16, 64
"""Words of a piece."""
BORDER = 24
"""One word in so many may end a piece."""
OVERLAP = 7
LONGEST_WORD = 64
MOST_WORDS = 200_000
LONGEST_TEXT = 1 << 20
"""Words and characters of one text that can be found."""
MOSTLY_DIGITS = 0.3
"""Text of more digits than this has no clocks among words, and would cost much to look for them."""
ENTRY_WORDS = 2_000
APART = "␞"
"""Stands between texts that are no phrase together."""

_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"  # written without spaces: each sign is a word
    r"|[^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)
_ASCII_WORD = re.compile(r"[a-z0-9]+")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_NUMBER = re.compile(r"[0-9][0-9 .,]{0,14}")
_ALIKE = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th"})


def words(text: str) -> Iterator[str]:
    """The words of a text, as they are searched; clocks and counters, which differ in every version, are left out."""
    return chain.from_iterable(_words_by_part(text))


def _words_by_part(text: str) -> Iterator[list[str]]:
    text = text[:LONGEST_TEXT]
    for start in range(0, len(text), LONGEST // 2):
        part = _whole(text, start, start + LONGEST // 2)
        digits = sum(map(part.count, "0123456789"))
        folded = steady(part) if digits <= MOSTLY_DIGITS * len(part) else fold(part)
        folded = folded.replace(CLOCK, " ")
        word = _ASCII_WORD
        if not folded.isascii():
            folded = _BEYOND_ASCII.sub(_plain_letters, unicodedata.normalize("NFKD", folded))
            word = _WORD
        yield [found[:LONGEST_WORD] for found in word.findall(folded)]


def _plain_letters(found: re.Match[str]) -> str:
    return found.group().translate(_combining()).translate(_ALIKE)


@cache
def _combining() -> dict[int, None]:
    """Takes off every sign that only changes another one."""
    marks = (code for code in range(0x300, sys.maxunicode + 1) if unicodedata.combining(chr(code)))
    return dict.fromkeys(marks)


def _whole(text: str, start: int, end: int) -> str:
    """The part of the text between two places, no word cut in two (unless it is of a thousand characters)."""
    return text[_border(text, start) : _border(text, end)]


def _border(text: str, at: int) -> int:
    if at == 0 or at >= len(text):
        return min(at, len(text))
    space = text.rfind(" ", max(0, at - 1000), at)
    return at if space < 0 else space


def pieces(text: str) -> dict[bytes, str]:
    """The pieces of a text, each with the digest that it goes by."""
    return pieces_of(list(islice(words(text), MOST_WORDS)))


def pieces_of(all_words: Sequence[str]) -> dict[bytes, str]:
    """The pieces of a text of these words (no more than ``MOST_WORDS``)."""
    found: dict[bytes, str] = {}
    borders = [at for at, word in enumerate(all_words) if _is_border(word)]
    start = 0
    while start < len(all_words):
        last = min(start + MOST, len(all_words))
        place = bisect_left(borders, start + LEAST)
        end = min(borders[place], last) if place < len(borders) else last
        piece = " ".join(all_words[start : end + OVERLAP])
        found.setdefault(digest(piece), piece)
        start = end
    return found


@lru_cache(maxsize=1 << 11)
def _is_border(word: str) -> bool:
    """Whether a piece may end before this word."""
    return xxhash.xxh3_64_intdigest(word.encode()) % BORDER == 0


def digest(piece: str) -> bytes:
    """Sixteen bytes that tell a piece from every other."""
    return sha256(piece.encode()).digest()[:16]


def mark(text: str) -> bytes:
    """A fingerprint that tells whether a text is the same as before."""
    return xxhash.xxh3_128_digest(text.encode("utf-8", "surrogatepass"))


def of_entry(entry: Entry | RosterEntry) -> str:
    """All that an entry says, as one piece: titles, what it was called before, fields, address."""
    parts = [" ".join(words(text)) for text in texts_of(entry) if text]
    return " ".join(f" {APART} ".join(part for part in parts if part).split(" ")[:ENTRY_WORDS])


def texts_of(entry: Entry | RosterEntry) -> tuple[str, ...]:
    """What an entry says that can be found; not its counters, which say something else at every look."""
    aliases: Iterable[str] = entry.aliases if isinstance(entry, RosterEntry) else ()
    fields = (value for name, value in entry.fields.items() if name not in COUNTERS and not _NUMBER.fullmatch(value))
    return (entry.title, *aliases, *fields, entry.url.partition("://")[2].partition("/")[2])


def says_else(was: RosterEntry, entry: RosterEntry) -> bool:
    """Whether ``texts_of`` may tell the one from the other; most of what moves in an entry are numbers."""
    if was.title != entry.title or was.url != entry.url or was.aliases != entry.aliases:
        return True
    if len(was.fields) != len(entry.fields):
        return True
    for (name, old), (other, new) in zip(was.fields.items(), entry.fields.items(), strict=True):
        if name != other:
            return True
        if old != new and name not in COUNTERS and not (_NUMBER.fullmatch(old) and _NUMBER.fullmatch(new)):
            return True
    return False


def phrase(text: str) -> tuple[str, ...]:
    """The words that are looked for, in order; the last one is a beginning if the text ends with ``*``. Empty: none."""
    wanted = tuple(words(text))[: OVERLAP + 1]
    return (*wanted[:-1], f"{wanted[-1]}*") if wanted and text.rstrip().endswith("*") else wanted


def excerpt(piece: str, wanted: Sequence[str], around: int = 8) -> str:
    """The words of a piece round the first place where the phrase stands."""
    found = piece.split(" ")
    size = len(wanted)
    at = next((at for at in range(len(found) - size + 1) if _is(found[at : at + size], wanted)), 0)
    start, end = max(0, at - around), at + size + around
    shown = [word for word in found[start:end] if word != APART]
    return f"{'… ' if start else ''}{' '.join(shown)}{' …' if end < len(found) else ''}"


def _is(found: Sequence[str], wanted: Sequence[str]) -> bool:
    return all(
        word.startswith(want[:-1]) if want.endswith("*") else word == want
        for word, want in zip(found, wanted, strict=True)
    )

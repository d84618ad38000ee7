"""Which watched names an entry is about: case, accents, punctuation and masked letters allowed for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from watcher.core.identity import MASK, plain, unmarked

SHOWN_LETTERS = 2
"""So many letters of a masked name must be readable, or it could be anybody's."""
MOST_RUNS = 7
"""A word masked in more places is only fitted letter by letter."""
LONGEST_TEXT = 100_000
"""Characters of one text that are looked at."""
LONGEST_COVERED = 1000
"""The same of names with hidden letters."""
LONG_WORD = 8
"""Shorter words are too easily made of two others ("the me")."""
_WORD = re.compile(rf"[\w{re.escape(MASK)}]+")
_FIELDS = frozenset({"description", "domain", "website", "site", "company", "name", "victim", "link"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One name that matters, and the words by which it is recognised."""

    name: str
    match: tuple[str, ...]


def watched(watchlist: Sequence[Watch], title: str, fields: Mapping[str, str], url: str = "") -> tuple[str, ...]:
    """The names of the watches that the entry is about, in the watchlist's order.

    Words are found whole, in the title, in the fields that say who or what it is about, and in the address. Hidden
    letters (``A**e``) fit any, but only in the title and the domain, and only if enough of the others are shown.
    """
    if not watchlist:
        return ()
    named = (title, *(fields[name] for name in ("domain", "website", "company", "name", "victim") if fields.get(name)))
    told = [value for name, value in fields.items() if name in _FIELDS and value]
    texts = {words: "".join(words) for words in {_words(text) for text in (*named, *told, url)}}
    covered = [_words(unmarked(text[:LONGEST_COVERED])) for text in named if MASK in unmarked(text[:LONGEST_COVERED])]
    found = []
    for watch in watchlist:
        wanted = [form for phrase in watch.match for form in _wanted(phrase)]
        if any(_stands(phrase, texts) for phrase in wanted) or any(
            _fits(words, phrase) for phrase in wanted for words in covered
        ):
            found.append(watch.name)
    return tuple(found)


@lru_cache(maxsize=4096)
def _wanted(phrase: str) -> tuple[tuple[str, ...], ...]:
    """The phrase as words, in each way in which it may be written: Müller is Muller and Mueller."""
    return tuple(dict.fromkeys((_words(phrase), _words(_UMLAUT.sub(r"\g<0>e", plain(phrase))))))


def _words(text: str) -> tuple[str, ...]:
    """The words of a text, without case, accents and punctuation."""
    text = plain(text[:LONGEST_TEXT]).casefold()
    if not text.isascii():
        text = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
        text = text.translate(_ALIKE)
    return tuple(_WORD.findall(text.replace("_", " ")))


_ALIKE = str.maketrans(
    {"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th"}
    # Cyrillic and Greek letters that nobody can tell from Latin ones
    | dict(zip("авеіјкмнорстухѕԁαεικνορτυχ", "abeijkmhopctyxsdaeikvoptux", strict=True))
)
_UMLAUT = re.compile("[äöüÄÖÜ]")


def _stands(phrase: Sequence[str], texts: Mapping[tuple[str, ...], str]) -> bool:
    """Whether the phrase stands in one of the texts, each given as its words and as these written together: where it
    does not stand in the latter it stands nowhere, which is told at once."""
    joined = "".join(phrase)
    return bool(joined) and any(joined in together and _holds(words, phrase) for words, together in texts.items())


def _holds(words: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether the phrase stands among the words: word by word, or written together (``acme-corp``, ``acmecorp``)."""
    size = len(phrase)
    if any(tuple(words[at : at + size]) == tuple(phrase) for at in range(len(words) - size + 1)):
        return True
    joined = "".join(phrase)
    return (size > 1 and len(joined) >= 6 and joined in words) or _apart(words, joined)


def _apart(words: Sequence[str], joined: str) -> bool:
    """Whether neighbouring words together read ``joined``: ``A.C.M.E.`` for ``acme``, a long word cut in two."""
    for start in range(len(words)):
        text = ""
        for at in range(start, len(words)):
            word = words[at]
            if len(word) > 1 and len(joined) < LONG_WORD:
                break
            text += word
            if len(text) >= len(joined):
                break
        if text == joined:
            return True
    return False


def _fits(words: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether neighbouring words, some of them masked, can be the phrase, and show enough of it."""
    size = len(phrase)
    for at in range(len(words) - size + 1):
        pairs = list(zip(words[at : at + size], phrase, strict=True))
        if all(_fit(hidden, word) for hidden, word in pairs) and any(MASK in hidden for hidden, _ in pairs):
            shown = sum(len(hidden.replace(MASK, "")) for hidden, _ in pairs)
            if shown >= SHOWN_LETTERS:
                return True
    return False


def _fit(hidden: str, word: str) -> bool:
    """Whether a masked word can be the word: letter by letter, or with any number of letters for a run of marks."""
    if MASK not in hidden:
        return hidden == word
    if len(hidden) == len(word):
        return all(mark in (MASK, letter) for mark, letter in zip(hidden, word, strict=True))
    few = len(list(_runs(hidden))) <= MOST_RUNS
    return few and len(hidden.replace(MASK, "")) > SHOWN_LETTERS and _pattern(hidden).fullmatch(word) is not None


@lru_cache(maxsize=4096)
def _pattern(hidden: str) -> re.Pattern[str]:
    return re.compile("".join(".{1,40}" if part.startswith(MASK) else re.escape(part) for part in _runs(hidden)))


def _runs(hidden: str) -> Iterator[str]:
    """The masked word cut into letters and runs of marks."""
    return (found.group() for found in re.finditer(rf"{re.escape(MASK)}+|[^{re.escape(MASK)}]+", hidden))

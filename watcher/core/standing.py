"""Whether a title stands on a page, hidden letters, case and punctuation allowed for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from watcher.core.identity import MASK, fold_title
from watcher.core.parse import Document
from watcher.core.phrases import fold

SAMPLE = 64
"""So many titles are looked for, spread over all of them; the rest is estimated."""
HIDDEN = r"[^\s]{1,60}"
SHORTEST = 4
"""A shorter title stands on many a page by chance."""
NOT_WORD = re.compile(r"\W+")


def standing(document: Document, titles: Sequence[str]) -> int:
    """An estimate of how many of the titles stand on the page, wherever."""
    able = [title for title in titles if len(title) >= SHORTEST]
    if not able:
        return 0
    step = -(-len(able) // SAMPLE)
    sample = able[::step]
    text = fold(document.text)
    found = sum(stands(title, text) for title in sample)
    if not found and document.kind != "json":
        # a list in a script is no visible text
        text = fold(document.markup)
        found = sum(stands(title, text) for title in sample)
    return round(found * len(able) / len(sample))


def stands(title: str, folded: str) -> bool:
    """Whether a title stands in a folded text: as it is, without its status words, or with its masks filled in."""
    bare, loose, pattern = _forms(title)
    if pattern is not None:
        return pattern.search(folded) is not None
    if not bare:
        return False
    return bare in folded or (len(loose) >= 6 and loose in squeezed(folded))


@lru_cache(maxsize=8)
def squeezed(folded: str) -> str:
    """Letters and digits only."""
    return NOT_WORD.sub("", folded)


@lru_cache(maxsize=4096)
def _forms(title: str) -> tuple[str, str, re.Pattern[str] | None]:
    """The folded title, its letters alone, and an expression for it if it hides letters."""
    bare = fold(fold_title(title)[0]).rstrip("….").rstrip()
    if MASK not in bare:
        return bare, NOT_WORD.sub("", bare), None
    parts = [re.escape(part) for part in bare.split(MASK)]
    if sum(map(str.isalnum, bare)) < 2:
        return "", "", None
    return bare, "", re.compile(rf"(?<!\w){HIDDEN.join(parts)}")

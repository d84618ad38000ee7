"""Whether a title stands on a page, hidden letters, case and punctuation allowed for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from functools import lru_cache

from watcher.core.identity import MASK, fold_title
from watcher.core.parse import Document
from watcher.core.phrases import fold
from watcher.core.short_keys import cached_if_short

SAMPLE = 64
"""So many titles are looked for, spread over all of them; the rest is estimated."""
MOST_HIDDEN = 60
"""Letters that one mask may stand for."""
MOST_STARTS = 2_000
"""Places where a masked title is tried."""
SHORTEST = 4
"""A shorter title stands on many a page by chance, if not alone."""
NOT_WORD = re.compile(r"\W+")


def standing(document: Document, titles: Sequence[str], times: int = 0) -> int:
    """An estimate of how many of the titles stand on the page, wherever; with ``times``, at least so often."""
    short = {_bare(title) for title in titles if 0 < len(title) < SHORTEST}
    return _alone(document, short, times) + _anywhere(document, titles, times)


def _alone(document: Document, short: Collection[str], times: int) -> int:
    """How many of the short titles are the whole of a chunk of text: inside others they prove nothing."""
    if not short or document.outline is None:
        return 0
    chunks = Counter(fold(text) for text in document.outline.leaf_text if len(text) < 2 * SHORTEST)
    return sum(chunks[title] >= max(1, times) for title in short)


def _anywhere(document: Document, titles: Sequence[str], times: int) -> int:
    able = [title for title in titles if len(title) >= SHORTEST]
    if not able:
        return 0
    step = -(-len(able) // SAMPLE)
    sample = able[::step]
    text = document.folded
    found = sum(stands(title, text) and (times < 2 or text.count(_bare(title)) >= times) for title in sample)
    if not found and document.kind != "json":
        # a list in a script is no visible text
        markup = fold(document.markup)
        found = sum(stands(title, markup) and not stands(title, text) for title in sample)
    return round(found * len(able) / len(sample))


def stands(title: str, folded: str) -> bool:
    """Whether a title stands in a folded text: as it is, without its status words, or with its masks filled in."""
    bare = _bare(title)
    if MASK in bare:
        return sum(map(str.isalnum, bare)) >= 2 and _unmasked_in(bare.split(MASK), folded)
    if not bare:
        return False
    loose = NOT_WORD.sub("", bare)
    return bare in folded or (len(loose) >= 6 and loose in squeezed(folded))


def _unmasked_in(parts: Sequence[str], folded: str) -> bool:
    """Whether the parts stand in the text one after the other, with at least one letter and no space in between.

    The first place where each part fits is good enough, so the work is bounded whatever a title or a page holds.
    """
    visible = [part for part in parts if part]
    start, left = folded.find(visible[0]), MOST_STARTS
    while start >= 0 and left:
        left -= 1
        at = start + len(visible[0])
        for part in visible[1:]:
            found = folded.find(part, at + 1, at + MOST_HIDDEN + len(part))
            if found < 0 or " " in folded[at:found]:
                break
            at = found + len(part)
        else:
            if parts[0] == "" or start == 0 or not folded[start - 1].isalnum():
                return True
        start = folded.find(visible[0], start + 1)
    return False


@lru_cache(maxsize=2)
def squeezed(folded: str) -> str:
    """Letters and digits only."""
    return NOT_WORD.sub("", folded)


@cached_if_short(1_000)
def _bare(title: str) -> str:
    """The folded title without status words, and without the dots of a title that was cut short."""
    return fold(fold_title(title)[0]).rstrip("….").rstrip()

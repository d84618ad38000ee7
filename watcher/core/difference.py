"""How two pages differ: blocks that were kept, moved, removed, added, or changed, and in those the words.

Blocks are aligned first (``align``); only removed and added blocks that stand in the same gap and are clearly the
same thing are shown as changed, with ``diff-match-patch`` inside them, word by word, without a clock: equal inputs
give equal results on every machine. All work inside blocks comes out of one budget for the whole page; when it is
spent the rest is shown as removed and added, and the result says ``degraded``.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Literal

from diff_match_patch import diff_match_patch

from watcher.core.align import Alignment, align

Op = Literal["same", "removed", "added"]
Kind = Literal["same", "removed", "added", "changed", "moved"]
OPS: dict[int, Op] = {-1: "removed", 0: "same", 1: "added"}

WORD = re.compile(r"\w+|\s+|[^\w\s]")
MARK = re.compile(r"\w+|[^\w\s]")
NUMBER = re.compile(r"\d+")
MARKS_WITHIN = 2_000
"""So many characters of a block are enough to know it again."""
BUDGET = 400_000
"""Word pairs that may be compared in one page; what 100 ordinary changed blocks need many times over."""
PAIRS_AT_MOST = 20_000
"""Candidate pairs in one gap."""
ALIKE = 0.5
"""Two blocks are one thing changed if words worth this share of all their words' worth are common to both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A run of words that was kept, removed or added."""

    op: Op
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block of the old page, of the new one, or of both."""

    kind: Kind
    old: int | None = None
    """Its number in the old page, from 0."""
    new: int | None = None
    before: str = ""
    after: str = ""
    spans: tuple[Span, ...] = ()
    """For ``changed``: the words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """All blocks of two pages, in an order in which they can be read from top to bottom."""

    blocks: tuple[Block, ...]
    degraded: bool = False
    """The budget for looking inside blocks was spent."""

    @property
    def is_none(self) -> bool:
        return all(block.kind == "same" for block in self.blocks)


class Budget:
    """What may still be spent on looking inside blocks."""

    def __init__(self) -> None:
        self.left, self.spent_out = BUDGET, False

    def take(self, cost: int) -> bool:
        if cost > self.left:
            self.spent_out = True
            return False
        self.left -= cost
        return True


def difference(old: Sequence[str], new: Sequence[str]) -> Difference:
    """How two lists of blocks differ."""
    alignment = align(old, new)
    budget = Budget()
    changed = _changed_pairs(old, new, alignment, budget)
    by_old: dict[int, Block] = {}
    by_new: dict[int, Block] = {}
    for i, j in alignment.kept:
        by_old[i] = by_new[j] = Block(kind="same", old=i, new=j, before=old[i], after=new[j])
    for i, j in alignment.moved:
        by_old[i] = by_new[j] = Block(kind="moved", old=i, new=j, before=old[i], after=new[j])
    for i, j in changed:
        found = spans(old[i], new[j], budget)
        by_old[i] = by_new[j] = Block(kind="changed", old=i, new=j, before=old[i], after=new[j], spans=found)
    for i in alignment.removed:
        by_old.setdefault(i, Block(kind="removed", old=i, before=old[i]))
    for j in alignment.added:
        by_new.setdefault(j, Block(kind="added", new=j, after=new[j]))
    return Difference(blocks=_in_reading_order(by_old, by_new), degraded=budget.spent_out)


def spans(before: str, after: str, budget: Budget) -> tuple[Span, ...]:
    """The words that were kept, removed and added between two texts."""
    old, new = WORD.findall(before), WORD.findall(after)
    start = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    middle_old, middle_new = old[start : len(old) - end], new[start : len(new) - end]
    found = [Span(op="same", text="".join(old[:start]))]
    if middle_old and middle_new and budget.take(len(middle_old) * len(middle_new)):
        found += _words(middle_old, middle_new)
    else:
        found += [Span(op="removed", text="".join(middle_old)), Span(op="added", text="".join(middle_new))]
    found.append(Span(op="same", text="".join(old[len(old) - end :])))
    return tuple(span for span in found if span.text)


def _words(old: Sequence[str], new: Sequence[str]) -> list[Span]:
    """diff-match-patch over words: each distinct word stands as one character (private use planes first)."""
    numbers: dict[str, int] = {}
    for word in (*old, *new):
        numbers.setdefault(word, len(numbers))
    texts = list(numbers)
    engine = diff_match_patch()
    engine.Diff_Timeout = 0
    coded = ["".join(chr(0xF0000 + numbers[word]) for word in words) for words in (old, new)]
    diffs = engine.diff_main(coded[0], coded[1], False)
    engine.diff_cleanupSemantic(diffs)
    return [Span(op=OPS[op], text="".join(texts[ord(char) - 0xF0000] for char in chars)) for op, chars in diffs]


def _changed_pairs(
    old: Sequence[str], new: Sequence[str], alignment: Alignment, budget: Budget
) -> list[tuple[int, int]]:
    """Removed and added blocks in the same gap that are mutually the most alike, by the worth of their rare words."""
    gap_of_old, gap_of_new = (_gaps(alignment, side) for side in (0, 1))
    shared = [(gap_of_old[gap], gap_of_new[gap]) for gap in gap_of_old.keys() & gap_of_new.keys()]
    words_old = {i: _marks(old[i]) for olds, _ in shared for i in olds}
    words_new = {j: _marks(new[j]) for _, news in shared for j in news}
    counts = Counter(word for found in (*words_old.values(), *words_new.values()) for word in found)
    total = len(words_old) + len(words_new) + 1
    worth = {word: log(total / count) + 0.1 for word, count in counts.items()}

    def alike(i: int, j: int) -> float:
        one, other = words_old[i], words_new[j]
        whole = sum(worth[word] for word in sorted(one | other))
        return sum(worth[word] for word in sorted(one & other)) / whole if whole else 0.0

    pairs: list[tuple[int, int]] = []
    for olds, news in sorted(shared):
        if len(olds) * len(news) > PAIRS_AT_MOST or not budget.take(len(olds) * len(news)):
            budget.spent_out = True
            continue
        pairs += _mutual_best(
            {
                (i, j): (alike(i, j), -abs(place_old - place_new))
                for place_old, i in enumerate(olds)
                for place_new, j in enumerate(news)
            }
        )
    return pairs


def _marks(text: str) -> frozenset[str]:
    """The words by which a block is known again: numbers are only "some number", for they are what moves."""
    return frozenset(MARK.findall(NUMBER.sub("0", text[:MARKS_WITHIN])))


def _mutual_best(scores: dict[tuple[int, int], tuple[float, int]]) -> list[tuple[int, int]]:
    """Pairs that are each other's best; of equals the nearest in place, then the earliest."""
    best_old: dict[int, int] = {}
    best_new: dict[int, int] = {}
    for (i, j), score in scores.items():
        if score[0] < ALIKE:
            continue
        if i not in best_old or score > scores[i, best_old[i]]:
            best_old[i] = j
        if j not in best_new or score > scores[best_new[j], j]:
            best_new[j] = i
    return [(i, j) for i, j in best_old.items() if best_new[j] == i]


def _gaps(alignment: Alignment, side: int) -> dict[int, list[int]]:
    """Removed (side 0) or added (side 1) blocks by the gap between kept ones in which they stand."""
    found: dict[int, list[int]] = {}
    number = 0
    for place in (alignment.removed, alignment.added)[side]:
        while number < len(alignment.kept) and alignment.kept[number][side] < place:
            number += 1
        found.setdefault(number, []).append(place)
    return found


def _in_reading_order(by_old: dict[int, Block], by_new: dict[int, Block]) -> tuple[Block, ...]:
    """The new page from top to bottom, what was removed standing where it stood; moves are shown where they went."""
    waiting = deque(block for _, block in sorted(by_old.items()) if block.kind == "removed")
    blocks: list[Block] = []
    for _, block in sorted(by_new.items()):
        if block.kind in {"same", "changed"}:
            while waiting and (waiting[0].old or 0) < (block.old or 0):
                blocks.append(waiting.popleft())
        blocks.append(block)
    return (*blocks, *waiting)

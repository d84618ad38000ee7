"""Which items of two sequences stand for each other: exact matches in order, then moves.

Patience alignment: items that occur once in each sequence anchor it (longest increasing run of them), and the gaps
between anchors are aligned in the same way; a gap without such items falls back to its rarest common ones, as a
histogram diff does. Every step is n log n at worst, so that no page, however made, costs more; what a gap cannot
settle is left as removed and added, never guessed at character by character.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise

MOST_OCCURRENCES = 16
"""An item more frequent than this anchors nothing."""
DEEPEST = 48
"""Gaps within gaps are followed this far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """Pairs of equal items: ``kept`` in the order of both sequences, ``moved`` out of order."""

    kept: tuple[tuple[int, int], ...]
    moved: tuple[tuple[int, int], ...]
    removed: tuple[int, ...]
    """Indices of old items that stand for nothing in the new sequence."""
    added: tuple[int, ...]


def align(old: Sequence[Hashable], new: Sequence[Hashable]) -> Alignment:
    """How two sequences correspond; equal inputs give equal results on every machine."""
    kept: list[tuple[int, int]] = []
    gaps = [(0, len(old), 0, len(new), 0)]
    while gaps:
        low_old, high_old, low_new, high_new, depth = gaps.pop()
        while low_old < high_old and low_new < high_new and old[low_old] == new[low_new]:
            kept.append((low_old, low_new))
            low_old, low_new = low_old + 1, low_new + 1
        while low_old < high_old and low_new < high_new and old[high_old - 1] == new[high_new - 1]:
            high_old, high_new = high_old - 1, high_new - 1
            kept.append((high_old, high_new))
        if low_old == high_old or low_new == high_new or depth == DEEPEST:
            continue
        anchors = _anchors(old, new, (low_old, high_old), (low_new, high_new))
        if not anchors:
            continue
        kept.extend(anchors)
        edges = [(low_old - 1, low_new - 1), *anchors, (high_old, high_new)]
        for (left_old, left_new), (right_old, right_new) in pairwise(edges):
            gaps.append((left_old + 1, right_old, left_new + 1, right_new, depth + 1))
    kept.sort()
    return _with_moves(old, new, kept)


def _anchors(
    old: Sequence[Hashable], new: Sequence[Hashable], span_old: tuple[int, int], span_new: tuple[int, int]
) -> list[tuple[int, int]]:
    """The longest run, in both orders, of the rarest items that both spans hold equally often."""
    places_old, places_new = _places(old, span_old), _places(new, span_new)
    common = [
        (len(places), item) for item, places in places_old.items() if len(places) == len(places_new.get(item, ()))
    ]
    rarest = min((count for count, _ in common), default=0)
    if not 0 < rarest <= MOST_OCCURRENCES:
        return []
    pairs = sorted(
        pair
        for count, item in common
        if count == rarest
        for pair in zip(places_old[item], places_new[item], strict=True)
    )
    return _longest_run(pairs)


def _places(items: Sequence[Hashable], span: tuple[int, int]) -> dict[Hashable, list[int]]:
    places: dict[Hashable, list[int]] = defaultdict(list)
    for index in range(*span):
        places[items[index]].append(index)
    return places


def _longest_run(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subsequence of pairs, sorted by the first, whose second rises too (patience sorting)."""
    tops: list[int] = []
    tails: list[int] = []
    before: list[int] = []
    for number, (_, second) in enumerate(pairs):
        pile = bisect_left(tops, second)
        before.append(tails[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(second)
            tails.append(number)
        else:
            tops[pile], tails[pile] = second, number
    run: list[tuple[int, int]] = []
    number = tails[-1] if tails else -1
    while number >= 0:
        run.append(pairs[number])
        number = before[number]
    return run[::-1]


def _with_moves(old: Sequence[Hashable], new: Sequence[Hashable], kept: list[tuple[int, int]]) -> Alignment:
    held_old, held_new = {pair[0] for pair in kept}, {pair[1] for pair in kept}
    waiting: dict[Hashable, list[int]] = defaultdict(list)
    for index in range(len(new) - 1, -1, -1):
        if index not in held_new:
            waiting[new[index]].append(index)
    moved: list[tuple[int, int]] = []
    removed: list[int] = []
    for index, item in enumerate(old):
        if index in held_old:
            continue
        if waiting.get(item):
            moved.append((index, waiting[item].pop()))
        else:
            removed.append(index)
    added = sorted(index for places in waiting.values() for index in places)
    return Alignment(kept=tuple(kept), moved=tuple(moved), removed=tuple(removed), added=tuple(added))

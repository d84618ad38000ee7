"""Which candidate holds the entries, once it is known how each behaved from page to page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from watcher.core.learned import Learned, Memory, behave, evidence, find, moved_only, shown_by, sketch
from watcher.core.ranking import LEAST, Candidate
from watcher.core.words import TITLE_KINDS, kind_of

APPEARED = 0.8
"""What it counts for a list to be new on a page whose other lists are known."""
ELSEWHERE = 0.7
"""What it counts that other lists of the page show the same titles."""
CLEAR = 1.0
"""How far a candidate must lead to be beyond doubt."""
REPEATS = 0.2
"""How many more records for each title the whole of a list may have than a part of it."""
PART_AHEAD = 3.0
"""How much more than the whole a part of it may score on its own and still be no more than a part."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A candidate, and what speaks for it."""

    candidate: Candidate
    memory: Memory
    """How it behaved, this page included."""
    titles: frozenset[str]
    total: float


def weigh(candidates: Sequence[Candidate], learned: Learned) -> list[Weighed]:
    """The candidates with what is now remembered of them, best first."""
    titles = [candidate.folded() for candidate in candidates]
    wholes = [_whole_of(index, candidates, titles) for index in range(len(candidates))]
    memories = _remember(candidates, titles, wholes, learned)
    totals = []
    for index, candidate in enumerate(candidates):
        total = candidate.score + evidence(memories[index])
        total += APPEARED if memories[index].appeared else 0.0
        total += ELSEWHERE if _stands_elsewhere(index, candidates, titles) else 0.0
        totals.append(total)
    for index, whole in enumerate(wholes):
        if whole >= 0:  # a part of a list never comes before the whole of it
            totals[index] = min(totals[index], totals[whole] - 0.1)
    for index, cells in enumerate(candidates):  # nor do the cells of records come before the records
        rows = [
            totals[row]
            for row, one in enumerate(candidates)
            if 1 < one.group.size < cells.group.size and is_finer(one, cells)
        ]
        if rows and not is_clean(cells):
            totals[index] = min(totals[index], max(rows) - 0.1)
    weighed = [Weighed(*one) for one in zip(candidates, memories, titles, totals, strict=True) if one[3] >= LEAST]
    return _true_to(learned.chosen, sorted(weighed, key=lambda one: -one.total))


def _true_to(chosen: str, weighed: list[Weighed]) -> list[Weighed]:
    """The same, but what was read as the title of records stays that, once entries came and went: another column of
    theirs (domains) must lead clearly, or every entry would be renamed."""
    for one in weighed[1:]:
        if one.candidate.key == chosen and one.memory.churned and of_same_records(one, weighed[0]):
            if weighed[0].total - one.total < CLEAR:
                return [one, *(other for other in weighed if other is not one)]
            break
    return weighed


def of_same_records(one: Weighed, other: Weighed) -> bool:
    """Whether two candidates are columns of the same records."""
    return one.candidate.group.key == other.candidate.group.key


def _remember(
    candidates: Sequence[Candidate], titles: Sequence[frozenset[str]], wholes: Sequence[int], learned: Learned
) -> list[Memory]:
    """How each candidate behaved, this page included."""
    before = [find(learned.memories, candidate.key, candidate.shape) for candidate in candidates]
    after = [
        _first_seen(candidate, shown, appeared=bool(learned.memories) and candidate.group.size > 1)
        if memory is None
        else _behaved(candidate, shown, memory)
        for candidate, memory, shown in zip(candidates, before, titles, strict=True)
    ]
    held, holds = shown_by(learned.memories), shown_by(after)
    for index, (memory, now) in enumerate(zip(before, after, strict=True)):
        if memory is not None and now.churned > memory.churned and moved_only(memory, now, held & holds):
            after[index] = replace(now, churned=memory.churned)
    churned = [memory is not None and now.churned > memory.churned for memory, now in zip(before, after, strict=True)]
    for index, memory in enumerate(before):
        others = any(flag and wholes[other] < 0 for other, flag in enumerate(churned) if other != index)
        if memory is not None and others and after[index].titles == memory.titles:
            after[index] = replace(after[index], frozen=min(20, memory.frozen + 1))
        if wholes[index] >= 0 and memory is not None and churned[index]:  # a choice from a list shows nothing new
            after[index] = replace(after[index], churned=memory.churned)
    return after


def _first_seen(candidate: Candidate, shown: frozenset[str], *, appeared: bool) -> Memory:
    return Memory(
        key=candidate.key, shape=candidate.shape, titles=sketch(shown), count=len(shown), frame=candidate.frame,
        appeared=appeared,
    )  # fmt: skip


def _behaved(candidate: Candidate, shown: frozenset[str], memory: Memory) -> Memory:
    """How a remembered candidate behaved, by titles that are taken out as when it was first seen."""
    titles = shown if memory.frame == candidate.frame else candidate.folded(memory.frame)
    named = replace(memory, key=candidate.key, shape=candidate.shape)
    return behave(named, sketch(titles), len(titles), others_changed=False)


def _whole_of(index: int, candidates: Sequence[Candidate], titles: Sequence[frozenset[str]]) -> int:
    """The good candidate whose titles hold all of this one's and more; -1 if there is none."""
    mine, best = titles[index], -1
    for other, theirs in enumerate(titles):
        if other == index or len(mine) >= len(theirs) or len(mine & theirs) * 10 < len(mine) * 9:
            continue
        if is_finer(candidates[index], candidates[other]):
            continue
        if is_marquee(candidates[other], theirs, usual=len(candidates[index].titles) / len(mine)):
            continue
        ahead = candidates[index].score - candidates[other].score
        if ahead < PART_AHEAD and is_clean(candidates[other]) and (best < 0 or len(theirs) > len(titles[best])):
            best = other
    return best


def is_marquee(candidate: Candidate, titles: frozenset[str], *, usual: float) -> bool:
    """Whether it says its titles over and over, where a list that is part of it says each so often as is ``usual``."""
    return len(candidate.titles) > (usual + REPEATS) * len(titles)


def is_finer(part: Candidate, whole: Candidate) -> bool:
    """Whether the longer list is made of the shorter one's records taken to pieces: so many cells in every record."""
    inside = whole.group.key.startswith(f"{part.group.key}/")
    return inside and (bool(part.title.label) or whole.group.size % part.group.size == 0)


def is_clean(candidate: Candidate) -> bool:
    """Whether nearly all titles are names."""
    shown = list(candidate.titles.values())[:60]
    return sum(kind_of(title) in TITLE_KINDS for title in shown) * 10 >= len(shown) * 9


def _stands_elsewhere(index: int, candidates: Sequence[Candidate], titles: Sequence[frozenset[str]]) -> bool:
    """Whether another list of the page (recent, most viewed …) shows these titles: entries come twice, services not."""
    mine, here = titles[index], candidates[index].group.key
    for other, theirs in enumerate(titles):
        smaller = min(len(mine), len(theirs))
        if other != index and smaller >= 2 and len(mine & theirs) * 2 >= smaller:
            there = candidates[other].group.key
            apart = there.rpartition("/")[0] != here.rpartition("/")[0]
            if apart and not there.startswith(here) and not here.startswith(there):
                return True
    return False

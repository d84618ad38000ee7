"""The frame of a page: everything on it that is no entry, and what earlier good pages taught about it.

``Frame`` remembers what was common to every good page: marks of structure, short lines of words, what comes after the
last record, the closing tags, and the numbers that always agreed with the number of rows. A page whose frame is broken
was cut short or is another page; counters, dates and advertisements fall out of the intersection by themselves. After
``EPOCH`` good pages the frame is renewed from those alone, so that it follows a site that changes slowly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median_low

from watcher.core.lessons import Count, Frame, Marks, Strike
from watcher.core.phrases import fold_name
from watcher.core.seen import Seen, digest

EPOCH = 16
MOST_COUNTS = 48
MOST_STRIKES = 16
LONGEST_TAIL = 120
ECHO_SAMPLE = 64
RENEWED = 0.4
"""A good page that shares less than this with the frame has a new one."""
FEW = 3
"""Fewer marks than this say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How a page disagrees with the frame."""

    hard: tuple[str, ...] = ()
    """The source itself was cut."""
    soft: tuple[str, ...] = ()
    """The closing part is missing, or another one stands there."""
    share: float | None = None
    """How much of the frame is there, 0 to 1; None: the frame is too small to tell."""


# --------------------------------------------------------------------------------------------- what it is held to


def compare(frame: Frame, seen: Seen, kind: str = "") -> Faults:
    """How a page disagrees with what earlier good pages had in common; of a first page, only what it shows itself.

    ``kind`` is the document's: one that was a feed and is HTML now cannot be held to the tags that close a feed.
    """
    hard = [seen.cut] if seen.cut and seen.cut not in frame.usual else []
    soft = []
    base = frame.base
    if base.pages:
        missing = set(base.ends) - seen.ends if kind in ("", frame.kind) else set()
        tags = {end for end in missing if end.startswith("</")}
        if tags or (missing and not any(end.startswith("</") for end in base.ends)):
            hard.append("closing-tag-missing")
        if base.closing and sum(one in seen.marks or one in seen.words for one in base.closing) * 2 < len(base.closing):
            soft.append("closing-part-missing")
        if base.left_open is not None and base.pages > 1 and seen.left_open > base.left_open:
            soft.append("elements-left-open")
    return Faults(hard=tuple(hard), soft=tuple(soft), share=_share(base, seen))


def _share(base: Marks, seen: Seen) -> float | None:
    """How much of what good pages have in common is there; None if that is too little to tell."""
    return max(
        (
            len(there.intersection(common)) / len(common)
            for common, there in ((base.marks, seen.marks), (base.words, seen.words))
            if len(common) >= FEW
        ),
        default=None,
    )


def short_of(frame: Frame, seen: Seen, rows: int) -> tuple[str, bool] | None:
    """``announced:N>ROWS`` if a number that was seen to count the rows says that some are missing, and whether that
    number was proven by change; None if none says so."""
    counts = [count for count in frame.counts if count.trusted and count.place in seen.counts]
    counts = [count for count in counts if count.proven] or counts
    numbers = {seen.counts[count.place] for count in counts}
    # all must agree: one of them may have been a coincidence
    if len(numbers) != 1 or (number := numbers.pop()) <= rows:
        return None
    return f"announced:{number}>{rows}", counts[0].proven


def fresh_lines(frame: Frame, seen: Seen) -> tuple[str, ...]:
    """The words outside the records that earlier good pages did not all have."""
    usual = set(frame.base.words)
    return tuple(line for line in seen.lines if line and digest(line) not in usual)


# ----------------------------------------------------------------------------------------------- what it is taught


def taught(frame: Frame, seen: Seen, titles: Sequence[str], *, kind: str, number: int) -> Frame:
    """The frame once a good page is counted too. ``titles`` are its entries', ``number`` its place in the listing."""
    share = _share(frame.base, seen)
    if share is not None and share < RENEWED:
        # a good page in another design: what it shares with the old one is chance
        frame = replace(frame, base=Marks(), coming=Marks(), counts=(), rows=0)
    base, coming = _common(frame.base, seen), _common(frame.coming, seen)
    if coming.pages >= EPOCH:
        base, coming = coming, _common(Marks(), seen)
    usual = tuple(dict.fromkeys((*frame.usual, seen.cut))) if seen.cut else frame.usual
    grown = replace(frame, base=base, coming=coming, kind=kind, usual=usual, strikes=_others(frame, number))
    if number > 1:
        return grown
    return replace(
        grown,
        counts=_counted(frame, seen, len(titles)),
        rows=len(titles),
        tail=tuple(title[:LONGEST_TAIL] for title in titles[-3:]),
        echo=_echo(seen, titles),
        echoed=_echoed(seen, titles),
    )


def _echo(seen: Seen, titles: Sequence[str]) -> int:
    """How often titles stand on the page at least, if many stand outside the records: so often there, and once in their
    own record, however often that speaks of them; else 0."""
    outside = set(seen.lines)
    sample = [fold_name(title) for title in titles[:: -(-len(titles) // ECHO_SAMPLE) or 1]]
    if not sample or sum(title in outside for title in sample) * 3 < len(sample):
        return 0
    folded = "\n".join(seen.lines)
    return 1 + median_low([folded.count(title) for title in sample])


def _echoed(seen: Seen, titles: Sequence[str]) -> tuple[int, ...]:
    """Which titles of a short list stand outside the records, if not all do."""
    if len(titles) > ECHO_SAMPLE:
        return ()
    outside = set(seen.lines)
    there = [name for title in titles if (name := fold_name(title)) in outside]
    return tuple(map(digest, there)) if len(there) < len(titles) else ()


def of_the_list(frame: Frame, titles: Sequence[str]) -> Sequence[str]:
    """The titles that stood in the records alone on the last good page; all, if ``frame.echo`` tells them better."""
    if not frame.echoed or frame.echo > 1:
        return titles
    aside = set(frame.echoed)
    return [title for title in titles if digest(fold_name(title)) not in aside]


def _common(marks: Marks, seen: Seen) -> Marks:
    if not marks.pages:
        return Marks(
            pages=1,
            marks=tuple(sorted(seen.marks)),
            words=tuple(sorted(seen.words)),
            closing=seen.closing,
            ends=tuple(sorted(seen.ends)),
            left_open=seen.left_open,
        )
    return Marks(
        pages=marks.pages + 1,
        marks=_still(marks.marks, seen.marks),
        words=_still(marks.words, seen.words),
        closing=_still(marks.closing, frozenset(seen.closing)),
        ends=tuple([end for end in marks.ends if end in seen.ends]),
        left_open=marks.left_open if marks.left_open == seen.left_open else None,
    )


def _still(marks: tuple[int, ...], there: frozenset[int]) -> tuple[int, ...]:
    """Those that are there; mostly all of them."""
    return marks if there.issuperset(marks) else tuple([mark for mark in marks if mark in there])


def _counted(frame: Frame, seen: Seen, rows: int) -> tuple[Count, ...]:
    """Numbers that agree with the rows once more; on the first page, all that do."""
    if not frame.rows:
        agreeing = [place for place, number in seen.counts.items() if number == rows and rows]
        # those that name what they count come first: there is room for few
        agreeing.sort(key=lambda place: place not in seen.named)
        return tuple(Count(place=place, named=place in seen.named, values=(rows,)) for place in agreeing[:MOST_COUNTS])
    return tuple(
        replace(
            count,
            hits=count.hits + (count.place in seen.counts),
            values=tuple(dict.fromkeys((*count.values, rows)))[-4:] if count.place in seen.counts else count.values,
        )
        for count in frame.counts
        if seen.counts.get(count.place, rows) == rows
    )


def struck(frame: Frame, faults: Sequence[str], number: int) -> Frame:
    """The frame after a page that broke it."""
    times = strikes(frame, faults, number) + 1
    strike = Strike(number=number, shape=digest("|".join(faults)), times=times)
    return replace(frame, strikes=(*_others(frame, number), strike)[-MOST_STRIKES:])


def strikes(frame: Frame, faults: Sequence[str], number: int) -> int:
    """How often in a row, until now, that page of the listing broke the frame in this very way."""
    shape = digest("|".join(faults))
    return next((s.times for s in frame.strikes if s.number == number and s.shape == shape), 0)


def _others(frame: Frame, number: int) -> tuple[Strike, ...]:
    return tuple(strike for strike in frame.strikes if strike.number != number)

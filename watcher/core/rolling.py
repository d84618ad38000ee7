"""What may have rolled off the end of a full list, and what cannot have, because older entries are still shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile

from watcher.core import losses
from watcher.core.case import Case
from watcher.core.notes import Absence, Growth, tag, tags
from watcher.core.signs import came_at

ENOUGH = 2
"""So many new entries must have come at one end of a list, none elsewhere, and so many full pages must lack what was
pushed off the other, before its order tells what rolls off."""


def roll_off(case: Case, begun: set[str]) -> None:
    """Marks what may have rolled off a full list: lost from one end, and as many came in at the other since.

    A list that holds more than it did then was not full: what is still lost did not roll off. Neither did what an older
    entry outlasts.
    """
    notes, signs, size = case.notes, case.signs, len(case.snapshot.entries)
    line, cap = case.page, max(size, notes.longest)
    outlasted = _outlasted(case)
    for key in case.delta.missing:
        absence = notes.absences[key]
        if absence.fewer_pages and not signs.fewer_pages:
            absence.cap, absence.fewer_pages = 0, False  # all its pages are there again, and it is not
        if absence.cap and not absence.room:
            absence.cap = max(absence.cap, size)  # what it held on faulty pages says nothing
        if 0 < absence.cap < size and key not in signs.older and not absence.fewer_pages:
            absence.cap, absence.freed = 0, True
        if key in outlasted:
            absence.pushed = False
            if absence.cap and not absence.fewer_pages:
                absence.cap = 0
                losses.begin_anew(absence, notes, case.snapshot)
        elif not absence.room:
            absence.pushed = absence.pushed or (notes.longest <= size and _any_came_since(case, absence))
    backwards = notes.at_end > notes.at_front
    for ends, page in ((signs.head, line[::-1]) if backwards else (signs.tail, line),):
        inside = len(signs.lost) - len(ends)
        for place, key in enumerate(ends):
            absence = notes.absences[key]
            full = notes.longest <= size + inside and not absence.freed
            if full and key not in outlasted and _came_since(case, absence, page) > place:
                absence.cap = cap
    for key in case.delta.missing:
        absence = notes.absences[key]
        swapped = key in signs.swapped and key in begun
        pushed = absence.pushed and absence.answer == "alive"
        if (swapped or pushed or absence.fewer_pages) and not absence.freed:
            absence.cap = absence.cap or cap


def _any_came_since(case: Case, absence: Absence) -> bool:
    """Whether something came since the lost one was there, wherever it stands: it may have pushed it off."""
    if case.added:  # whatever the clock says of it
        return True
    return absence.had is not None and any(came_at(case, key) > absence.had for key in case.page)


def _came_since(case: Case, absence: Absence, page: Sequence[str]) -> int:
    """How many entries at the beginning of the page came since the lost one was there, or since the last sound page."""
    trusted = set(tags(case.notes.trusted))
    count = 0
    for key in page:
        if absence.had is not None and came_at(case, key) <= absence.had and tag(key) in trusted:
            break
        count += 1
    return count


# ------------------------------------------------------------------------------------------- what outlasts the lost


def _outlasted(case: Case) -> frozenset[str]:
    """Lost entries that cannot have rolled off: an older one, which stood behind them, still ends the page.

    Only of a list that is known to gain at one end and to lose at the other, on a page that does not look like an old
    one.
    """
    notes, signs, growth = case.notes, case.signs, case.notes.growth
    if abs(growth.ahead) < ENOUGH or not growth.rolls or not case.page:
        return frozenset()
    if signs.shuffled or signs.formerly or signs.copy or signs.stale or signs.fewer_pages:
        return frozenset()
    order, page = tags(notes.order), case.page
    if growth.ahead < 0:
        order, page = order[::-1], page[::-1]
    if case.astray or _moved(order, [tag(key) for key in page]):
        return frozenset()
    place = {mark: at for at, mark in enumerate(order)}
    return frozenset(
        key for key in case.delta.missing if key not in signs.behind and _is_outlasted(case, key, page, place)
    )


def _is_outlasted(case: Case, key: str, page: Sequence[str], place: Mapping[str, int]) -> bool:
    """Whether the page ends with what stood behind the lost entry when it was there, and does not begin with such."""
    absence, at = case.notes.absences[key], place.get(tag(key))
    if at is None or absence.had is None or absence.astray:
        return False

    def is_behind(other: str) -> bool:
        return place.get(tag(other), -1) > at

    known = [other for other in page if other in case.before and case.before[other].first_seen <= absence.had]
    return bool(known) and is_behind(known[-1]) and (known[0] != page[0] or not is_behind(page[0]))


def grow(case: Case, before: Sequence[str], line: Sequence[str]) -> None:
    """Notes how the list grew: by tags, ``before`` is its last order, lost ones among them, ``line`` what it shows."""
    notes, growth, ahead = case.notes, case.notes.growth, _ahead(case, before, line)
    if ahead is None or not growth.begun:
        notes.growth = Growth(begun=True)
        for absence in notes.absences.values():
            absence.astray = True
        return
    rolls = growth.rolls or (ahead != 0 and _rolls(case, before[::-1] if ahead > 0 else before, line))
    notes.growth = Growth(begun=True, ahead=ahead, rolls=rolls)


def _ahead(case: Case, before: Sequence[str], line: Sequence[str]) -> int | None:
    """How many came at one end, with those of this page; None if the order changed in any other way.

    What never was on a page may come in at the other end, where a list that lost some shows older ones again.
    """
    growth, signs = case.notes.growth, case.signs
    if case.astray or _moved(before, line):
        return None
    known = set(before)
    news = [] if before == line else [mark for mark in line if mark not in known]
    if not news or signs.formerly or signs.copy or signs.stale:  # an old page has no news
        return growth.ahead
    front = len(list(takewhile(lambda mark: mark not in known, line)))
    end = len(list(takewhile(lambda mark: mark not in known, reversed(line))))
    if front == len(line) or front + end < len(news):
        return None
    older = {tag(key) for key in case.added} if growth.rolls else frozenset[str]()
    if growth.ahead >= 0 and older.issuperset(news[front:]):
        return growth.ahead + front
    if growth.ahead <= 0 and older.issuperset(news[:front]):
        return growth.ahead - end
    return None


def _rolls(case: Case, backwards: Sequence[str], line: Sequence[str]) -> bool:
    """Whether, though the page is full, something is lost for good from the end at which nothing comes in."""
    there = set(line)
    lost = set(takewhile(lambda mark: mark not in there, backwards))
    return len(line) >= case.notes.longest and any(
        absence.cap and absence.count >= ENOUGH and tag(key) in lost and not absence.astray
        for key, absence in case.notes.absences.items()
    )


def _moved(before: Sequence[str], line: Sequence[str]) -> bool:
    """Whether any entry stands elsewhere among the others than before."""
    if before == line:
        return False
    there, known = set(line), set(before)
    return [mark for mark in before if mark in there] != [mark for mark in line if mark in known]

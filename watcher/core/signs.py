"""What a complete snapshot looks like beside what is believed: which signs of a fault it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import takewhile

from watcher.core.case import Case
from watcher.core.flips import is_former
from watcher.core.notes import Notes, set_print, tag, tags
from watcher.core.structural import (
    Signs,
    believed,
    is_copy,
    is_shuffled,
    lost_tail,
    stands_elsewhere,
    swapped,
    when_before,
)
from watcher.records import Snapshot


def read_signs(case: Case) -> Signs:
    """The signs of this complete snapshot."""
    notes, snapshot, delta = case.notes, case.snapshot, case.delta
    expected = believed(case.entries, notes)
    lost = tuple(key for key in expected if key not in delta.seen)
    again = any(case.entries[key].standing == "withdrawn" for key in delta.seen)
    before_at = when_before(notes, case.page) if lost or again else None
    signs = Signs(
        lost=lost,
        expected=len(expected),
        present=len(expected) - len(lost),
        formerly=before_at is not None,
        stale=_is_stale(case),
        copy=is_copy(notes, snapshot.text),
        empty=not snapshot.entries,
        says_empty=not snapshot.entries and "site-says-empty" in snapshot.why,
        fewer_pages=0 < len(snapshot.captures) < notes.pages,
    )
    if not lost:
        return signs
    here, lacks = tag(snapshot.mirror), set_print(lost)
    agrees = any(lacked == lacks for mirror, lacked in notes.lost_on.items() if mirror != here)
    came = {key: came_at(case, key) for key in lost}
    older = frozenset(key for key, moment in came.items() if before_at is not None and before_at < moment)
    return _of_order(case, signs, lost).with_lost(
        older=older, behind=_behind(notes, snapshot, lost), elsewhere=_elsewhere(case, lost), agrees=agrees
    )


def _of_order(case: Case, signs: Signs, lost: Sequence[str]) -> Signs:
    """The signs, with what the order of the entries says of the lost ones."""
    notes = case.notes
    before, line = tags(notes.order), [tag(key) for key in case.page]
    named = {tag(key): key for key in lost}
    trusted = tags(notes.trusted)
    shuffled = is_shuffled(before, line) or is_shuffled(trusted, line) or _back_inside(case)
    taken = swapped(trusted, named.keys() & set(trusted), line, notes.longest) if shuffled else frozenset()
    return signs.with_order(
        shuffled=shuffled,
        tail=_ends(before, trusted, named, line),
        head=_ends(before[::-1], trusted[::-1], named, line[::-1]),
        swapped=frozenset(named[mark] for mark in taken),
    )


def _ends(
    before: Sequence[str], trusted: Sequence[str], named: Mapping[str, str], line: Sequence[str]
) -> tuple[str, ...]:
    """What is lost from the end, as the last page had it or the last that was not faulty; the last one first."""
    found = dict.fromkeys(lost_tail(trusted, named, line)) | dict.fromkeys(lost_tail(before, named, line))
    return tuple(named[mark] for mark in found)


def _back_inside(case: Case) -> bool:
    """Whether something that had rolled off the end is back, and not at the end: then the list is in another order."""
    back = {key for key in case.delta.seen if key in case.notes.absences and case.notes.absences[key].cap}
    page = case.page
    if case.notes.growth.rolls:  # older ones, never shown, may come in behind it
        page = page[: len(page) - len(list(takewhile(case.added.__contains__, reversed(page))))]
    return bool(back) and not back <= set(page[len(page) - len(back) :])


def _elsewhere(case: Case, lost: Sequence[str]) -> dict[str, str]:
    """Lost entries whose names still stand on the page."""
    notes, snapshot = case.notes, case.snapshot
    return stands_elsewhere(
        snapshot.text,
        {key: case.entries[key].title for key in lost},
        {key: notes.names.get(key, notes.usual) for key in lost},
        list(case.added.values()),
        snapshot.entries,
    )


def _behind(notes: Notes, snapshot: Snapshot, lost: Sequence[str]) -> frozenset[str]:
    """What is lost on a mirror that never showed it: one never looked at before, or one that lags behind."""
    mirror = tag(snapshot.mirror)
    if notes.mirrors and mirror not in notes.mirrors:
        return frozenset(lost)
    return frozenset(key for key in lost if key in notes.behind and mirror not in notes.behind[key])


def _is_stale(case: Case) -> bool:
    """Whether some entry goes by a title it had before, or says what it said before: so does an old page."""
    titles = any(how == "former" for how in case.delta.renamed.values())
    return titles or any(
        is_former(case, key, name, new)
        for key, changes in case.delta.changed.items()
        for name, (_, new) in changes.items()
    )


def came_at(case: Case, key: str) -> datetime:
    """When an entry came to the list, the last time."""
    held = case.entries.get(key)
    return case.notes.came.get(key) or (held.first_seen if held is not None else case.snapshot.taken_at)

"""What a complete snapshot leaves in the notes for the next one."""

from __future__ import annotations

from collections.abc import Sequence

from watcher.core import flips, losses
from watcher.core.case import Case
from watcher.core.notes import set_print, tag, tags
from watcher.core.rolling import grow
from watcher.core.structural import count_usual, next_order, remember_run

MOST_MIRRORS = 16
LONG, SELDOM = 2_000, 10
"""On a page with more entries, names are counted at every so many snapshots."""
SOON = 8
"""What rolled off, was seen again, and is gone again within so many visits was seen on an old page."""
TRIES = 2
"""An entry just listed is asked for by so many visits; some sites have no pages for single entries."""


def remember(case: Case) -> None:
    """Notes what the complete snapshot showed."""
    notes, snapshot, signs = case.notes, case.snapshot, case.signs
    page = [key for key in case.page if key in case.entries]
    new_text = bool(snapshot.text) and not (notes.runs and notes.runs[-1].texts[-1:] == [tag(snapshot.text)])
    keep = {tag(key) for key, held in case.entries.items() if held.standing == "missing"}
    before, marks = tags(notes.order), [tag(key) for key in page]
    grow(case, before, marks)
    notes.order = "".join(next_order(before, marks, keep))
    remember_run(notes, page, snapshot.text, snapshot.taken_at, news=bool(case.events))
    redesigned = bool(notes.rule and snapshot.rule_digest and notes.rule != snapshot.rule_digest)
    if not signs.faulty:
        notes.trusted = "".join(marks)
    if not (signs.older or signs.copy or signs.stale):
        notes.longest = len(page) if redesigned and not signs.faulty else max(notes.longest, len(page))
        lost_pages = any(absence.fewer_pages for absence in notes.absences.values())
        still = lost_pages or (bool(signs.lost) and not redesigned)
        notes.pages = max(len(snapshot.captures), notes.pages if still else 0)
    if snapshot.rule_digest and snapshot.rule_digest != notes.rule:
        notes.rule, notes.rule_since = snapshot.rule_digest, snapshot.taken_at
    if not signs.copy and not signs.stale:
        notes.since, notes.since_in = snapshot.taken_at, case.first_capture
    _keys(case, page)
    _mirror(case, page)
    if new_text and (len(page) <= LONG or notes.complete % SELDOM == 1):
        _names(case, page)
    flips.forget(case)
    notes.fresh = {
        key: tries + 1
        for key, tries in notes.fresh.items()
        if key in case.entries and key not in case.probes and tries < TRIES
    }
    notes.rolled = {key: seen for key, seen in notes.rolled.items() if notes.visits - seen[1] <= SOON}
    notes.absences = {
        key: absence
        for key, absence in notes.absences.items()
        if not absence.resting or notes.visits - absence.began <= losses.ASLEEP
    }


def _keys(case: Case, page: Sequence[str]) -> None:
    """Notes under which key of its own each entry goes now."""
    notes = case.notes
    there = set(page)
    notes.came = {key: moment for key, moment in notes.came.items() if case.entries[key].standing != "withdrawn"}
    alias = {page_key: key for page_key, key in notes.alias.items() if key not in there and key in case.entries}
    for key, entry in {**case.delta.seen, **case.added}.items():
        if entry.key != key:
            alias[entry.key] = key
        else:
            alias.pop(entry.key, None)
    notes.alias = alias


def _mirror(case: Case, page: Sequence[str]) -> None:
    """Notes what this mirror shows of what came lately, and lacks of what was withdrawn."""
    notes, mirror = case.notes, tag(case.snapshot.mirror)
    if mirror not in notes.mirrors:
        notes.mirrors = [*notes.mirrors, mirror][-MOST_MIRRORS:]
    there = set(page)
    lacking = set_print(case.signs.lost) if case.signs.lost and not case.signs.empty else ""
    notes.lost_on = {other: notes.lost_on[other] for other in notes.mirrors if other in notes.lost_on} | {
        mirror: lacking
    }
    for key, lacked in notes.clings.items():
        if key not in there and mirror not in lacked:
            lacked.append(mirror)
    behind = {}
    for key, shown in notes.behind.items():
        seen_on = [*shown, mirror] if key in there and mirror not in shown else shown
        if key in case.entries and not set(notes.mirrors) <= set(seen_on):
            behind[key] = seen_on
    notes.behind = behind


def _names(case: Case, page: Sequence[str]) -> None:
    """Notes how often each entry's name stands on the page, so that a row that is not read is not taken for gone."""
    notes = case.notes
    titles = {key: case.entries[key].title for key in page}
    notes.usual, names = count_usual(case.snapshot.text, titles, notes.names, notes.usual)
    absent = {key for key, held in case.entries.items() if held.standing == "missing"}
    notes.names = {key: number for key, number in notes.names.items() if key in absent} | names

"""What follows from seeing the same again while nothing is open: what a decision in full is held against."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from watcher.core.noise import differs
from watcher.core.notes import LOOKS, Notes, load, save, tag
from watcher.core.resighted import Entries, Resighted
from watcher.core.structural import TEXTS
from watcher.records import Decision, Roster, RosterEntry, Snapshot

Look = tuple[datetime, str]
"""When a page was asked for, and its capture."""


def seen_again(notes: bytes, times: int, at: datetime, capture: str) -> bytes:
    """The notes of a roster once the same was seen so many times more, last at ``at``, with ``capture`` as the first
    page."""
    if not times:
        return notes
    known = load(notes)
    known.visits += times
    known.complete += times
    if not known.sure:
        known.stable += times
    known.runs[-1].visits += times
    known.runs[-1].last = at
    known.since, known.since_in = at, capture
    known.reached, known.reached_in = at, capture
    known.looks = (known.looks + "g" * min(times, LOOKS))[-LOOKS:]
    return save(known)


def with_texts(notes: bytes, texts: Sequence[str]) -> bytes:
    """The notes, as if the last visits had left the digests of their texts in them."""
    known, marks = load(notes), [tag(text) for text in texts if text]
    run = known.runs[-1]
    before = [mark for mark in run.texts if mark not in marks]
    run.texts = [mark for mark, _ in groupby([*before, *marks])][-TEXTS:]
    return save(known)


def _settled(notes: bytes) -> bytes:
    """The same notes with a baseline, which stands as soon as the same was read often enough."""
    known = load(notes)
    known.settled = True
    return save(known)


def looks(snapshot: Snapshot) -> tuple[Look, ...]:
    """When the pages of a snapshot were seen, and in which captures."""
    return tuple([(snapshot.taken_at, capture) for capture in snapshot.captures])


def may_move(snapshot: Snapshot) -> bool:
    """Whether numbers may move on its pages and be nothing: no rule is to be found yet, and no number is a name."""
    return not snapshot.provisional and not any(entry.title.isdigit() for entry in snapshot.entries)


def is_calm(notes: Notes, snapshot: Snapshot) -> bool:
    """Whether nothing is open: nothing missing, doubted, new, or the matter with the site."""
    open_ones = notes.absences or notes.episodes or notes.fresh or notes.rolled or notes.whole
    waiting = any(not name.startswith("new:") for name in notes.flips)
    doubtful = any(not flutter.noisy for flutter in notes.flutter.values())
    if open_ones or waiting or doubtful or notes.behind or not notes.runs:
        return False
    mirror = tag(snapshot.mirror)
    good = snapshot.verdict == "listing" and snapshot.complete and bool(snapshot.entries) and not snapshot.backfill
    return (
        good
        and "rule-relearned" not in snapshot.why
        and notes.rule == snapshot.rule_digest
        and (notes.sure or snapshot.provisional)
        and mirror in notes.mirrors
        and all(mirror in lacked for lacked in notes.clings.values())
    )


def as_foreseen(visits: int, last: Sequence[Look], roster: Roster, snapshot: Snapshot, decision: Decision) -> bool:
    """Whether a decision is what follows from seeing again what the visit of this number saw, the ``last`` one, by
    these looks, and nothing else."""
    notes = load(roster.notes)
    if notes.visits != visits or not notes.runs or decision.look_again is not None:
        return False
    pages = {look: number for number, look in enumerate(last)}
    places = {
        key: pages[entry.last_seen, entry.seen_in]
        for key, entry in roster.entries.items()
        if (entry.last_seen, entry.seen_in) in pages
    }
    if max(places.values(), default=0) >= len(snapshot.captures):
        return False
    foreseen = seen_again(roster.notes, 1, snapshot.taken_at, snapshot.captures[0])
    after = decision.roster.notes
    if _but_for_moves(after, foreseen) not in (foreseen, _settled(foreseen)):
        return False
    noise = load(after).flutter.keys()
    seen = Resighted(Entries(roster.entries), places, snapshot.taken_at, snapshot.captures).spelled
    found = decision.roster.entries
    return found == seen or (
        found.keys() == seen.keys() and all(_says_the_same(seen[key], entry, noise) for key, entry in found.items())
    )


def _but_for_moves(notes: bytes, other: bytes) -> bytes:
    """The notes, with what the others have where a page that moves leaves traces: digests of its text, and how long
    each value of a field that is noise has been moving."""
    if notes == other:
        return notes
    known, before = load(notes), load(other)
    if not known.runs or not before.runs:
        return notes
    known.runs[-1].texts = before.runs[-1].texts
    if known.flutter.keys() == before.flutter.keys() and all(one.noisy for one in before.flutter.values()):
        known.flutter = before.flutter
    return save(known)


def _says_the_same(one: RosterEntry, other: RosterEntry, noise: Collection[str]) -> bool:
    """Whether two entries differ in nothing but what fields count, or say that are noise."""
    if one == other:
        return True
    return (
        one.fields.keys() == other.fields.keys()
        and replace(one, fields=other.fields) == other
        and not any(differs(name, value, other.fields[name]) for name, value in one.fields.items() if name not in noise)
    )

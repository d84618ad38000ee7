"""Whether a rule that stands reads only a part of the list, and what holds the whole of it.

A side bar of five and a list of four look alike until a sixth entry comes; a new status may bring a class that the rule
does not know. Both show as entries that are known, are no longer read, and still stand on the page.
"""

from __future__ import annotations

from collections.abc import Sequence

from watcher.core.choosing import is_clean, is_finer, is_marquee
from watcher.core.groups import Group
from watcher.core.identity import fold_title
from watcher.core.learned import Learned
from watcher.core.parse import Document
from watcher.core.phrases import fold_name
from watcher.core.ranking import LEAST, Candidate
from watcher.core.rules import Read
from watcher.records import Entry

EVERY = 16
"""After so many good pages a rule is looked at again in any case."""
MOST_LOOKED_FOR = 200
BEHIND = 2.5
"""How much less than the list that stands the whole of it may score on its own."""


def is_doubtful(document: Document, learned: Learned, read: Read, known: Sequence[str]) -> bool:
    """Whether there is reason to think that the page lists more than the rule reads."""
    if learned.pages % EVERY == EVERY - 1:
        return True
    if read.titles_a_record > learned.titles_a_record * 1.02:
        return True
    return _stands_unread(document, read.entries, known)


def _stands_unread(document: Document, entries: Sequence[Entry], known: Sequence[str]) -> bool:
    """Whether a known title is no longer read and yet stands on the page."""
    shown = {entry.title for entry in entries}
    missing = [title for title in known if title not in shown]
    if not missing:
        return False
    folded = {fold_title(title)[0] for title in shown}
    missing = [title for title in missing if fold_title(title)[0] not in folded]
    if not missing:
        return False
    text = document.folded
    names = (fold_name(title) for title in missing[:MOST_LOOKED_FOR] if len(title) > 3)
    standing = [name for name in names if name in text]
    others = "\n".join(map(fold_name, folded)) if standing else ""
    return any(name not in others for name in standing)  # "Acme" stands in "Acme International"


def whole_of(candidates: Sequence[Candidate], entries: Sequence[Entry], known: Sequence[str]) -> Candidate | None:
    """The candidate that lists what was read and more; None if there is none that looks like a list of entries. Each
    part of a list put together must show something that was read or is known: services may look like entries. One that
    names everything twice (a marquee) only echoes the entries."""
    read = frozenset(fold_title(entry.title)[0] for entry in entries)
    usual = len(entries) / max(1, len(read))
    expected = read | {fold_title(title)[0] for title in known}
    now = [one for one in candidates if one.folded() == read]
    standing = max((one.score for one in now), default=LEAST + BEHIND)
    best: Candidate | None = None
    for candidate in candidates:
        titles = candidate.folded()
        if len(titles) <= len(read) or len(titles & read) * 10 < len(read) * 9 or not is_clean(candidate):
            continue
        if any(is_finer(one, candidate) for one in now) or is_marquee(candidate, titles, usual=usual):
            continue
        if not all(_has_any(candidate, part, expected) for part in candidate.group.parts):
            continue
        if candidate.score >= standing - BEHIND and (best is None or candidate.score > best.score):
            best = candidate
    return best


def _has_any(candidate: Candidate, part: Group, expected: frozenset[str]) -> bool:
    """Whether a part of the candidate's group shows one of the titles."""
    numbers = {record: number for number, record in enumerate(candidate.group.records)}
    shown = (candidate.titles.get(numbers[record], "") for record in part.records)
    return any(fold_title(title)[0] in expected for title in shown if title)

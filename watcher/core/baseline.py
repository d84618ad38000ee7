"""The time before a baseline stands: the first snapshots seed the roster and tell nothing.

While the rule that reads a site is a guess, a better one may find other entries on the same page. So the first page's
text is kept: a name that stood there is old news, whatever rule finds it later; a name that did not is told as listed
once the rule has settled, or has stayed the same for long.
"""

from __future__ import annotations

import zlib
from base64 import b85decode, b85encode
from collections.abc import Mapping
from dataclasses import replace

from watcher.core.case import Case
from watcher.core.flips import put_back, seen, waiting
from watcher.core.identity import fold
from watcher.core.noise import sift
from watcher.core.notes import Absence, Flip, tag
from watcher.core.structural import count_names
from watcher.core.tell import Window
from watcher.records import Entry, RosterEntry

LONGEST = 300_000
"""Letters of a page's text that are kept."""
STABLE = 6
"""Complete snapshots in a row, at least, that one rule must read before a guess is as good as settled."""
NEW = "new:"
SIGN = 60
"""Letters of a description by which an entry is found in a text that does not name it."""


def pack(text: str) -> str:
    """A text, folded and compressed, as ASCII."""
    return b85encode(zlib.compress(fold(text[:LONGEST]).encode("utf-8", "replace"), 6)).decode("ascii")


def unpack(packed: str) -> str:
    """The text that was packed; empty for nothing."""
    return zlib.decompress(b85decode(packed)).decode("utf-8") if packed else ""


def settle(case: Case) -> bool:
    """Takes part in the decision until a baseline stands; whether the snapshot is to be decided as any other."""
    notes, snapshot = case.notes, case.snapshot
    if notes.sure:
        return True
    if not snapshot.complete or not _speaks(case):
        return notes.settled
    same = notes.rule == snapshot.rule_digest
    notes.stable = notes.stable + 1 if same or not notes.stable else 1
    was_settled = notes.settled
    if was_settled and not same:
        _drop_misread(case)
    elif not was_settled:
        _seed(case, same)
    case.guessed = True
    if not snapshot.provisional:
        notes.sure = notes.settled = True
    elif notes.stable >= max(STABLE, 2 * case.policy.confirm_visits):
        notes.settled = True
    if notes.settled and not was_settled:
        _tell_new(case)
    return was_settled


def remember_text(case: Case) -> None:
    """Keeps the text of a complete page, or of one in which nothing could be read yet, as long as rules are guesses."""
    notes, snapshot = case.notes, case.snapshot
    if notes.sure:
        notes.first_text = notes.last_text = ""
        return
    if not snapshot.text:
        return
    notes.last_text = pack(snapshot.text)
    if not notes.first_text:
        notes.first_text = notes.last_text
    if not snapshot.complete:
        notes.since, notes.since_in = snapshot.taken_at, case.first_capture


def _speaks(case: Case) -> bool:
    """Whether the snapshot can be a baseline: it has entries, or the site says that it has none, or it lasts."""
    snapshot, notes = case.snapshot, case.notes
    if snapshot.entries or "site-says-empty" in snapshot.why:
        return True
    empty = Flip(said="", after=snapshot.finished_at, after_in=None, visit=notes.visits, seen=0)
    empty = notes.flips.setdefault("empty", empty)
    empty.seen += 1
    empty.visit = notes.visits
    return empty.seen >= max(STABLE, 2 * case.policy.confirm_visits)


def _seed(case: Case, same: bool) -> None:
    """Makes the roster what the page shows; nothing is told yet, but what the first page did not name is noted.

    What another rule read and this one does not is dropped: it was no entry. What the same rule no longer finds is
    kept as missing, and what it reads otherwise than before is kept as it was: both are told once the rule has settled.
    """
    _note_new(case)
    changed = _changed(case) if same and not case.snapshot.backfill else {}
    page = {**case.delta.seen, **case.added}
    for key in [key for key in case.entries if key not in page]:
        if same and case.entries[key].standing != "withdrawn":
            held = case.entries[key]
            case.notes.absences.setdefault(key, _absence(case, held))
            case.change(key, standing="missing", missing_since=held.missing_since or case.snapshot.taken_at)
        elif not same:
            _drop(case, key)
    for key, entry in page.items():
        held_before = case.entries.get(key)
        taken = case.snapshot.taken_at
        title, url, fields = entry.title, entry.url, dict(entry.fields)
        if held_before is not None and key in changed:
            title = held_before.title if key in case.delta.renamed else title
            for name, (old, _) in changed[key].items():
                url = put_back(url, fields, name, old)
            case.notes.whole.setdefault(key, (held_before.last_seen, held_before.seen_in))
        else:
            case.notes.whole.pop(key, None)
        case.entries[key] = RosterEntry(
            key=key,
            title=title,
            url=url,
            fields=fields,
            first_seen=held_before.first_seen if held_before is not None else taken,
            last_seen=taken,
            seen_in=case.capture_of(entry),
        )
        case.notes.absences.pop(key, None)


def _changed(case: Case) -> dict[str, Mapping[str, tuple[str, str]]]:
    """What the rule reads otherwise than before, by roster key; fields that are noise are not among it."""
    notes, delta = case.notes, case.delta
    real, notes.flutter = sift(delta.changed, len(delta.seen), notes.flutter, waiting(case))
    for key, fields in real.items():
        for name, (_, new) in fields.items():
            seen(case, f"field:{name}:{key}", new)
    return {key: real.get(key, {}) for key in (*real, *delta.renamed)}


def _note_new(case: Case) -> None:
    """Notes new entries that the first page did not name, to be told once the rule has settled.

    The text must be that of this listing, read or not: some entries are named in it, or were read from it.
    """
    notes, snapshot = case.notes, case.snapshot
    if not notes.first_text:
        return
    signs = _signs_of(snapshot.text, case.added)
    on_first = count_names(unpack(notes.first_text), signs)
    on_last = count_names(unpack(notes.last_text), signs)
    if not case.delta.seen and not on_first:
        notes.first_text = pack(snapshot.text)
        return
    for key in signs:
        if key in on_first:
            continue
        notes.flips[f"{NEW}{key}"] = Flip(
            said=tag(case.added[key].title),
            after=snapshot.finished_at,
            after_in=case.capture_of(case.added[key]),
            visit=notes.visits,
            had=notes.since if key not in on_last else None,
            had_in=notes.since_in if key not in on_last else None,
        )


def _signs_of(text: str, entries: Mapping[str, Entry]) -> dict[str, str]:
    """By which words each entry can be found in the page's text: its title, else the longest thing it says."""
    signs = {key: entry.title for key, entry in entries.items()}
    named = count_names(text, signs)
    for key, entry in entries.items():
        if key not in named:
            signs[key] = max(entry.fields.values(), key=len, default="")[:SIGN]
    return {key: sign for key, sign in signs.items() if key in named or (sign and count_names(text, {key: sign}))}


def _drop_misread(case: Case) -> None:
    """Drops what the former rule took for entries: no longer read, and yet their words stand on the page."""
    lacking = {key: case.entries[key].title for key in case.delta.missing if key not in case.notes.absences}
    there = count_names(case.snapshot.text, lacking)
    then = count_names(unpack(case.notes.last_text), lacking)
    dropped = {key for key in lacking if key in there or key not in then}
    for key in dropped:
        _drop(case, key)
    case.delta = replace(case.delta, missing=tuple(key for key in case.delta.missing if key not in dropped))


def _drop(case: Case, key: str) -> None:
    del case.entries[key]
    case.notes.absences.pop(key, None)
    case.notes.whole.pop(key, None)
    case.notes.came.pop(key, None)


def _absence(case: Case, held: RosterEntry) -> Absence:
    return Absence(
        had=held.last_seen,
        had_in=held.seen_in,
        after=case.snapshot.finished_at,
        lacks_in=case.first_capture,
        began=case.notes.visits,
        since=case.notes.passed,
    )


def _tell_new(case: Case) -> None:
    """Tells what came while the rule was a guess, and is still there."""
    notes = case.notes
    waiting = {name: flip for name, flip in notes.flips.items() if name.startswith(NEW)}
    for name, flip in waiting.items():
        del notes.flips[name]
        key = name.removeprefix(NEW)
        if key not in case.delta.seen and key not in case.added:
            continue
        if case.snapshot.backfill:
            continue
        window = Window(not_before=flip.had, not_after=flip.after, before=flip.had_in, after=flip.after_in)
        prose = "The entry stands on the page and did not when the site was first captured."
        case.tell("listed", key, window, ("new-on-listing", "rule-settled", prose))


def is_old_news(case: Case, entry: Entry) -> bool:
    """Whether the entry stood on the first page, unread, while the rule that read the site was a guess."""
    notes = case.notes
    if not case.guessed or not notes.first_text or notes.rule == case.snapshot.rule_digest:
        return False
    signs = _signs_of(case.snapshot.text, {entry.key: entry})
    return not signs or bool(count_names(unpack(notes.first_text), signs))

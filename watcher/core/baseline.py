"""The time before a baseline stands: the first snapshots seed the roster and tell nothing.

While the rule that reads a site is a guess, a better one may find other entries on the same page. So the first page's
text is kept: a name that stood there is old news, whatever rule finds it later; a name that did not is told as listed
once the rule has settled, or has stayed the same for long.
"""

from __future__ import annotations

import zlib
from base64 import b85decode, b85encode
from dataclasses import replace

from watcher.core.case import Case
from watcher.core.identity import fold
from watcher.core.notes import Absence, Flip, tag
from watcher.core.structural import count_names
from watcher.core.tell import Window
from watcher.records import Entry, RosterEntry

LONGEST = 300_000
"""Letters of a page's text that are kept."""
STABLE = 6
"""Complete snapshots in a row, at least, that one rule must read before a guess is as good as settled."""
NEW = "new:"


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
    first = not notes.first_text and not notes.stable
    same = notes.rule == snapshot.rule_digest
    notes.stable = notes.stable + 1 if same or first else 1
    was_settled = notes.settled
    if first:
        _seed(case, ())
        notes.first_text = pack(snapshot.text) if snapshot.provisional else ""
    elif not same or not was_settled:
        _reseed(case, same)
    if not snapshot.provisional:
        notes.sure = notes.settled = True
    elif notes.stable >= max(STABLE, 2 * case.policy.confirm_visits):
        notes.settled = True
    if notes.settled and not first:
        _tell_new(case)
    if notes.sure:
        notes.first_text = notes.last_text = ""
    else:
        notes.last_text = pack(snapshot.text)
    return was_settled and same and not first


def _speaks(case: Case) -> bool:
    """Whether the snapshot can be a baseline: it has entries, or the site says that it has none, or it lasts."""
    snapshot, notes = case.snapshot, case.notes
    if snapshot.entries or "site-says-empty" in snapshot.why:
        return True
    empty = Flip(said="", after=snapshot.finished_at, after_in=None, last=snapshot.taken_at, visit=notes.visits, seen=0)
    empty = notes.flips.setdefault("empty", empty)
    empty.seen += 1
    empty.visit = notes.visits
    return empty.seen >= max(STABLE, 2 * case.policy.confirm_visits)


def _seed(case: Case, quiet_drop: tuple[str, ...]) -> None:
    """Makes the roster what the page shows; nothing is told."""
    for key in quiet_drop:
        del case.entries[key]
        case.notes.absences.pop(key, None)
    taken = case.snapshot.taken_at
    for key, entry in {**case.delta.seen, **case.added}.items():
        held = case.entries.get(key)
        if held is None:
            case.entries[key] = RosterEntry(
                key=key,
                title=entry.title,
                url=entry.url,
                fields=entry.fields,
                first_seen=taken,
                last_seen=taken,
                seen_in=case.capture_of(entry),
            )
        else:
            case.entries[key] = replace(
                held,
                title=entry.title,
                url=entry.url,
                fields=entry.fields,
                last_seen=taken,
                seen_in=case.capture_of(entry),
                standing="listed",
                missing_since=None,
                missing_in=None,
                absences=0,
            )
            case.notes.absences.pop(key, None)
        case.notes.whole.pop(key, None)


def _reseed(case: Case, same: bool) -> None:
    """Makes the roster what a page shows that a guess reads; remembers which names the first page did not have.

    What another rule read and this one does not is dropped: it was no entry. What the same rule no longer finds is
    kept as missing.
    """
    notes, snapshot = case.notes, case.snapshot
    page = {**case.delta.seen, **case.added}
    titles = {key: entry.title for key, entry in case.added.items()}
    on_first = count_names(unpack(notes.first_text), titles)
    on_last = count_names(unpack(notes.last_text), titles)
    on_page = count_names(snapshot.text, titles)
    for key, entry in case.added.items():
        if key in on_first or key not in on_page:
            continue  # it stood there unread; or the text does not say what stands there
        notes.flips[f"{NEW}{key}"] = Flip(
            said=tag(entry.title),
            after=snapshot.finished_at,
            after_in=case.capture_of(entry),
            last=snapshot.taken_at,
            visit=notes.visits,
            had=notes.since if key not in on_last else None,
            had_in=notes.since_in if key not in on_last else None,
        )
    dropped = () if same else tuple(key for key in case.entries if key not in page and not _withdrawn(case, key))
    kept = [key for key in case.entries if key not in page and not _withdrawn(case, key)] if same else []
    _seed(case, dropped)
    for key in kept:
        held = case.entries[key]
        absence = notes.absences.get(key) or _absence(case, held)
        notes.absences[key] = absence
        case.change(key, standing="missing", missing_since=held.missing_since or snapshot.taken_at)


def _withdrawn(case: Case, key: str) -> bool:
    return case.entries[key].standing == "withdrawn"


def _absence(case: Case, held: RosterEntry) -> Absence:
    return Absence(
        had=held.last_seen,
        had_in=held.seen_in,
        after=case.snapshot.finished_at,
        lacks_in=case.first_capture,
        began=case.notes.visits,
        last=case.snapshot.taken_at,
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
    """Whether the entry's name stood on the first page, unread, while the rule that reads the site is still a guess."""
    if case.notes.sure or not case.notes.first_text:
        return False
    return bool(count_names(unpack(case.notes.first_text), {"": entry.title}))

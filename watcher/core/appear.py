"""What a snapshot shows: entries as they were, back again, renamed, changed, and new ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from itertools import takewhile

from watcher.core.baseline import is_old_news
from watcher.core.case import Case
from watcher.core.flips import is_former, put_back, said_as, stays, waiting, window_of
from watcher.core.identity import RIBBONS, fold_title, own_path
from watcher.core.losses import is_of_page, is_off, show_again
from watcher.core.noise import sift
from watcher.core.notes import tag
from watcher.core.structural import is_mass
from watcher.core.tell import Details, Window
from watcher.records import Entry, RosterEntry

MOST_FORMER = 24
MOST_ALIASES = 20
MOST_FRESH = 12
GROWING = 3
"""Until so many complete snapshots, a page that grows at its end was short before, not news."""


def appear(case: Case) -> None:
    """Takes what the snapshot shows into the roster, and tells what is new about it."""
    real: Mapping[str, Mapping[str, tuple[str, str]]] = {}
    if case.snapshot.complete:
        real, case.notes.flutter = sift(case.delta.changed, len(case.delta.seen), case.notes.flutter, waiting(case))
    taken, notes = case.snapshot.taken_at, case.notes
    for key, entry in case.delta.seen.items():
        held = case.entries[key]
        if held.standing == "withdrawn":
            _relist(case, held, entry)
        elif key in notes.absences:
            shown = show_again(notes.absences[key], case.snapshot, case.signs, notes.passed)
            if shown == "old":
                continue
            absence = notes.absences[key]
            if not is_off(absence) and (shown == "back" or is_of_page(absence)):
                case.returned.add(absence.began)
            if shown == "back":
                case.astray |= absence.astray
                del notes.absences[key]
                full = not absence.cap or absence.fewer_pages or absence.cap >= len(case.snapshot.entries)
                if full and (absence.pushed or (absence.cap and not absence.fewer_pages)):
                    notes.rolled[key] = (absence.cap, notes.visits)
                if absence.cap and not absence.fewer_pages:
                    notes.came[key] = taken
            _seen(case, held, entry, real.get(key, {}), taken)
        else:
            _seen(case, held, entry, real.get(key, {}), taken)
    _add(case)


# ------------------------------------------------------------------------------------------------------ as it was


def _seen(case: Case, held: RosterEntry, entry: Entry, changes: Mapping[str, tuple[str, str]], taken: datetime) -> None:
    """An entry that was listed is there: what it says now, and what of that is news."""
    capture = case.capture_of(entry)
    complete = case.snapshot.complete
    title, url, fields, aliases = held.title, held.url, held.fields, held.aliases
    if complete and (entry.title != held.title or changes or entry.fields != held.fields or entry.url != held.url):
        title, url, fields, aliases = _said(case, held, entry, changes)
    if complete:
        case.notes.whole.pop(held.key, None)
    elif held.key not in case.notes.whole:
        case.notes.whole[held.key] = (held.last_seen, held.seen_in)
    case.entries[held.key] = RosterEntry(
        key=held.key,
        title=title,
        url=url,
        fields=fields,
        standing="listed",
        first_seen=held.first_seen,
        last_seen=taken,
        seen_in=capture,
        aliases=aliases,
    )


def _said(
    case: Case, held: RosterEntry, entry: Entry, changes: Mapping[str, tuple[str, str]]
) -> tuple[str, str, Mapping[str, str], tuple[str, ...]]:
    """Title, address, fields and former titles of an entry that says something else; tells what is news."""
    title, renamed, window = _title(case, held, entry)
    kept = dict(changes)
    fields, url = dict(entry.fields), entry.url
    for name, (old, new) in changes.items():
        flip = _settled_change(case, held, name, (old, new), cut=_may_be_cut(case, entry))
        if flip is None:
            del kept[name]
            url = put_back(url, fields, name, old)
        else:
            window = window or flip
    aliases = held.aliases
    if title != held.title:
        aliases = (*(alias for alias in aliases if alias not in (title, held.title)), held.title)[-MOST_ALIASES:]
    if case.snapshot.backfill or not (renamed or kept):
        return title, url, fields, aliases
    case.entries[held.key] = replace(held, title=title, url=url, fields=fields, aliases=aliases)
    window = replace(window or _window(case, held), after=case.capture_of(entry))
    if renamed:
        how = case.delta.renamed.get(held.key, "title")
        prose = f"The entry goes by another title now; it was recognised by its {_RECOGNISED.get(how, how)}."
        case.tell("renamed", held.key, window, (f"same-{how}", prose), Details(changes=kept, was=held.title))
    else:
        names = ", ".join(sorted(kept))
        prose = f"The entry says something else than before: {names}."
        case.tell(
            "changed", held.key, window, (*(f"field:{name}" for name in sorted(kept)), prose), Details(changes=kept)
        )
    return title, url, fields, aliases


_RECOGNISED = {
    "link": "link",
    "unmasked": "letters, some of which were hidden",
    "description": "description",
    "domain": "domain",
    "title": "title, which is close, and its place",
    "status": "title; only the status in it differs",
    "former": "former title",
}


def _title(case: Case, held: RosterEntry, entry: Entry) -> tuple[str, bool, Window | None]:
    """The title it goes by, whether that is news, and since when if not since the last snapshot."""
    if entry.title == held.title:
        return held.title, False, None
    old, new = fold_title(held.title), fold_title(entry.title)
    gained = {word.casefold() for word in (*old[1], *new[1])} - (
        {w.casefold() for w in old[1]} & {w.casefold() for w in new[1]}
    )
    if old[0] == new[0] and gained <= RIBBONS:
        return entry.title, False, None
    if entry.title in held.aliases or _may_be_cut(case, entry):
        flip = stays(case, f"title:{held.key}", entry.title, slow=True)
        return (held.title, False, None) if flip is None else (entry.title, True, window_of(flip))
    return entry.title, True, None


def _may_be_cut(case: Case, entry: Entry) -> bool:
    """Whether the page may end within this entry, or is an old one altogether."""
    return case.signs.copy or (bool(case.signs.tail) and case.snapshot.entries[-1].key == entry.key)


def _settled_change(case: Case, held: RosterEntry, name: str, values: tuple[str, str], *, cut: bool) -> Window | None:
    """The window of a change that is news; None while it may come from an old page (the value was there before)."""
    old, new = values
    window: Window | None = None
    if cut or is_former(case, held.key, name, new):
        flip = stays(case, f"field:{name}:{held.key}", new, slow=True)
        if flip is None:
            return None
        window = window_of(flip)
    case.notes.former[held.key] = [*case.notes.former.get(held.key, []), said_as(name, old)][-MOST_FORMER:]
    return window or _window(case, held)


def _window(case: Case, held: RosterEntry) -> Window:
    """From the last complete snapshot that had the entry to this one."""
    had, had_in = case.notes.whole.get(held.key, (held.last_seen, held.seen_in))
    return Window(not_before=had, not_after=case.snapshot.finished_at, before=had_in, after=case.first_capture)


# ---------------------------------------------------------------------------------------------------------- again


def _relist(case: Case, held: RosterEntry, entry: Entry) -> None:
    """A withdrawn entry is there again: told at once, or when it was seen twice if the page may be an old one; on pages
    that are cut, which do not show whether they are old ones, after as long as on those that are."""
    signs, snapshot = case.signs, case.snapshot
    probe = case.probes.get(held.key)
    if probe is not None and probe.answer == "gone" and case.pages_answer:
        return  # the list is an old one
    window = case.window_now(case.capture_of(entry))
    words = ["seen-again"]
    clings = held.key in case.notes.clings and tag(snapshot.mirror) not in case.notes.clings[held.key]
    if clings or signs.formerly or signs.copy or signs.stale or not snapshot.complete or snapshot.backfill:
        again = sum(case.entries[key].standing == "withdrawn" for key in case.delta.seen)
        slow = clings or not snapshot.complete or is_mass(again, len(case.delta.seen))
        flip = stays(case, f"relisted:{held.key}", held.key, slow=slow)
        if flip is None or snapshot.backfill:
            return
        window = window_of(flip)
        words.append(f"sightings:{flip.seen}")
    case.entries[held.key] = replace(
        held,
        title=entry.title,
        url=entry.url,
        fields=entry.fields,
        standing="listed",
        last_seen=snapshot.taken_at,
        seen_in=case.capture_of(entry),
        missing_since=None,
        missing_in=None,
        withdrawn_at=None,
        absences=0,
        aliases=held.aliases if entry.title == held.title else (*held.aliases, held.title)[-MOST_ALIASES:],
    )
    case.notes.came[held.key] = snapshot.taken_at
    case.notes.clings.pop(held.key, None)
    case.notes.behind[held.key] = []
    _to_probe(case, held.key, entry)
    case.tell("relisted", held.key, window, (*words, "An entry that was withdrawn stands on the page again."))


# ------------------------------------------------------------------------------------------------------------ new


def name_added(case: Case) -> None:
    """Gives the new entries roster keys: their own, or one like it where an entry of old has it."""
    for entry in case.delta.added:
        key, number = entry.key, 1
        while key in case.entries or key in case.added:
            number += 1
            key = f"{entry.key}~{number}"
        case.added[key] = entry
    keys = {entry.key: key for key, entry in {**case.delta.seen, **case.added}.items()}
    case.page = [keys[entry.key] for entry in case.snapshot.entries]


def _add(case: Case) -> None:
    """Takes new entries into the roster and tells them, unless they are old news or the page is not to be trusted."""
    added = dict(case.added)
    snapshot = case.snapshot
    if not snapshot.complete and added and snapshot.entries[-1] in added.values():
        del added[next(key for key, entry in added.items() if entry == snapshot.entries[-1])]  # it may be cut
    if not added or not _trusted(case, len(added)):
        return
    quiet = snapshot.backfill or _was_short(case, added) or _read_anew(case, len(added))
    front, end = _ends(case, added)
    if snapshot.complete:
        case.notes.at_front += len(front)
        case.notes.at_end += len(end)
    rolled_in = end if _has_room(case, len(end)) else frozenset()
    for key, entry in added.items():
        case.entries[key] = RosterEntry(
            key=key,
            title=entry.title,
            url=entry.url,
            fields=entry.fields,
            first_seen=snapshot.taken_at,
            last_seen=snapshot.taken_at,
            seen_in=case.capture_of(entry),
        )
        if not snapshot.complete:
            case.notes.whole[key] = (snapshot.taken_at, case.capture_of(entry))
        if quiet or key in rolled_in or is_old_news(case, entry):
            continue
        _to_probe(case, key, entry)
        case.notes.behind[key] = []
        window = case.window_now(case.capture_of(entry))
        case.tell("listed", key, window, ("new-on-listing", "The entry stands on the page and never did before."))


def _ends(case: Case, added: Mapping[str, Entry]) -> tuple[frozenset[str], frozenset[str]]:
    """What came before and what came after everything that was known."""
    if len(added) == len(case.page):
        return frozenset(), frozenset()
    front = takewhile(lambda key: key in added, case.page)
    return frozenset(front), frozenset(takewhile(lambda key: key in added, reversed(case.page)))


def _has_room(case: Case, added: int) -> bool:
    """Whether a list that gains new entries at its front lost some, so that older ones, never shown, came in behind."""
    notes, signs = case.notes, case.signs
    lost = len(signs.lost) + sum(bool(absence.cap) for absence in notes.absences.values())
    grows_in_front = notes.at_front > notes.at_end - added
    return bool(added) and grows_in_front and 0 < added <= lost and len(case.page) <= notes.longest


def _to_probe(case: Case, key: str, entry: Entry) -> None:
    if own_path(entry.url):
        case.notes.fresh = dict([*case.notes.fresh.items(), (key, 0)][-MOST_FRESH:])


def _trusted(case: Case, added: int) -> bool:
    """Whether new entries may be believed: some of the known ones are there, too, or the page stays like that."""
    signs, snapshot = case.signs, case.snapshot
    if not snapshot.complete:
        return bool(case.delta.seen) or not case.entries
    if signs.expected < 2 or 2 * signs.present >= signs.expected or added < 2:
        return True
    return stays(case, "flood", "flood", needed=case.policy.confirm_visits) is not None


def _was_short(case: Case, added: Mapping[str, Entry]) -> bool:
    """Whether the baseline was a short page, and this is the rest of it: many more, all of them after the known."""
    if case.notes.complete > GROWING or not is_mass(len(added), len(case.snapshot.entries)):
        return False
    keys = {entry.key for entry in added.values()}
    tail = case.snapshot.entries[-len(added) :]
    return len(added) >= 3 and all(entry.key in keys for entry in tail)


def _read_anew(case: Case, added: int) -> bool:
    """Whether another rule read the page, and what it found more is many: then it was there before, unread."""
    rule, digest = case.notes.rule, case.snapshot.rule_digest
    if case.guessed and case.notes.first_text:
        return False  # its first text tells better
    return bool(rule and digest and rule != digest) and added >= 3 and is_mass(added, len(case.snapshot.entries))

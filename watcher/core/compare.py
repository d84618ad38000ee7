"""How a site's roster and one snapshot of it differ: facts only, no time, no policy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from watcher.core.identity import fold_title
from watcher.core.match import Side, pair, unmask_fits
from watcher.core.noise import differs
from watcher.core.notes import Notes, load, tag, tags
from watcher.records import Entry, Roster, RosterEntry, Snapshot

ALIKE = 60.0
"""How alike (0 to 100) the titles must be for a link that a withdrawn entry had to bring it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """What one snapshot shows, in terms of the roster."""

    seen: Mapping[str, Entry] = field(default_factory=dict)
    """Roster key to the entry that it is on the page, in page order; whatever its standing was."""
    added: tuple[Entry, ...] = ()
    """Entries that the roster never had, in page order."""
    missing: tuple[str, ...] = ()
    """Roster keys, listed or missing, that a complete page lacks, in the roster's order; of another page none."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Roster key to how the entry was recognised under another title: ``link``, ``unmasked``, ``description``,
    ``domain``, ``title`` (a close one), ``status`` (only status words differ), ``former`` (as it was called before)."""
    changed: Mapping[str, Mapping[str, tuple[str, str]]] = field(default_factory=dict)
    """Roster key to field to old and new value; ``link`` for the address. Empty if another rule read the page."""


@dataclass(slots=True)
class _Matching:
    """What belongs together so far."""

    roster: Roster
    notes: Notes
    entries: Sequence[Entry]
    found: dict[int, str] = field(default_factory=dict)
    """Place on the page to roster key."""
    renamed: dict[str, str] = field(default_factory=dict)
    links_stay: bool = True
    """No link was seen to go over from one title to another."""

    def key_of(self, entry: Entry) -> str:
        """The roster key that the entry's own key stands for."""
        return self.notes.alias.get(entry.key, entry.key)


def compare(roster: Roster, snapshot: Snapshot) -> Delta:
    """The difference between what the roster holds and what the snapshot shows."""
    matching = _Matching(roster, load(roster.notes), snapshot.entries)
    _same_key(matching)
    if len(matching.found) < len(snapshot.entries):
        _same_title(matching)
        _leftovers(matching)
    found, notes = matching.found, matching.notes
    seen = {found[at]: snapshot.entries[at] for at in sorted(found)}
    lacking = (key for key, held in roster.entries.items() if held.standing != "withdrawn" and key not in seen)
    same_rule = not (notes.rule and snapshot.rule_digest) or notes.rule == snapshot.rule_digest
    return Delta(
        seen=seen,
        added=tuple(entry for at, entry in enumerate(snapshot.entries) if at not in found),
        missing=tuple(lacking) if snapshot.complete else (),
        renamed=matching.renamed,
        changed=_changed(roster, seen, notes) if snapshot.complete and same_rule else {},
    )


def _same_key(matching: _Matching) -> None:
    """Finds all whose key and title are what they were."""
    taken: set[str] = set()
    for at, entry in enumerate(matching.entries):
        key = matching.key_of(entry)
        held = matching.roster.entries.get(key)
        if held is not None and held.title == entry.title and key not in taken:
            matching.found[at] = key
            taken.add(key)


def _same_title(matching: _Matching) -> None:
    """Finds what goes by the same title, now or formerly."""
    held, found = matching.roster.entries, matching.found
    taken = set(found.values())
    current: defaultdict[str, list[str]] = defaultdict(list)
    former: defaultdict[str, list[str]] = defaultdict(list)
    for key, entry in held.items():
        if key not in taken:
            current[fold_title(entry.title)[0]].append(key)
            for title in entry.aliases:
                former[fold_title(title)[0]].append(key)
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for at, shown in enumerate(matching.entries):
        if at not in found:
            groups[fold_title(shown.title)[0]].append(at)
    for index in (current, former):
        for folded, group in groups.items():
            places = [at for at in group if at not in found]
            keys = [key for key in index.get(folded, ()) if key not in taken]
            for at, key in _by_content(matching, places, keys):
                found[at] = key
                taken.add(key)
                page_key = matching.key_of(matching.entries[at])
                matching.links_stay &= page_key == key or page_key not in held
                if index is former:
                    matching.renamed[key] = "former"
                elif fold_title(held[key].title)[1] != fold_title(matching.entries[at].title)[1]:
                    matching.renamed[key] = "status"


def _by_content(matching: _Matching, places: Sequence[int], keys: Sequence[str]) -> list[tuple[int, str]]:
    """Which entry of the page is which of the roster, among those of one title: the most alike first."""
    if not places or not keys:
        return []
    if len(places) == 1 and len(keys) == 1:
        return [(places[0], keys[0])]
    ranked = []
    for at in places:
        entry = matching.entries[at]
        for key in keys:
            held = matching.roster.entries[key]
            same = sum(held.fields.get(name) == value for name, value in entry.fields.items() if value)
            rank = (
                matching.key_of(entry) == key,
                held.standing != "withdrawn",
                bool(entry.url) and held.url == entry.url,
                same,
                held.title == entry.title,
            )
            ranked.append((rank, -at, at, key))
    ranked.sort(reverse=True)
    chosen: dict[int, str] = {}
    for _, _, at, key in ranked:
        if at not in chosen and key not in chosen.values():
            chosen[at] = key
    return list(chosen.items())


def _leftovers(matching: _Matching) -> None:
    """Finds the renames among what is left over on both sides; first of what is listed, then of the withdrawn."""
    held, entries, found = matching.roster.entries, matching.entries, matching.found
    for withdrawn in (False, True):
        taken = set(found.values())
        old = [key for key in held if (held[key].standing == "withdrawn") is withdrawn and key not in taken]
        new = [at for at in range(len(entries)) if at not in found]
        if not old or not new:
            continue
        mine, theirs = _old_sides(matching, old, taken), _new_sides(entries, found, new)
        leftover = set(old)
        others = {entry.title: entry.fields for key, entry in held.items() if key not in leftover}
        others |= {entries[at].title: entries[at].fields for at in found}
        for made in pair(mine, theirs, others, links=matching.links_stay):
            at = int(made.new)
            if withdrawn and made.how == "link" and not _akin(held[made.old], entries[at]):
                continue
            found[at] = made.old
            matching.renamed[made.old] = made.how


def _akin(held: RosterEntry, entry: Entry) -> bool:
    """Whether a title can be that of an entry long gone, given that it has its link."""
    from rapidfuzz.fuzz import ratio  # as in ``match.closeness``

    one, two = fold_title(held.title)[0], fold_title(entry.title)[0]
    return ratio(one, two) >= ALIKE or bool(
        unmask_fits(held.title, entry.title) or unmask_fits(entry.title, held.title)
    )


def _old_sides(matching: _Matching, keys: Sequence[str], seen: set[str]) -> list[Side]:
    """The roster's leftovers with their neighbours on the last complete page."""
    place = {mark: at for at, mark in enumerate(tags(matching.notes.order))}
    there = {place[mark]: key for key in seen if (mark := tag(key)) in place}
    line = sorted(there)
    above: dict[int, str] = {}
    below: dict[int, str] = {}
    wanted = sorted(place[mark] for key in keys if (mark := tag(key)) in place)
    next_seen = 0
    for at in wanted:
        while next_seen < len(line) and line[next_seen] < at:
            next_seen += 1
        above[at] = there[line[next_seen - 1]] if next_seen else ""
        below[at] = there[line[next_seen]] if next_seen < len(line) else ""
    sides = []
    for key in keys:
        held = matching.roster.entries[key]
        at = place.get(tag(key), -1)
        sides.append(
            Side(
                key=key,
                title=held.title,
                url=held.url,
                fields=held.fields,
                before=above.get(at, "nowhere"),
                after=below.get(at, "nowhere"),
            )
        )
    return sides


def _new_sides(entries: Sequence[Entry], found: Mapping[int, str], places: Sequence[int]) -> list[Side]:
    """The page's leftovers with their neighbours that are known."""
    below: dict[int, str] = {}
    following = ""
    wanted = set(places)
    for at in range(len(entries) - 1, -1, -1):
        if at in wanted:
            below[at] = following
        following = found.get(at, following)
    sides = []
    previous = ""
    for at, entry in enumerate(entries):
        if at in wanted:
            sides.append(
                Side(
                    key=str(at), title=entry.title, url=entry.url, fields=entry.fields, before=previous, after=below[at]
                )
            )
        previous = found.get(at, previous)
    return sides


def _changed(roster: Roster, seen: Mapping[str, Entry], notes: Notes) -> dict[str, dict[str, tuple[str, str]]]:
    """What the fields and links say now and said before, where a person would see a difference.

    What was last seen before this rule's time was read by another one, and cannot be compared; but what the last
    complete page showed was read by this one, even if the clock was set back to before its time.
    """
    since = notes.rule_since
    changed: dict[str, dict[str, tuple[str, str]]] = {}
    for key, entry in seen.items():
        held = roster.entries[key]
        if held.url == entry.url and held.fields == entry.fields:
            continue
        read = notes.whole[key][0] if key in notes.whole else held.last_seen  # pages that are cut teach no field
        if since is not None and read < since and read != notes.since:
            continue
        said, says = held.fields, entry.fields
        differences = {}
        for name in said if said.keys() == says.keys() else {**said, **says}:
            old, new = said.get(name, ""), says.get(name, "")
            if old != new and differs(name, old, new):
                differences[name] = (old, new)
        if differs("link", held.url, entry.url):
            differences["link"] = (held.url, entry.url)
        if differences:
            changed[key] = differences
    return changed

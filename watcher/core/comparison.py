"""Two captures held against each other: by their entries, by their visible text, or by their source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from watcher.core.align import align
from watcher.core.blocks import source_blocks, text_blocks
from watcher.core.compare import compare
from watcher.core.difference import Budget, Difference, Span, difference, spans
from watcher.records import SPEAKING, Entry, Roster, RosterEntry, Snapshot

By = Literal["entries", "text", "source"]
ChangeKind = Literal["added", "removed", "changed", "renamed", "moved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two captures."""

    label: str
    """A capture's id, or a file's name."""
    url: str = ""
    time: datetime | None = None
    verdict: str = ""
    entries: tuple[Entry, ...] = ()
    markup: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryChange:
    """What became of one entry."""

    kind: ChangeKind
    entry: Entry
    """As it stands on the new side; for ``removed`` on the old."""
    was: str = ""
    """For ``renamed``: the title before."""
    changes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Field to old and new value."""
    spans: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    """Field to the words kept, removed and added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How two captures differ; the same on every machine."""

    by: By
    old: Side
    new: Side
    entries: tuple[EntryChange, ...] = ()
    """For ``by = "entries"``."""
    difference: Difference | None = None
    """For ``text`` and ``source``."""

    @property
    def is_none(self) -> bool:
        """Whether nothing differs; a mere change of order counts as a difference."""
        return not self.entries and (self.difference is None or self.difference.is_none)

    @property
    def doubts(self) -> tuple[str, ...]:
        """Of which side it is not known what entries stood there, in sentences."""
        return tuple(
            f"{side.label} shows no whole list ({side.verdict or 'never read'}): "
            "an entry may have stood there all the same"
            for side in (self.old, self.new)
            if self.by == "entries" and side.verdict not in SPEAKING
        )

    @property
    def degraded(self) -> bool:
        return self.difference is not None and self.difference.degraded

    @property
    def tally(self) -> str:
        """How many entries became what."""
        kinds = [change.kind for change in self.entries]
        return ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))


def facts_of(entry: Entry) -> list[tuple[str, str]]:
    """What an entry says beside its title."""
    return [(name, value) for name, value in (("url", entry.url), *entry.fields.items()) if value]


def compared(old: Side, new: Side, by: By) -> Comparison:
    """The two captures held against each other."""
    if by == "entries":
        return Comparison(by=by, old=old, new=new, entries=entry_changes(old.entries, new.entries))
    blocks = text_blocks if by == "text" else source_blocks
    return Comparison(by=by, old=old, new=new, difference=difference(blocks(old.markup), blocks(new.markup)))


def entry_changes(old: Sequence[Entry], new: Sequence[Entry]) -> tuple[EntryChange, ...]:
    """What became of every entry that is not as it was: removed ones first, then in the order of the new page."""
    delta = compare(_roster(old), _snapshot(new))
    before = {entry.key: entry for entry in old}
    known = {entry.key: key for key, entry in delta.seen.items()}
    order = align([entry.key for entry in old], [known.get(entry.key, "") for entry in new])
    moved = {new[place].key for _, place in order.moved}
    budget = Budget()
    found = [EntryChange(kind="removed", entry=before[key]) for key in delta.missing]
    for entry in new:
        key = known.get(entry.key)
        if key is None:
            found.append(EntryChange(kind="added", entry=entry))
            continue
        changes = _field_changes(before[key], entry)
        kind = _kind(key in delta.renamed, bool(changes), entry.key in moved)
        if kind is not None:
            found.append(
                EntryChange(
                    kind=kind,
                    entry=entry,
                    was=before[key].title if kind == "renamed" else "",
                    changes=changes,
                    spans={name: spans(*pair, budget) for name, pair in changes.items()},
                )
            )
    return tuple(found)


def _kind(is_renamed: bool, is_changed: bool, is_moved: bool) -> ChangeKind | None:
    if is_renamed:
        return "renamed"
    if is_changed:
        return "changed"
    return "moved" if is_moved else None


def _field_changes(old: Entry, new: Entry) -> dict[str, tuple[str, str]]:
    """Every field, the title and the address included, that does not read as it did."""
    one = {"title": old.title, "url": old.url, **old.fields}
    other = {"title": new.title, "url": new.url, **new.fields}
    names = [*one, *(name for name in other if name not in one)]
    return {
        name: (one.get(name, ""), other.get(name, "")) for name in names if one.get(name, "") != other.get(name, "")
    }


NEVER = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _roster(entries: Sequence[Entry]) -> Roster:
    return Roster(
        site="diff",
        entries={
            entry.key: RosterEntry(
                key=entry.key,
                title=entry.title,
                url=entry.url,
                fields=entry.fields,
                first_seen=NEVER,
                last_seen=NEVER,
                seen_in="",
            )
            for entry in entries
        },
    )


def _snapshot(entries: Sequence[Entry]) -> Snapshot:
    return Snapshot(
        site="diff",
        visit="diff",
        mirror="",
        vantage="",
        taken_at=NEVER,
        finished_at=NEVER,
        verdict="listing",
        complete=True,
        entries=tuple(entries),
    )

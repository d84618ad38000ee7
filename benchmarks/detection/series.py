"""The corpus as time series: what each page shows, what is truly on the site, and what truly happened."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from watcher.records import Entry

FIELDS = ("description", "status", "date")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Entries in page order, with their true identities."""

    ids: tuple[str, ...]
    entries: tuple[Entry, ...]
    """Without keys."""
    rule: str
    """Names the page's design."""

    def only(self, ids: list[str]) -> State:
        """These alone, in this order."""
        place = {one: at for at, one in enumerate(self.ids)}
        return replace(self, ids=tuple(ids), entries=tuple(self.entries[place[one]] for one in ids))

    def first(self, rows: int) -> State:
        return replace(self, ids=self.ids[:rows], entries=self.entries[:rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One moment of a site."""

    number: int
    file: Path
    time: datetime
    kind: str
    shown: State
    """What is on the page."""
    true: State
    """What is on the site."""
    events: tuple[dict[str, object], ...]
    mass: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One site over time."""

    site: str
    versions: tuple[Version, ...]

    def titles(self) -> dict[str, str]:
        """Title to true identity, for all titles ever shown."""
        named: dict[str, str] = {}
        for version in self.versions:
            for identity, entry in zip(version.shown.ids, version.shown.entries, strict=True):
                assert named.setdefault(entry.title, identity) == identity, f"{self.site}: {entry.title} is two"
        return named


def load(corpus: Path, only: str = "") -> tuple[Series, ...]:
    """All sites of the corpus, or those whose name contains ``only``."""
    return tuple(_series(folder) for folder in sorted(corpus.glob("*/truth.json")) if only in folder.parent.name)


def _series(path: Path) -> Series:
    truth = json.loads(path.read_text())
    versions: list[Version] = []
    known: dict[str, Entry] = {}
    for number, version in enumerate(truth["versions"], start=1):
        entries = tuple(_entry(entry) for entry in version["entries"])
        ids = tuple(entry["id"] for entry in version["entries"])
        shown = State(ids=ids, entries=entries, rule=f"design-{version['template']}")
        true = shown
        if version["kind"] == "ok":
            known.update(zip(ids, entries, strict=True))
        else:
            true = State(
                ids=tuple(version["true_ids"]), entries=tuple(known[i] for i in version["true_ids"]), rule=shown.rule
            )
        versions.append(
            Version(
                number=number,
                file=path.parent / version["file"],
                time=datetime.fromisoformat(version["time"]).replace(tzinfo=UTC),
                kind=version["kind"],
                shown=shown,
                true=true,
                events=tuple(version["events"]),
                mass=bool(version.get("mass")),
            )
        )
    return Series(site=truth["site"], versions=tuple(versions))


def _entry(entry: dict[str, str | None]) -> Entry:
    fields = {name: value for name in FIELDS if (value := entry.get(name))}
    return Entry(key="", title=entry["title"] or "", url=entry["link"] or "", fields=fields)

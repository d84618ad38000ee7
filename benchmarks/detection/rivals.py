"""What the benchmark compares with: two ways in which trackers tell removals, over the same checks."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.detection.faults import Check
from benchmarks.detection.score import Told
from watcher.records import Snapshot

ANSWERED = frozenset({"listing", "partial", "empty", "blocked", "login", "error", "seized"})
"""What such trackers take for the list: every page that came."""


@dataclass(slots=True, kw_only=True)
class Rival:
    """Calls withdrawn what so many pages in a row lack; 1 is "compare with the last page"."""

    pages: int
    titles: dict[str, str]
    site: str
    there: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    lacking: dict[str, int] = field(default_factory=dict)
    begun: bool = False

    def look(self, snapshot: Snapshot, number: int) -> list[Told]:
        """The events that one page brings."""
        if snapshot.verdict not in ANSWERED:
            return []
        shown = {entry.title for entry in snapshot.entries}
        new = sorted(shown - self.there) if self.begun else []
        told = [self._told("relisted" if title in self.gone else "listed", title, number) for title in new]
        self.there |= shown
        self.gone -= shown
        for title in sorted(self.there):
            self.lacking[title] = 0 if title in shown else self.lacking.get(title, 0) + 1
            if self.lacking[title] == self.pages:
                told.append(self._told("withdrawn", title, number))
                self.gone.add(title)
        self.there -= self.gone
        self.begun = True
        return told

    def _told(self, kind: str, title: str, number: int) -> Told:
        return Told(site=self.site, kind=kind, identity=self.titles.get(title, ""), at=number, title=title)


def told_by(rival: Rival, checks: list[Check]) -> list[Told]:
    """Everything that a rival tells of a series."""
    return [told for check in checks for told in rival.look(check.snapshot, check.moment.number)]

"""The entries of a page round the one that matters, and what a copy of the page says of it, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from watcher.records import Capture, Entry, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entry of a page; ``mark`` is ``is`` for the one that matters, ``not`` where it would stand."""

    title: str
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The rows that are shown, and how many more are above and below."""

    rows: tuple[Row, ...] = ()
    above: int = 0
    below: int = 0


NO_ROWS = Column()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One copy of a page, and where on it the entry stands that matters."""

    entries: Sequence[Entry]
    subject: Entry | None

    def column(self, missing: str | None, other: Page | None, title: Callable[[str], str], around: int) -> Column:
        """``around`` entries above and below the subject; where it is missing, its title stands between those that are
        its neighbours on the ``other`` copy."""
        rows = [Row(title=title(entry.title), mark="is" if entry is self.subject else "") for entry in self.entries]
        place = self.entries.index(self.subject) if self.subject else 0
        if self.subject is None and missing is not None:
            place = self._gap(other)
            rows.insert(place, Row(title=title(missing), mark="not"))
        start, end = max(0, place - around), place + around + 1
        return Column(rows=tuple(rows[start:end]), above=start, below=max(0, len(rows) - end))

    def _gap(self, other: Page | None) -> int:
        """Where the entry would stand: after the last of those that stand before it on the other copy."""
        if other is None or other.subject is None:
            return 0
        known = {entry.key: place for place, entry in enumerate(self.entries)}
        above = reversed(other.entries[: other.entries.index(other.subject)])
        return next((known[entry.key] + 1 for entry in above if entry.key in known), 0)


def says(capture: Capture, here: Snapshot | None, about: Entry | None, subject: Entry | None) -> str:
    """What the copy is, and whether the entry that it is ``about`` is on it."""
    if here is None or capture.is_miss:
        return f"The answer was: {capture.verdict}."
    whole = "A complete copy" if here.complete else f"An incomplete copy ({here.verdict})"
    count = len(here.entries)
    holds = f"{whole} with {count} {'entry' if count == 1 else 'entries'}."
    return f"{holds} The entry is {'on it' if subject else 'not on it'}." if about else holds

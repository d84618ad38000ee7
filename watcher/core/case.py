"""What one decision works on: the roster and notes as they become, and the events so far; dropped when it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from watcher.core.compare import Delta
from watcher.core.notes import Notes
from watcher.core.structural import Signs
from watcher.core.tell import Details, Window, tell
from watcher.core.watchlist import Watch
from watcher.records import Entry, Event, EventKind, Policy, Probe, RosterEntry, Snapshot


@dataclass(slots=True, kw_only=True)
class Case:
    """One snapshot, everything it is held against, and what follows from it so far."""

    snapshot: Snapshot
    delta: Delta
    probes: Mapping[str, Probe]
    policy: Policy
    mirrors: Sequence[str]
    watchlist: Sequence[Watch]
    notes: Notes
    before: Mapping[str, RosterEntry]
    """The roster's entries, as they were."""
    entries: dict[str, RosterEntry]
    """The roster's entries, as they become."""
    signs: Signs = field(default_factory=Signs)
    """Of a complete snapshot; of another one, none."""
    added: dict[str, Entry] = field(default_factory=dict)
    """Under the roster keys that they get."""
    guessed: bool = False
    """Until now the rule that read the site was a guess; the first page's text tells what is old."""
    page: list[str] = field(default_factory=list)
    """Roster keys in page order; those of new entries too."""
    returned: set[int] = field(default_factory=set)
    """Visits that first lacked entries which are back now."""
    astray: bool = False
    """Something is back of which nobody knows where it would have stood."""
    events: list[Event] = field(default_factory=list)

    @property
    def first_capture(self) -> str | None:
        return self.snapshot.captures[0] if self.snapshot.captures else None

    @property
    def pages_answer(self) -> bool:
        """Whether the page of a listed entry answered: only then does another one's being gone mean anything."""
        return any(
            probe.answer == "alive"
            and (probe.control or (key in self.delta.seen and self.before[key].standing == "listed"))
            for key, probe in self.probes.items()
            if key in self.before
        )

    def capture_of(self, entry: Entry) -> str:
        """The capture that shows an entry of the page."""
        return self.snapshot.seen_in.get(entry.key, self.first_capture or "")

    def change(self, key: str, **changes: object) -> RosterEntry:
        """Changes one entry of the roster and returns it."""
        changed: RosterEntry = replace(self.entries[key], **changes)  # type: ignore[arg-type]  # names are checked by replace
        self.entries[key] = changed
        return changed

    def tell(
        self, kind: EventKind, key: str | None, window: Window, why: Sequence[str], details: Details | None = None
    ) -> None:
        """Adds an event."""
        held = self.entries[key] if key is not None else None
        self.events.append(tell(kind, self.snapshot, held, window, why, watchlist=self.watchlist, details=details))

    def window_now(self, after: str | None = None) -> Window:
        """From the last complete snapshot to this one."""
        return Window(
            not_before=self.notes.since,
            not_after=self.snapshot.finished_at,
            before=self.notes.since_in,
            after=after if after is not None else self.first_capture,
        )

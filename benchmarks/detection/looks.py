"""Snapshots as a visit would make them, straight from what a page shows; and a site that answers for single pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from benchmarks.detection.series import State
from watcher.core.compare import Delta, compare
from watcher.core.decide import decide, wanted_probes
from watcher.core.identity import assign_keys
from watcher.records import Entry, Event, Policy, Probe, Roster, Snapshot

MIRRORS = ("http://first.onion/", "http://second.onion/", "http://third.onion/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one check brought."""

    time: datetime
    verdict: str = "listing"
    complete: bool = True
    shown: State | None = None
    text_of: datetime | None = None
    """When the page was made, if it was not made now."""
    mirror: str = MIRRORS[0]
    faulty: str = ""
    """Which fault was injected."""
    version: int = 0


def snapshot_of(site: str, number: int, look: Look) -> Snapshot:
    """The look as a snapshot: entries with keys and with fields that tick, text with a counter."""
    made = look.text_of or look.time
    entries = () if look.shown is None else assign_keys(_ticking(look.shown, look.mirror, made), base=look.mirror)
    words = "\n".join(" ".join((entry.title, *entry.fields.values())) for entry in entries)
    return Snapshot(
        site=site,
        visit=f"{site}@{look.time.isoformat()}",
        mirror=look.mirror,
        vantage="bench",
        taken_at=look.time,
        finished_at=look.time + timedelta(seconds=9),
        verdict=look.verdict,
        complete=look.complete,
        entries=entries,
        text=f"Home News Contact visitors {int(made.timestamp()) % 99_991}\n{words}" if look.shown is not None else "",
        captures=(f"{site}-{number}",),
        isolation=f"circuit-{number}",
        rule_digest=look.shown.rule if look.shown is not None and entries else "",
    )


def _ticking(state: State, mirror: str, made: datetime) -> list[Entry]:
    seconds = int(made.timestamp())
    return [
        replace(
            entry,
            url=entry.url if "://" in entry.url or not entry.url else mirror + entry.url.lstrip("./"),
            fields={
                **entry.fields,
                "views": str(700 + seconds // 977 + place),
                "deadline": f"{seconds % 9}D {seconds % 23:02}h {seconds % 59:02}m",
            },
        )
        for place, entry in enumerate(state.entries)
    ]


@dataclass(slots=True, kw_only=True)
class Watched:
    """One site as the product believes it to be, look after look."""

    site: str
    policy: Policy
    titles: Mapping[str, str]
    roster: Roster = field(init=False)
    looks: int = 0

    def __post_init__(self) -> None:
        self.roster = Roster(site=self.site)

    def look(self, snapshot: Snapshot, probes: Sequence[Probe] = (), mirrors: Sequence[str] = ()) -> tuple[Event, ...]:
        """The events that one snapshot brings."""
        return self.decide(snapshot, compare(self.roster, snapshot), probes, mirrors)

    def decide(
        self, snapshot: Snapshot, delta: Delta, probes: Sequence[Probe], mirrors: Sequence[str]
    ) -> tuple[Event, ...]:
        """The same, where the difference is known already."""
        decision = decide(self.roster, snapshot, delta, probes, self.policy, mirrors=mirrors)
        self.roster = decision.roster
        self.looks += 1
        return decision.events

    def wanted(self, delta: Delta) -> tuple[str, ...]:
        return wanted_probes(self.roster, delta, self.policy)

    def identity(self, title: str) -> str:
        """Who a title truly is; empty for what is no entry at all."""
        return self.titles.get(title, "")

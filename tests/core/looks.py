"""A site that is looked at again and again, for tests: what a look shows goes in, what is told comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from watcher.core.clock import reading
from watcher.core.compare import Delta, compare
from watcher.core.decide import decide, wanted_probes
from watcher.core.identity import assign_keys
from watcher.core.reasons import reason
from watcher.core.watchlist import Watch
from watcher.records import Decision, Entry, Event, Policy, Probe, Roster, Snapshot

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
FIRST, SECOND, THIRD = "http://first.onion/", "http://second.onion/", "http://third.onion/"
NAMES = {
    "A": "Arvelo Logistics", "B": "Brontek Foods", "C": "Calderis Clinic", "D": "Dorvani Energy", "E": "Estrin Steel",
    "F": "Falqué Studios", "G": "Gromark School District", "H": "Hestrand Textiles", "I": "Ivolin Pharma",
    "J": "Jorvatt Airlines", "K": "Kelmo Realty", "L": "Lundvar Motors",
}  # fmt: skip
"""Letters that stand for invented victims."""
LETTERS = {name: letter for letter, name in NAMES.items()}


def entry(title: str, *, link: str = "", **fields: str) -> Entry:
    """An entry without a key; one letter stands for a name."""
    return Entry(key="", title=NAMES.get(title, title), url=link, fields=fields)


def entries(shows: str | Sequence[str | Entry]) -> list[Entry]:
    """``"ABC"``, a list of titles, or entries."""
    return [entry(one) if isinstance(one, str) else one for one in shows]


class Watching:
    """One site, looked at again and again."""

    def __init__(
        self,
        *,
        policy: Policy | None = None,
        mirrors: Sequence[str] = (FIRST,),
        watchlist: Sequence[Watch] = (),
        every: timedelta = timedelta(minutes=20),
        up: Mapping[str, str] | None = None,
    ) -> None:
        self.policy = policy or Policy(
            confirm_visits=3, confirm_after=timedelta(minutes=30), structural_after=timedelta(hours=12)
        )
        self.mirrors, self.watchlist, self.every = mirrors, watchlist, every
        self.up = up or {}
        """What own pages answer if a look does not say."""
        self.roster = Roster(site="site")
        self.now = START
        self.machine: dict[str, object] | None = None
        """What captures say of the machine's clocks."""
        self.number = 0
        self.last: Decision | None = None
        self.told: list[Event] = []
        self.asked: tuple[str, ...] = ()

    def look(
        self,
        shows: str | Sequence[str | Entry] = (),
        *,
        verdict: str = "",
        complete: bool | None = None,
        mirror: str = "",
        text: str | None = None,
        probes: Mapping[str, str] | None = None,
        after: timedelta | None = None,
        **other: object,
    ) -> tuple[Event, ...]:
        """The events that one look brings. ``probes``: title (or letter) to what its own page answers."""
        self.number += 1
        self.now += self.every if after is None else after
        listed = assign_keys(entries(shows), base=mirror or self.mirrors[0])
        verdict = verdict or "listing"
        words = "\n".join(" ".join((one.title, *one.fields.values())) for one in listed)
        snapshot = Snapshot(
            site="site",
            visit=f"site@{self.number:04}",
            mirror=mirror or self.mirrors[0],
            vantage="test",
            taken_at=self.now,
            finished_at=self.now + timedelta(seconds=4),
            verdict=verdict,
            complete=verdict in ("listing", "empty") if complete is None else complete,
            entries=listed,
            text=f"News Contact {words}" if text is None else text,
            captures=(f"c{self.number}",),
            isolation=f"circuit-{self.number}",
            rule_digest="rule",
        )
        return self.see(replace(snapshot, **other), probes)  # type: ignore[arg-type]

    def see(self, snapshot: Snapshot, probes: Mapping[str, str] | None = None) -> tuple[Event, ...]:
        """The events that a snapshot brings."""
        delta = compare(self.roster, snapshot)
        self.asked = wanted_probes(self.roster, delta, self.policy)
        self.last = decide(
            self.roster,
            snapshot,
            delta,
            self._answers(snapshot, delta, self.up if probes is None else probes),
            self.policy,
            mirrors=self.mirrors,
            watchlist=self.watchlist,
            clocks=reading("", snapshot.taken_at, self.machine) if self.machine else None,
        )
        for word in (word for event in self.last.events for word in event.why if " " not in word):
            assert reason(word), f"{word} means nothing"
        self.roster = self.last.roster
        self.told += self.last.events
        return self.last.events

    def looks(self, times: int, shows: str | Sequence[str | Entry], **other: object) -> tuple[Event, ...]:
        """The events of several looks alike."""
        return tuple(event for _ in range(times) for event in self.look(shows, **other))  # type: ignore[arg-type]

    def _answers(self, snapshot: Snapshot, delta: Delta, answers: Mapping[str, str]) -> list[Probe]:
        titles = {NAMES.get(title, title): answer for title, answer in answers.items()}
        return [
            Probe(
                key=key,
                answer=titles[held.title],  # type: ignore[arg-type]
                control=key in delta.seen,
                capture=f"detail-{self.number}-{key}",
                at=snapshot.finished_at,
            )
            for key, held in self.roster.entries.items()
            if held.title in titles
        ]

    def standing(self, title: str) -> str:
        return next(held.standing for held in self.roster.entries.values() if held.title == NAMES.get(title, title))


def said(events: Sequence[Event]) -> list[str]:
    """The events as ``kind letter`` (or ``kind title``, or ``kind`` for a site)."""
    return [
        event.kind if event.entry is None else f"{event.kind} {LETTERS.get(event.entry.title, event.entry.title)}"
        for event in events
    ]

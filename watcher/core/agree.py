"""What follows from what several vantages say of one site: the decision of a fleet.

Each vantage decides alone, on its own captures (``core.decide``); here its conclusions and its complete copies are put
beside those of the others. News that adds is told when the first vantage tells it. A withdrawal is told once as many
vantages as ``agree`` says confirmed it, and none that still looks shows the entry. Vantages that lastingly see
different things are an observation of their own, told once an episode (``vantages-disagree``); it holds the withdrawal.
The hold is bounded: who has not looked for ``structural_after`` holds nothing up.

Of one vantage that nobody contradicts, and with ``agree = 1``, every event is told as the vantage itself told it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from watcher.core import voices
from watcher.core.agreement import Agreement, Table
from watcher.core.compare import compare
from watcher.core.concluding import dispute, hear, judge
from watcher.core.resighted import Entries, Resighted
from watcher.core.voices import Notes, Voice
from watcher.records import SPEAKING, Decision, Entry, Event, Roster, RosterEntry, Snapshot

__all__ = ["Agreement", "Recently", "together"]

LONG_SEEN = 12
"""An entry that a vantage saw so often, and never told of, is known all the same."""
MOST_KNOWN = 20_000
"""Sites of which it is remembered what they showed last."""


@dataclass(slots=True, kw_only=True)
class _Known:
    """A roster of which nothing is open, and the page that shows it."""

    entries: Entries
    shown: tuple[Entry, ...]
    keys: Mapping[str, str]
    """Page key to roster key."""
    lacking: tuple[str, ...]
    """Roster keys, withdrawn, that the page is without."""


class Recently:
    """What sites showed last: most visits show the same again, whichever vantage makes them."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def again(self, roster: Roster, snapshot: Snapshot, notes: Notes) -> Decision | None:
        """What ``together`` would say of a copy, without events, that shows what the last one did while nothing was
        open; None: it must be asked."""
        known, voice = self._known.get(roster.site), notes.voices.get(snapshot.vantage)
        if known is None or voice is None or not voice.looks or voice.fresh or not _is_whole(snapshot):
            return None
        held = roster.entries
        if held is not known.entries.held and not (isinstance(held, Resighted) and held.before is known.entries):
            return None
        if voice.looked is None or snapshot.taken_at <= voice.looked or snapshot.entries != known.shown:
            return None
        if not _is_calm(notes, known.lacking) or notes.looked > snapshot.taken_at:
            return None
        self._known.move_to_end(roster.site)
        first, pages = snapshot.captures[0], {name: number for number, name in enumerate(snapshot.captures)}
        places = {mine: pages.get(snapshot.seen_in.get(key, first), 0) for key, mine in known.keys.items()}
        for key in known.lacking:
            voice.lack(key, snapshot, first, had=voice.looked >= known.entries.held[key].first_seen)
        _looked(voice, snapshot, first)
        seen = Resighted(known.entries, places, snapshot.taken_at, snapshot.captures)
        return Decision(roster=Roster(site=roster.site, entries=seen, notes=voices.save(notes)))

    def learn(self, roster: Roster, snapshot: Snapshot, notes: Notes, keys: Mapping[str, str]) -> None:
        """Remember what this copy showed, if nothing is open."""
        self._known.pop(roster.site, None)
        seen = set(keys.values())
        lacking = tuple(key for key in roster.entries if key not in seen)
        if not _is_whole(snapshot) or len(keys) != len(snapshot.entries) or not _is_calm(notes, lacking):
            return
        if any(roster.entries[key].standing != "withdrawn" for key in lacking):
            return
        if any(roster.entries[key].standing != "listed" for key in seen):
            return
        entries = Entries(roster.entries)
        self._known[roster.site] = _Known(entries=entries, shown=snapshot.entries, keys=keys, lacking=lacking)
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)


def _is_whole(snapshot: Snapshot) -> bool:
    return snapshot.complete and snapshot.verdict == "listing" and bool(snapshot.captures) and not snapshot.provisional


def _is_calm(notes: Notes, lacking: Sequence[str]) -> bool:
    """Whether no vantage lacks, lost or disputes anything but what is withdrawn."""
    gone = set(lacking)
    if notes.disputed or notes.trouble:
        return False
    return all(not voice.lost and not voice.trouble and gone.issuperset(voice.lacks) for voice in notes.voices.values())


def together(
    roster: Roster, snapshot: Snapshot, events: Sequence[Event], rule: Agreement, recently: Recently | None = None
) -> Decision:
    """What the fleet believes and tells after one visit of one vantage, which concluded ``events`` from it."""
    notes = voices.load(roster.notes)
    if recently is not None and not events:
        notes.now = max(notes.now, snapshot.finished_at)
        if (same := recently.again(roster, snapshot, notes)) is not None:
            return same
    notes.voices.setdefault(snapshot.vantage, Voice())
    notes.now = max(notes.now, snapshot.finished_at)
    table = Table(snapshot=snapshot, rule=rule, notes=notes, entries=dict(roster.entries))
    keys = _look(table)
    for event in events:
        hear(table, event)
    for key in [key for key in table.entries if any(key in voice.lost for voice in notes.voices.values())]:
        judge(table, key, events)
    _lacking(table)
    dispute(table)
    after = Roster(site=roster.site, entries=table.entries, notes=voices.save(notes))
    if recently is not None:
        recently.learn(after, snapshot, notes, keys)
    return Decision(roster=after, events=tuple(table.told))


# ------------------------------------------------------------------------------------------------- what was seen


def _look(table: Table) -> dict[str, str]:
    """Notes which of the known entries the copy shows and, if it is complete, lacks; page key to roster key."""
    snapshot, voice = table.snapshot, table.voice
    if snapshot.provisional or not (snapshot.entries or (snapshot.complete and snapshot.verdict in SPEAKING)):
        return {}
    if voice.looked is not None and snapshot.taken_at <= voice.looked:
        return {}  # an older copy, read again
    delta = compare(Roster(site=snapshot.site, entries=table.entries), snapshot)
    first = snapshot.captures[0] if snapshot.captures else ""
    for key, shown in delta.seen.items():
        held = table.entries[key]
        if snapshot.taken_at > held.last_seen:
            seen_in = snapshot.seen_in.get(shown.key, first)
            table.stand(key, last_seen=snapshot.taken_at, seen_in=seen_in)
        if held.standing == "missing":
            table.stand(key, standing="listed", missing_since=None, missing_in=None, absences=0)
        voice.lacks.pop(key, None)
    is_first = snapshot.complete and voice.looks == 0
    for entry in delta.added:
        voice.fresh[entry.key] = voice.fresh.get(entry.key, 0) + snapshot.complete
        if is_first or voice.fresh[entry.key] >= LONG_SEEN:
            seen_in = snapshot.seen_in.get(entry.key, first)
            table.entries[entry.key] = RosterEntry(
                key=entry.key,
                title=entry.title,
                url=entry.url,
                fields=entry.fields,
                first_seen=snapshot.taken_at,
                last_seen=snapshot.taken_at,
                seen_in=seen_in,
            )
    keys = {shown.key: key for key, shown in delta.seen.items()}
    keys |= {entry.key: entry.key for entry in delta.added if entry.key in table.entries}
    if not snapshot.complete:
        return keys
    shown_now = {entry.key for entry in delta.added}
    voice.fresh = {key: count for key, count in voice.fresh.items() if key in shown_now and key not in table.entries}
    for key in table.entries:
        if key not in delta.seen and key not in shown_now:
            had = voice.looked is not None and voice.looked >= table.entries[key].first_seen
            voice.lack(key, snapshot, first, had=had)
    _looked(voice, snapshot, first)
    return keys


def _looked(voice: Voice, snapshot: Snapshot, first: str) -> None:
    voice.looks += 1
    voice.looked, voice.looked_in = max(voice.looked or snapshot.taken_at, snapshot.taken_at), first


def _lacking(table: Table) -> None:
    """An entry that every vantage lacks that still looks is missing."""
    speaking = list(table.speaking().values())
    for key in list(table.voice.lacks):
        held = table.entries.get(key)
        if held is None or held.standing != "listed" or not all(key in voice.lacks for voice in speaking):
            continue
        lacks = [voice.lacks[key] for voice in speaking]
        if lacks:
            earliest = min(lacks, key=lambda lack: lack.since)
            table.stand(
                key,
                standing="missing",
                missing_since=earliest.since,
                missing_in=earliest.lacks_in or None,
                absences=max(lack.count for lack in lacks),
            )

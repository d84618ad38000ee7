"""What follows from what several vantages say of one site: the decision of a fleet.

Each vantage decides alone, on its own captures (``core.decide``); here its conclusions and its complete copies are put
beside those of the others. News that adds is told when the first vantage tells it. A withdrawal is told once as many
vantages as ``agree`` says confirmed it, and none that still looks shows the entry. Vantages that lastingly see
different things are an observation of their own, told once an episode (``vantages-disagree``); it holds the withdrawal.
The hold is bounded: who has not looked for ``structural_after`` holds nothing up.

Of one vantage that nobody contradicts, and with ``agree = 1``, every event is told as the vantage itself told it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from watcher.core import voices
from watcher.core.compare import compare
from watcher.core.identity import fold_title, own_path
from watcher.core.tell import as_entry, event_id
from watcher.core.voices import Lack, Loss, Notes, Voice
from watcher.core.watchlist import Watch, watched
from watcher.records import ENTRY_KINDS, Decision, Event, EventKind, Policy, Roster, RosterEntry, Snapshot

DISAGREE: EventKind = "vantages-disagree"
TROUBLE = frozenset({"unreachable", "blocked"})
"""Of one vantage it may be the vantage's own: it is the site's once every vantage that still looks has it."""
SPEAKING = frozenset({"listing", "empty"})
LONG_SEEN = 12
"""An entry that a vantage saw so often, and never told of, is known all the same."""
MOST_NAMED = 3
"""Titles that one observation names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """When the vantages of a fleet agree."""

    index: str
    """Who concludes: the name that its own events bear."""
    agree: int = 1
    """How many vantages a withdrawal needs, each on its own captures."""
    policy: Policy = field(default_factory=Policy)
    watchlist: tuple[Watch, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Table:
    """One arrival, and what follows from it."""

    snapshot: Snapshot
    rule: Agreement
    notes: Notes
    entries: dict[str, RosterEntry]
    told: list[Event] = field(default_factory=list)

    @property
    def voice(self) -> Voice:
        return self.notes.voices[self.snapshot.vantage]

    def speaking(self) -> dict[str, Voice]:
        """The vantages that still look."""
        hold = self.rule.policy.structural_after
        return {
            name: voice
            for name, voice in sorted(self.notes.voices.items())
            if voice.looked is not None and self.notes.now - voice.looked <= hold
        }

    def stand(self, key: str, **changes: Any) -> None:
        """Change what is believed of an entry."""
        self.entries[key] = replace(self.entries[key], **changes)


def together(roster: Roster, snapshot: Snapshot, events: Sequence[Event], rule: Agreement) -> Decision:
    """What the fleet believes and tells after one visit of one vantage, which concluded ``events`` from it."""
    notes = voices.load(roster.notes)
    notes.voices.setdefault(snapshot.vantage, Voice())
    notes.now = max(notes.now, snapshot.finished_at)
    table = _Table(snapshot=snapshot, rule=rule, notes=notes, entries=dict(roster.entries))
    _look(table)
    for event in events:
        _hear(table, event)
    for key in [key for key in table.entries if any(key in voice.lost for voice in notes.voices.values())]:
        _judge(table, key, events)
    _lacking(table)
    _dispute(table)
    return Decision(
        roster=Roster(site=roster.site, entries=table.entries, notes=voices.save(notes)), events=tuple(table.told)
    )


# ------------------------------------------------------------------------------------------------- what was seen


def _look(table: _Table) -> None:
    """Notes which of the known entries the copy shows and, if it is complete, which it lacks."""
    snapshot, voice = table.snapshot, table.voice
    if snapshot.provisional or not (snapshot.entries or (snapshot.complete and snapshot.verdict in SPEAKING)):
        return
    if voice.looked is not None and snapshot.taken_at <= voice.looked:
        return  # an older copy, read again
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
    if not snapshot.complete:
        return
    shown_now = {entry.key for entry in delta.added}
    voice.fresh = {key: count for key, count in voice.fresh.items() if key in shown_now and key not in table.entries}
    for key in table.entries:
        if key not in delta.seen and key not in shown_now:
            had = voice.looked is not None and voice.looked >= table.entries[key].first_seen
            voice.lack(key, snapshot, first, had=had)
    voice.looks += 1
    voice.looked, voice.looked_in = max(voice.looked or snapshot.taken_at, snapshot.taken_at), first


def _lacking(table: _Table) -> None:
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


# ------------------------------------------------------------------------------------------------ what was told


def _hear(table: _Table, event: Event) -> None:
    """One conclusion of the vantage: told on, held back, or known already."""
    if event.kind not in ENTRY_KINDS or event.entry is None:
        _hear_of_site(table, event)
        return
    key = key_of(table.entries, event)
    match event.kind:
        case "withdrawn":
            if key is not None and table.entries[key].standing != "withdrawn":
                table.voice.lost[key] = Loss.of(event)
        case "listed" | "relisted":
            _hear_listed(table, event, key)
        case "changed" | "renamed":
            _hear_changed(table, event, key)


def _hear_listed(table: _Table, event: Event, key: str | None) -> None:
    entry = event.entry
    assert entry is not None
    if key is None:
        table.entries[entry.key] = RosterEntry(
            key=entry.key,
            title=entry.title,
            url=entry.url,
            fields=entry.fields,
            first_seen=event.not_after,
            last_seen=table.snapshot.taken_at,
            seen_in=event.after or "",
        )
        table.voice.fresh.pop(entry.key, None)
        _tell(table, event, entry.key)
        return
    held = table.entries[key]
    table.voice.lost.pop(key, None)
    if held.standing == "withdrawn":
        table.stand(key, standing="listed", withdrawn_at=None, missing_since=None, missing_in=None, absences=0)
        for voice in table.notes.voices.values():
            voice.lost.pop(key, None)
        _tell(table, event if event.kind == "relisted" else _own(table, event, "relisted"), key)
    # another vantage's first copy may hold what is news; what it showed before this one lacked it is none
    elif (
        event.kind == "listed"
        and key not in table.notes.told
        and (event.not_before is None or held.first_seen >= event.not_before)
    ):
        _tell(table, event, key)


def _hear_changed(table: _Table, event: Event, key: str | None) -> None:
    """Told where it says something else than what is believed."""
    if key is None or event.entry is None:
        return
    held, entry = table.entries[key], event.entry
    if event.kind == "renamed" and held.title != entry.title:
        aliases = tuple(dict.fromkeys((*held.aliases, held.title)))
        table.stand(key, title=entry.title, url=entry.url, fields=entry.fields, aliases=aliases)
        _tell(table, event, key)
    elif event.kind == "changed":
        news = {name: new for name, (_, new) in event.changes.items()}
        known = {**held.fields, "link": held.url}
        if any(known.get(name, "") != new for name, new in news.items()):
            table.stand(key, url=entry.url, fields={**held.fields, **entry.fields})
            _tell(table, event, key)


def _hear_of_site(table: _Table, event: Event) -> None:
    notes, voice = table.notes, table.voice
    if event.kind == "recovered":
        voice.trouble = ""
        if notes.trouble:
            notes.trouble = ""
            table.told.append(event)
        return
    if event.kind in TROUBLE:
        voice.trouble = event.kind
        others = [other for other in table.speaking().values() if other is not voice]
        if notes.trouble or not all(other.trouble for other in others):
            return
        notes.trouble = event.kind
    elif event.kind == "seized":
        voice.trouble = event.kind
        if notes.trouble == "seized":
            return
        notes.trouble = event.kind
    else:
        last = notes.said.get(event.kind)
        if (
            last is not None
            and last[0] != event.vantage
            and event.confirmed_at - last[1] <= table.rule.policy.structural_after
        ):
            return  # another vantage told of it
        notes.said[event.kind] = (event.vantage, event.confirmed_at)
    table.told.append(event)


def _tell(table: _Table, event: Event, key: str) -> None:
    table.notes.told[key] = event.kind
    table.told.append(event)


# ------------------------------------------------------------------------------------------------- withdrawals


def _judge(table: _Table, key: str, events: Sequence[Event]) -> None:
    """Tell a withdrawal if enough vantages confirmed it, and none that looked since shows the entry."""
    losses = {
        name: voice.lost[key]
        for name, voice in sorted(table.notes.voices.items())
        if key in voice.lost and key in voice.lacks
    }
    if not losses or table.entries[key].standing == "withdrawn":
        return
    agreeing = [*losses, *(name for name in _absent(table, key, losses) if name not in losses)]
    if len(agreeing) < table.rule.agree or _showing(table, key, min(loss.not_after for loss in losses.values())):
        return
    alone = [event for event in events if event.id in {loss.event for loss in losses.values()}]
    event = alone[0] if table.rule.agree <= 1 and alone else _withdrawn(table, key, losses, agreeing)
    table.stand(
        key,
        standing="withdrawn",
        withdrawn_at=event.confirmed_at,
        missing_since=event.not_after,
        missing_in=event.after,
    )
    for voice in table.notes.voices.values():
        voice.lost.pop(key, None)
    table.notes.disputed.pop(key, None)
    _tell(table, event, key)


def _absent(table: _Table, key: str, losses: Mapping[str, Loss]) -> list[str]:
    """Vantages that began to look after the entry was last seen, and found it absent as often as the policy asks."""
    last_seen = min((loss.not_before or loss.not_after) for loss in losses.values())
    return [
        name
        for name, voice in table.speaking().items()
        if (lack := voice.lacks.get(key)) is not None
        and not lack.had
        and lack.since > last_seen
        and _is_confirmed(lack, table.rule.policy)
    ]


def _is_confirmed(lack: Lack, policy: Policy) -> bool:
    return lack.count >= max(policy.confirm_visits, 1) and lack.last - lack.since >= policy.confirm_after


def _showing(table: _Table, key: str, since: datetime) -> list[str]:
    """Vantages whose last complete copy, made since then, shows the entry, and that still look."""
    return [
        name
        for name, voice in table.speaking().items()
        if key not in voice.lacks and voice.looked is not None and voice.looked > since
    ]


def _withdrawn(table: _Table, key: str, losses: Mapping[str, Loss], agreeing: Sequence[str]) -> Event:
    """The fleet's own withdrawal: its window begins with the last copy of them all that shows the entry."""
    last = max(losses.values(), key=lambda loss: loss.not_before or voices.NEVER)
    began = last.not_before
    first = min(
        (loss for loss in losses.values() if began is None or loss.not_after > began),
        key=lambda loss: loss.not_after,
        default=last,
    )
    newest = max(losses.values(), key=lambda loss: loss.confirmed_at)
    machine = [word for word in newest.why if " " not in word and not word.startswith("vantages-agree")]
    count = len(agreeing)
    prose = (
        f"{count} vantages, each on its own captures, confirmed that the entry is gone from the listing."
        if count > 1
        else "One vantage confirmed that the entry is gone from the listing, and no other that looks shows it any more."
    )
    why = (f"vantages-agree:{count}", *(f"agrees:{name}" for name in agreeing), *machine, prose)
    return _made(table, "withdrawn", key, window=(began, first.not_after), sides=(last.before, first.after), why=why)


def _own(table: _Table, event: Event, kind: EventKind) -> Event:
    """A vantage's event, told as one of another kind."""
    own = replace(event, kind=kind, why=(f"told-as:{event.kind}", *event.why), vantage=table.rule.index)
    return replace(own, id=event_id(own))


def _made(
    table: _Table,
    kind: EventKind,
    key: str | None,
    *,
    window: tuple[datetime | None, datetime],
    sides: tuple[str | None, str | None],
    why: tuple[str, ...],
    named: Sequence[str] = (),
) -> Event:
    """An event of the index's own."""
    concerned = [table.entries[one] for one in ([key] if key is not None else named)]
    names = [
        name for held in concerned for name in watched(table.rule.watchlist, held.title, held.fields, held.url)
    ] if table.rule.watchlist else []  # fmt: skip
    event = Event(
        id="",
        kind=kind,
        site=table.snapshot.site,
        entry=None if key is None else as_entry(table.entries[key]),
        not_before=window[0],
        not_after=window[1],
        confirmed_at=table.notes.now,
        before=sides[0],
        after=sides[1],
        why=why,
        watchlist=tuple(dict.fromkeys(names)),
        vantage=table.rule.index,
    )
    return replace(event, id=event_id(event))


# ------------------------------------------------------------------------------------------------ disagreement


def _dispute(table: _Table) -> None:
    """Tell, once an episode, of entries that one vantage shows and another lastingly lacks."""
    notes = table.notes
    lacked = {key for voice in notes.voices.values() for key in (*voice.lacks, *voice.lost)}
    new: dict[str, tuple[list[str], list[str]]] = {}
    for key in [key for key in table.entries if key in lacked or key in notes.disputed]:
        denying = _denying(table, key)
        since = min((voice.lacks[key].since for voice in denying.values()), default=None)
        wait = table.rule.policy.confirm_after
        lost = any(key in voice.lost for voice in denying.values())
        showing = [] if since is None else _showing(table, key, since if lost else since + wait)
        if not showing:
            notes.disputed.pop(key, None)
        elif key not in notes.disputed:
            notes.disputed[key] = notes.now
            new[key] = (showing, list(denying))
    if new:
        table.told.append(_disagreement(table, new))


def _denying(table: _Table, key: str) -> dict[str, Voice]:
    """Vantages that still look, and lack the entry beyond doubt."""
    return {
        name: voice
        for name, voice in table.speaking().items()
        if (lack := voice.lacks.get(key)) is not None and (key in voice.lost or _is_confirmed(lack, table.rule.policy))
    }


def _disagreement(table: _Table, new: Mapping[str, tuple[list[str], list[str]]]) -> Event:
    keys = list(new)
    showing = sorted({name for shown, _ in new.values() for name in shown})
    denying = sorted({name for _, lacked in new.values() for name in lacked})
    speaking = table.notes.voices
    shown = max((speaking[name] for name in showing), key=lambda voice: voice.looked or voices.NEVER)
    lack = min((speaking[name].lacks[keys[0]] for name in denying if keys[0] in speaking[name].lacks),
               key=lambda lack: lack.since)  # fmt: skip
    titles = [table.entries[key].title for key in keys[:MOST_NAMED]]
    more = f" and {len(keys) - MOST_NAMED} more" if len(keys) > MOST_NAMED else ""
    why = (
        f"vantages-disagree:{len(showing) + len(denying)}",
        *(f"shown-to:{name}" for name in showing),
        *(f"lacked-by:{name}" for name in denying),
        f"entries:{len(keys)}",
        f"The site shows different things to different vantages: {', '.join(titles)}{more}.",
    )
    until = max(shown.looked or lack.since, lack.since)
    key = keys[0] if len(keys) == 1 else None
    sides = (shown.looked_in or None, lack.lacks_in or None)
    return _made(table, DISAGREE, key, window=(lack.since, until), sides=sides, why=why, named=keys)


# ----------------------------------------------------------------------------------------------------- identity


def key_of(entries: Mapping[str, RosterEntry], event: Event) -> str | None:
    """The roster key that the entry of a vantage's event goes by here: vantages may have met it under other names."""
    entry = event.entry
    if entry is None:
        return None
    if entry.key in entries:
        return entry.key
    path = own_path(entry.url)
    titles = {fold_title(title)[0] for title in (entry.title, event.was) if title}
    for fits in (
        [key for key, held in entries.items() if path and own_path(held.url) == path],
        [key for key, held in entries.items() if titles & {fold_title(t)[0] for t in (held.title, *held.aliases)}],
    ):
        if len(fits) == 1:
            return fits[0]
    return None

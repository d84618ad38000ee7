"""What the vantages of a fleet told, put together: told on, held back, or told by the index itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from watcher.core import voices
from watcher.core.agreement import AGREES, Table, key_of, made, own, tell
from watcher.core.voices import Lack, Loss, Voice
from watcher.records import ENTRY_KINDS, Event, EventKind, Policy, RosterEntry

DISAGREE: EventKind = "vantages-disagree"
TROUBLE = frozenset({"unreachable", "blocked"})
"""Of one vantage it may be the vantage's own: it is the site's once every vantage that still looks has it."""
MOST_NAMED = 3
"""Titles that one observation names."""


# ------------------------------------------------------------------------------------------------ what was told


def hear(table: Table, event: Event) -> None:
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
        case _:  # changed, renamed
            _hear_changed(table, event, key)


def _hear_listed(table: Table, event: Event, key: str | None) -> None:
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
        tell(table, event, entry.key)
        return
    held = table.entries[key]
    table.voice.lost.pop(key, None)
    if held.standing == "withdrawn":
        table.stand(key, standing="listed", withdrawn_at=None, missing_since=None, missing_in=None, absences=0)
        for voice in table.notes.voices.values():
            voice.lost.pop(key, None)
        tell(table, event if event.kind == "relisted" else own(table, event, "relisted"), key)
    # another vantage's first copy may hold what is news; what it showed before this one lacked it is none
    elif (
        event.kind == "listed"
        and key not in table.notes.told
        and (event.not_before is None or held.first_seen >= event.not_before)
    ):
        tell(table, event, key)


def _hear_changed(table: Table, event: Event, key: str | None) -> None:
    """Told where it says something else than what is believed."""
    if key is None or event.entry is None:
        return
    held, entry = table.entries[key], event.entry
    if event.kind == "renamed" and held.title != entry.title:
        aliases = tuple(dict.fromkeys((*held.aliases, held.title)))
        table.stand(key, title=entry.title, url=entry.url, fields=entry.fields, aliases=aliases)
        tell(table, event, key)
    elif event.kind == "changed":
        news = {name: new for name, (_, new) in event.changes.items()}
        known = {**held.fields, "link": held.url}
        if any(known.get(name, "") != new for name, new in news.items()):
            table.stand(key, url=entry.url, fields={**held.fields, **entry.fields})
            tell(table, event, key)


def _hear_of_site(table: Table, event: Event) -> None:
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


# ------------------------------------------------------------------------------------------------- withdrawals


def judge(table: Table, key: str, events: Sequence[Event]) -> None:
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
    tell(table, event, key)


def _absent(table: Table, key: str, losses: Mapping[str, Loss]) -> list[str]:
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


def _showing(table: Table, key: str, since: datetime) -> list[str]:
    """Vantages whose last complete copy, made since then, shows the entry, and that still look."""
    return [
        name
        for name, voice in table.speaking().items()
        if key not in voice.lacks and voice.looked is not None and voice.looked > since
    ]


def _withdrawn(table: Table, key: str, losses: Mapping[str, Loss], agreeing: Sequence[str]) -> Event:
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
    why = (f"vantages-agree:{count}", *(f"{AGREES}{name}" for name in agreeing), *machine, prose)
    return made(table, "withdrawn", key, window=(began, first.not_after), sides=(last.before, first.after), why=why)


# ------------------------------------------------------------------------------------------------ disagreement


def dispute(table: Table) -> None:
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


def _denying(table: Table, key: str) -> dict[str, Voice]:
    """Vantages that still look, and lack the entry beyond doubt."""
    return {
        name: voice
        for name, voice in table.speaking().items()
        if (lack := voice.lacks.get(key)) is not None and (key in voice.lost or _is_confirmed(lack, table.rule.policy))
    }


def _disagreement(table: Table, new: Mapping[str, tuple[list[str], list[str]]]) -> Event:
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
    return made(table, DISAGREE, key, window=(lack.since, until), sides=sides, why=why, named=keys)

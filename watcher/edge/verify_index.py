"""Whether the store of an index holds: its own ledger, every vantage's copy with that vantage's key, and that the one
over all says what the copies say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from watcher.core import note
from watcher.core.agreement import agreeing, same_entry
from watcher.core.checks import CheckResult, Checks, need
from watcher.edge.index_copies import copies
from watcher.edge.index_union import progress
from watcher.edge.ledger import Ledger
from watcher.edge.rows import capture_id
from watcher.edge.verify_store import verify_store
from watcher.errors import EvidenceError
from watcher.records import Event

MOST_NAMED = 6


def verify_index(
    folder: Path, *, keys: Sequence[str] = (), roots: bytes | None = None, held: bytes | None = None
) -> list[CheckResult]:
    """Every check of an index's store: those of its own ledger, those of each copy (``VANTAGE: check``), and whether
    the union follows from the copies. A key is meant for the log that bears its name; ``held`` for the one it names."""
    known = {note.parse_key(key).name: key for key in keys}
    found = copies(folder)
    mine = next((key for name, key in known.items() if name not in found), None)
    about = None if held is None else note.parse_checkpoint(note.parse(held)).origin
    results = verify_store(folder, key=mine, roots=roots, held=held if about not in found else None)
    for name, copy in found.items():
        theirs = verify_store(copy, key=known.get(name), held=held if about == name else None)
        results += [replace(one, check=f"{name}: {one.check}") for one in theirs]
    checks = Checks()
    with ExitStack() as stack:
        union = stack.enter_context(Ledger.open(folder))
        ledgers = {name: stack.enter_context(Ledger.open(copy)) for name, copy in found.items()}
        checks.run("union", lambda: _union(union, ledgers))
        checks.run("agreement", lambda: _agreement(union, ledgers))
    return [*results, *checks.results]


def _union(union: Ledger, ledgers: Mapping[str, Ledger]) -> str:
    """Every capture of the copies is in the one ledger, but for those that it says it left out."""
    come = progress(union.connection)
    mine = {number for (number,) in union.connection.execute("SELECT id FROM capture")}
    total = waiting = 0
    for name, ledger in ledgers.items():
        leaf, left_out = come.get(name, (0, 0))
        rows = ledger.connection.execute("SELECT id, leaf FROM capture WHERE leaf IS NOT NULL").fetchall()
        lacking = [capture_id(number) for number, at in rows if at < leaf and number not in mine]
        need(
            len(lacking) <= left_out,
            f"vantage {name}: captures that the union lacks: {', '.join(lacking[:MOST_NAMED])}",
        )
        total += len(rows)
        waiting += sum(at >= leaf for _, at in rows)
    strange = union.connection.execute(
        "SELECT count(*) FROM capture c JOIN place p ON p.id = c.place WHERE NOT p.claimed AND p.vantage NOT IN"
        " (SELECT name FROM fleet_vantage)"
    ).fetchone()[0]
    need(not strange, f"{strange} captures are of no vantage that shipped")
    return f"{total - waiting} captures of {len(ledgers)} vantages are in it" + (
        f"; {waiting} wait to be taken up" if waiting else ""
    )


def _agreement(union: Ledger, ledgers: Mapping[str, Ledger]) -> str:
    """What a vantage is said to have told, it told; who is said to agree on a withdrawal lost the entry itself."""
    count = 0
    for event in union.events():
        count += 1
        if event.vantage in ledgers:
            need(ledgers[event.vantage].event(event.id) == event, f"event {event.id} is not what its vantage told")
            continue
        names = agreeing(event.why)
        if event.kind == "withdrawn":
            need(names, f"event {event.id}: nobody is said to agree")
            need(
                any(_lost(ledgers[name], event) for name in names if name in ledgers),
                f"event {event.id}: no vantage that is said to agree told of it",
            )
        for name in names:
            if name not in ledgers:
                raise EvidenceError(f"event {event.id}: there is no copy of vantage {name}")
            need(
                _lost(ledgers[name], event) or _lacks(ledgers[name], event),
                f"event {event.id}: vantage {name} never found the entry gone",
            )
    return f"{count} events follow from what the vantages told"


def _lost(ledger: Ledger, event: Event) -> bool:
    """Whether the vantage told of the withdrawal itself, by then."""
    told = ledger.events(site=event.site, kind="withdrawn")
    return any(same_entry(event, one) for one in told if one.confirmed_at <= event.confirmed_at)


def _lacks(ledger: Ledger, event: Event) -> bool:
    """Whether complete copies of the vantage, made since the entry was last seen, are without it."""
    entry = event.entry
    if entry is None:
        return False
    seen = [one for one in ledger.snapshots(event.site, event.not_before, event.confirmed_at) if one.complete]
    return bool(seen) and not any(entry.key == shown.key for one in seen for shown in one.entries)

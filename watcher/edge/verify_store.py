"""Whether a store holds: every leaf against the rows it is about, every node, signature, body and token."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509

from watcher.core import custody, merkle, note
from watcher.core.checks import CheckResult, Checks, need, told
from watcher.core.moments import counted, rfc3339
from watcher.edge import tokens
from watcher.edge.custody_log import KEPT_FROM, Kind, speaks_for
from watcher.edge.gather import DESCRIPTORS
from watcher.edge.ledger import BODIES, Ledger
from watcher.edge.rows import capture_id, moment, visit_name
from watcher.edge.sayings import decode_why
from watcher.edge.sign import check_signature
from watcher.errors import EvidenceError, StoreError, UsageError

MOST_FAULTS = 20
_COMPLAINTS = (StoreError, UsageError, sqlite3.Error, msgspec.MsgspecError)
"""What the ledger says of itself: a fault like any other."""
_LEVEL_BITS = 48


def verify_store(
    folder: Path, *, key: str | None = None, roots: bytes | None = None, held: bytes | None = None
) -> list[CheckResult]:
    """Every check of a store. ``held`` is a checkpoint that came with an alert: the log must still contain it."""
    pinned = None if key is None else note.parse_key(key)
    trusted = None if roots is None else tokens.load_roots(roots, source="--tsa-roots")
    checks = Checks()
    with Ledger.open(folder) as ledger:

        def run(name: str, check: Callable[[], str]) -> None:
            checks.run(name, lambda: _complained(check))

        run("database", lambda: _database(ledger))
        run("leaves", lambda: _leaves(ledger))
        run("rows", lambda: _rows(ledger))
        run("readings", lambda: _readings(ledger))
        run("events", lambda: _events(ledger))
        run("tree", lambda: _tree(ledger))
        keys = [pinned] if pinned else _logged_keys(ledger)
        if pinned is None:
            names = ", ".join(str(one) for one in keys) or "none is named in the log"
            checks.add("key", True, f"{names}: the store's own word; name the key that you trust with --key")
        run("checkpoints", lambda: _checkpoints(ledger, keys))
        if held is not None:
            run("held", lambda: _held(ledger, keys, held))
        run("bodies", lambda: _bodies(ledger))
        run("descriptors", lambda: _descriptors(ledger))
        run("times", lambda: _times(ledger, keys, trusted))
    return checks.results


def _complained(check: Callable[[], str]) -> str:
    """What the check found."""
    try:
        with told():
            return check()
    except _COMPLAINTS as error:
        raise EvidenceError(str(error)) from error


def _each(checks: Iterator[tuple[str, Callable[[], object]]]) -> int:
    """How many passed; ``EvidenceError`` names the first faults of them all."""
    faults: list[str] = []
    count = more = 0
    for what, check in checks:
        count += 1
        try:
            with told():
                check()
        except (EvidenceError, *_COMPLAINTS) as error:
            if len(faults) < MOST_FAULTS:
                faults.append(f"{what}: {error}")
            else:
                more += 1
    need(not faults, "; ".join(faults) + (f"; and {more} more" if more else ""))
    return count


# -------------------------------------------------------------------------------------------------------- the rows


def _database(ledger: Ledger) -> str:
    """SQLite's own structure."""
    found = [row[0] for row in ledger.connection.execute("PRAGMA integrity_check(10)")]
    need(found == ["ok"], "; ".join(found))
    return "SQLite finds its file in order"


def _leaves(ledger: Ledger) -> str:
    """Every leaf is the hash of the record that its rows give again."""
    size = ledger.log.size
    there = ledger.connection.execute("SELECT count(*), min(n) FROM leaf").fetchone()
    need(size == there[0] and (not size or there[1] == 0), f"the log has {size} leaves, of which {there[0]} are there")

    def check(index: int, kind: int, hash_there: bytes) -> None:
        record = ledger.record_of(index)
        need(merkle.leaf_hash(custody.leaf_data(record)) == hash_there, "what it is about is not what was logged")
        if kind == Kind.CAPTURE:
            capture = ledger.capture(str(record["capture"]))
            need(capture is not None and capture.leaf == index, "its capture names another leaf")

    rows = ledger.connection.execute("SELECT n, kind, hash FROM leaf ORDER BY n").fetchall()
    count = _each((f"leaf {n}", partial(check, n, kind, found)) for n, kind, found in rows)
    return f"{counted(count, 'leaf is', 'leaves are')} about what the ledger holds"


def _rows(ledger: Ledger) -> str:
    """Nothing is in the ledger that was never logged, or whose leaf is another's."""
    kinds = {n: (kind, ref) for n, kind, ref in ledger.connection.execute("SELECT n, kind, ref FROM leaf")}

    def leaf_is(leaf: int | None, kind: Kind, ref: int) -> None:
        need(leaf is not None, "it was never logged")
        need(kinds.get(leaf or 0) == (kind, ref), f"leaf {leaf} is not about it")

    def all_rows() -> Iterator[tuple[str, Callable[[], object]]]:
        for n, number, leaf, claimed in ledger.connection.execute(
            "SELECT c.n, c.id, c.leaf, p.claimed FROM capture c JOIN place p ON p.id = c.place"
        ).fetchall():
            if not claimed:
                yield f"capture {capture_id(number)}", partial(leaf_is, leaf, Kind.CAPTURE, n)
        for capture, leaf in ledger.connection.execute("SELECT capture, leaf FROM reading").fetchall():
            if leaf is not None:
                yield f"the reading of capture {capture}", partial(leaf_is, leaf, Kind.READING, capture)
        for name, started, leaf in ledger.connection.execute(
            "SELECT s.name, x.started, x.leaf FROM snapshot x JOIN site s ON s.id = x.site"
        ).fetchall():
            what = f"visit {visit_name(name, started)}"
            yield what, partial(leaf_is, leaf, Kind.SNAPSHOT, started)
        for seq, identifier, leaf in ledger.connection.execute("SELECT seq, id, leaf FROM event").fetchall():
            yield f"event {identifier}", partial(leaf_is, leaf, Kind.EVENT, seq)

    count = _each(all_rows())
    orphans = ledger.connection.execute(
        "SELECT count(*) FROM capture WHERE place NOT IN (SELECT id FROM place)"
    ).fetchone()
    need(orphans[0] == 0, f"{orphans[0]} captures come from nowhere")
    return f"{count} captures, readings, visits and events are in the log"


def _readings(ledger: Ledger) -> str:
    """Rules are those whose digests were logged; what has no leaf of its own is what its visit's leaf says."""

    def check(name: str, leaf: int | None) -> None:
        reading, capture = ledger.reading(name), ledger.capture(name)
        if reading is None or capture is None:
            raise EvidenceError("it is not there")
        enclosed = custody.digest(custody.described(reading.rule)) if reading.rule else ""
        need(enclosed == reading.rule_digest, "the rule is not the one that was used")
        if leaf is None:
            snapshot = ledger.snapshot(capture.visit)
            need(snapshot is not None, "its visit was never recorded")
            assert snapshot is not None
            need(name in snapshot.captures and speaks_for(snapshot, [reading]), "its visit says something else")

    for number, verdict, why, complete in ledger.connection.execute("SELECT id, verdict, why, complete FROM content"):
        value = msgspec.json.decode(ledger.contents.get(number))
        same = (value["verdict"], tuple(value["why"]), value["complete"]) == (verdict, decode_why(why), bool(complete))
        need(same, f"saying {number} is filed as something else")
    rows = ledger.connection.execute(
        "SELECT c.id, r.leaf FROM reading r JOIN capture c ON c.n = r.capture JOIN place p ON p.id = c.place"
        " WHERE NOT p.claimed"  # what others claim to have seen stands in no log
    ).fetchall()
    count = _each((f"the reading of {capture_id(n)}", partial(check, capture_id(n), leaf)) for n, leaf in rows)
    return f"{counted(count, 'reading is', 'readings are')} as logged, rules included"


def _events(ledger: Ledger) -> str:
    """The columns by which events are found say what the events say."""

    def check(identifier: str, kind: str, site: str, confirmed: int) -> None:
        event = ledger.event(identifier)
        if event is None:
            raise EvidenceError("it is not there")
        same = (event.id, event.kind, event.site, event.confirmed_at) == (identifier, kind, site, moment(confirmed))
        need(same, "it is filed as something else")

    rows = ledger.connection.execute(
        "SELECT e.id, e.kind, s.name, e.confirmed FROM event e JOIN site s ON s.id = e.site"
    ).fetchall()
    count = _each((f"event {row[0]}", partial(check, *row)) for row in rows)
    total = ledger.connection.execute("SELECT count(*) FROM event").fetchone()[0]
    need(count == total, f"{total - count} events are of no site")
    return f"{counted(count, 'event is', 'events are')} filed under the right kind"


# --------------------------------------------------------------------------------------------------------- the log


def _tree(ledger: Ledger) -> str:
    """The interior nodes kept are those that the leaves give, and none is missing."""
    table = merkle.levels(list(ledger.log.leaves()))
    expected = {
        level << _LEVEL_BITS | index: value
        for level, row in enumerate(table)
        if level >= KEPT_FROM
        for index, value in enumerate(row)
    }
    found = dict(ledger.connection.execute("SELECT place, hash FROM node"))
    wrong = [f"{p >> _LEVEL_BITS}/{p & (1 << _LEVEL_BITS) - 1}" for p in sorted(expected.keys() | found.keys())
             if expected.get(p) != found.get(p)]  # fmt: skip
    need(not wrong, f"nodes that the leaves do not give: {', '.join(wrong[:MOST_FAULTS])}")
    return f"{len(found)} interior nodes are those of {ledger.log.size} leaves"


def _logged_keys(ledger: Ledger) -> list[note.VerifierKey]:
    """The keys that the log itself names."""
    found = []
    for record in _acts(ledger, "key"):
        with suppress(EvidenceError):
            found.append(note.parse_key(str(record["new"])))
    return found


def _acts(ledger: Ledger, act: str) -> Iterator[dict[str, Any]]:
    """The records of an act that has no rows of its own. One that is no record is told under "leaves"."""
    for (data,) in ledger.connection.execute("SELECT record FROM act ORDER BY leaf").fetchall():
        with suppress(msgspec.MsgspecError, UnicodeDecodeError, TypeError):
            record = msgspec.json.decode(data, type=dict[str, Any])
            if record.get("act") == act:
                yield record


def _verified(text: str, keys: list[note.VerifierKey]) -> note.Checkpoint:
    signed = note.parse(text.encode())
    head = note.parse_checkpoint(signed)
    mine = [key for key in keys if signed.by(key)]
    need(mine or not keys, "it is signed by nobody that is trusted")
    for key in mine:
        note.verify(signed, key, check_signature)
        need(head.origin == key.name, "it is a checkpoint of another log")
    return head


def _checkpoints(ledger: Ledger, keys: list[note.VerifierKey]) -> str:
    """Every signed head is one of this log, as it stands: it was not cut, forked or written anew."""

    def check(size: int, text: str) -> None:
        head = _verified(text, keys)
        need(head.size == size, f"it says {head.size} leaves")
        need(size <= ledger.log.size, f"the log has {ledger.log.size} leaves only: its tail was cut off")
        need(ledger.log.root(size) == head.root, "the log has another root at that size: it was forked or written anew")

    heads = list(ledger.checkpoints())
    count = _each((f"checkpoint {h.size}", partial(check, h.size, h.note)) for h in heads)
    last = heads[-1].size if heads else 0
    signed = "" if keys else "; signatures NOT CHECKED: no key is known, name it with --key"
    return f"{counted(count, 'checkpoint')}, the last over {last} of {ledger.log.size} leaves{signed}"


def _held(ledger: Ledger, keys: list[note.VerifierKey], held: bytes) -> str:
    """A checkpoint that somebody kept is one of this log."""
    head = _verified(held.decode(), keys)
    need(head.size <= ledger.log.size, f"the log has {ledger.log.size} leaves, the checkpoint held has {head.size}")
    need(ledger.log.root(head.size) == head.root, "the log was written anew since that checkpoint was signed")
    return f"the log still contains the checkpoint over {head.size} leaves"


# ------------------------------------------------------------------------------------------------- bytes and times


def _bodies(ledger: Ledger) -> str:
    """Every body gives the bytes of its digest; no file lies about that is none."""

    rows = ledger.connection.execute("SELECT id, digest, erased, frame IS NULL FROM body").fetchall()
    count = _each(
        (f"body {digest.hex()}", partial(ledger.bodies.get, n)) for n, digest, erased, _ in rows if erased is None
    )
    gone = len(rows) - count
    pruned = {name for record in _acts(ledger, "prune") for name in record["bodies"]}
    silent = [digest.hex() for _, digest, erased, _ in rows if erased is not None and digest.hex() not in pruned]
    need(not silent, f"bodies that are gone, and no prune says so: {', '.join(silent[:MOST_FAULTS])}")
    _wanted_bodies(ledger)
    named = {digest.hex() for _, digest, erased, outside in rows if erased is None and outside}
    folder = ledger.folder / BODIES
    there = {path.name.removesuffix(".zst"): path for path in folder.glob("??/*")} if folder.is_dir() else {}
    strange = [str(path.relative_to(ledger.folder)) for name, path in sorted(there.items()) if name not in named]
    if not ledger.bodies.files.near:
        strange += sorted(ledger.bodies.files.digests() - named - there.keys())
    need(not strange, f"files that belong to no body: {', '.join(strange[:MOST_FAULTS])}")
    good = counted(count, "body gives its digest", "bodies give their digests")
    return good + (f"; {gone} were pruned, their digests stay" if gone else "")


def _descriptors(ledger: Ledger) -> str:
    """Every onion descriptor that was logged is there, and none that was not."""
    logged = {str(record["descriptor"]) for record in _acts(ledger, "descriptor")}
    folder = ledger.folder / DESCRIPTORS
    there = {path.stem: path for path in folder.glob("*.hsdesc")} if folder.is_dir() else {}
    wrong = sorted(logged ^ there.keys())
    wrong += [name for name in sorted(logged & there.keys()) if sha256(there[name].read_bytes()).hexdigest() != name]
    need(not wrong, f"descriptors that are missing, changed, or were never logged: {', '.join(wrong[:MOST_FAULTS])}")
    return f"{len(logged)} as logged" if logged else "none kept"


def _wanted_bodies(ledger: Ledger) -> None:
    missing = ledger.connection.execute(
        "SELECT count(*) FROM capture WHERE body IS NOT NULL AND body NOT IN (SELECT id FROM body)"
    ).fetchone()[0]
    need(missing == 0, f"the bodies of {missing} captures are gone, and no prune says so")


def _times(ledger: Ledger, keys: list[note.VerifierKey], roots: tuple[x509.Certificate, ...] | None) -> str:
    """Each token is of its checkpoint, by an authority under the roots."""
    stamps = [stamp for stamp in ledger.stamps() if stamp.state == "stamped"]
    waiting = sum(stamp.state == "pending" for stamp in ledger.stamps())
    if not stamps:
        need(roots is None, "there is no time-stamp to check against your roots")
        return "no independent time" + (f"; {waiting} asked for" if waiting else "")
    if roots is None:
        return f"{len(stamps)} time-stamps NOT CHECKED: name the authorities' roots with --tsa-roots"
    heads = {head.size: head.note for head in ledger.checkpoints()}
    latest: list[datetime] = []

    def check(size: int, token: bytes) -> None:
        need(size in heads, "there is no such checkpoint")
        latest.append(tokens.verify(token, as_signed(heads[size], keys), roots))
        at = datetime.fromisoformat(str(ledger.record_of(size - 1)["at"]))
        need(at <= latest[-1] + tokens.CLOCK_TOLERANCE, "its last record says that it was made after the time-stamp")

    count = _each(
        (f"the time-stamp of {s.size} leaves by {s.authority}", partial(check, s.size, s.token)) for s in stamps
    )
    return f"{count} time-stamps, the last of {rfc3339(max(latest))}" + (f"; {waiting} asked for" if waiting else "")


def as_signed(text: str, keys: list[note.VerifierKey]) -> bytes:
    """A checkpoint as it was first signed, witnesses' lines taken off: what is time-stamped."""
    signed = note.parse(text.encode())
    origin = note.parse_checkpoint(signed).origin
    mine = {one for key in keys for one in signed.by(key)}
    own = (one for one in signed.signatures if (one in mine if keys else one.name == origin))
    return replace(signed, signatures=tuple(own)).encode()

"""What the custody log says of each act: canonical records that hold identifiers, times and digests, never content.

The leaf of an act is the SHA-256 of its record's canonical JSON (RFC 8785). What a record only names by digest (the
capture's facts, the event, the bytes) is kept elsewhere and can be shown, hidden or erased without touching the log.
"""

from __future__ import annotations

import dataclasses
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec
import rfc8785

from watcher.core import absence
from watcher.core.moments import rfc3339
from watcher.errors import EvidenceError
from watcher.records import Capture, Entry, Event, Reading, Snapshot

FORM = 1
"""The version of the records' form."""

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]
Record = dict[str, Json]

_BEYOND = re.compile(rb"[\xf0-\xf4]")
"""Characters beyond U+FFFF."""
_NOT_QUICK = re.compile(rb'[\xf0-\xf4]|(?:":|[\[,])-?(?:[0-9]{16}|[0-9]+[.eE])')
"""What msgspec may spell otherwise: keys beyond U+FFFF sort otherwise in UTF-16; fractions; integers that are too large
(which are refused). Text that merely looks so takes the slow way, to the same bytes."""

READ_LATER = ("verdict", "why", "complete", "leaf", "stored_bytes", "foreign")
"""A capture's fields that are set, or may change, after it was kept."""
_FACTS = tuple(one.name for one in dataclasses.fields(Capture) if one.name not in READ_LATER)
_MISS_FACTS = (*_FACTS, "verdict", "why")
_NAMES = {kind: tuple([one.name for one in dataclasses.fields(kind)]) for kind in (Reading, Snapshot)}


# ------------------------------------------------------------------------------------------------ canonical form


def canonical(record: Mapping[str, Json]) -> bytes:
    """The record's one spelling in bytes (RFC 8785). Lone surrogates, which have none, become U+FFFD."""
    return _quick_form(record, _NOT_QUICK) or _form(record)


def _quick_form(record: Mapping[str, Json], doubt: re.Pattern[bytes]) -> bytes | None:
    """The same bytes, forty times faster; None where they might not be the same."""
    try:
        quick = msgspec.json.encode(record, order="sorted")
    except UnicodeEncodeError:
        return None
    harmless = doubt is _BEYOND and quick.isascii()
    return quick if harmless or not doubt.search(quick) else None


def _form(record: Mapping[str, Json]) -> bytes:
    try:
        return bytes(rfc8785.dumps(_scrubbed(dict(record))))
    except rfc8785.CanonicalizationError as error:
        raise EvidenceError(f"a record has no canonical form: {error}") from error


def leaf_data(record: Mapping[str, Json]) -> bytes:
    """What the record's leaf holds: the SHA-256 of its canonical form. ``merkle.leaf_hash`` of it is the leaf hash."""
    return sha256(canonical(record)).digest()


def digest(record: Mapping[str, Json]) -> str:
    """The SHA-256 (hex) of a record's canonical form."""
    return leaf_data(record).hex()


def described(value: object) -> Record:
    """A record of ``watcher.records`` as plain JSON values, by the names of its fields."""
    plain = _plain(value)
    if not isinstance(plain, dict):
        raise TypeError(f"{type(value).__name__} is no record")
    return plain


def capture_facts(capture: Capture) -> Record:
    """All that was known of a capture or miss when it was kept; its digest is what the log holds."""
    facts: Record = {}
    for name in _MISS_FACTS if capture.is_miss else _FACTS:  # a miss says at once why it is one
        value = getattr(capture, name)
        facts[name] = value if value.__class__ is str else _plain(value)
    return facts


def _digest_of(value: Reading | Snapshot, entries: Shown) -> str:
    """``digest(described(value))``, with these entries: of what can be long, and holds but words, small numbers and two
    times."""
    plain: dict[str, Any] = {name: getattr(value, name) for name in _NAMES[type(value)]}
    if isinstance(value, Snapshot):
        plain["taken_at"], plain["finished_at"] = rfc3339(value.taken_at), rfc3339(value.finished_at)
    plain["entries"] = None
    if _quick_form(plain, _BEYOND) is None:
        return digest({**described(value), "entries": msgspec.json.decode(entries.form)})
    plain["entries"] = msgspec.Raw(entries.form)
    return sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()


class Shown(NamedTuple):
    """Entries of a page, and what records say of them."""

    entries: tuple[Entry, ...] | None
    """None: they are not at hand."""
    commitment: str
    number: int
    form: bytes
    """Their canonical form."""


_shown_lately: OrderedDict[int, Shown] = OrderedDict()
"""A reading and the snapshot made of it show the very same ones; by ``id``, theirs as long as they are held here."""
_MOST_SHOWN = 16


def shown(entries: tuple[Entry, ...]) -> Shown:
    """What records say of entries."""
    known = _shown_lately.get(id(entries))
    if known is not None and known.entries is entries:
        return known
    try:
        form = msgspec.json.encode(entries, order="sorted")
    except UnicodeEncodeError:
        form = b""
    if not form or (not form.isascii() and _BEYOND.search(form)):
        form = bytes(rfc8785.dumps(_scrubbed(_plain(entries))))
    keys = {entry.key for entry in entries}
    found = Shown(entries, absence.commit(keys).hex(), len(keys), form)
    _shown_lately[id(entries)] = found
    if len(_shown_lately) > _MOST_SHOWN:
        _shown_lately.popitem(last=False)
    return found


def _plain(value: object) -> Json:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if -(2**53) < value < 2**53 else str(value)
    if isinstance(value, float):
        return repr(value)  # RFC 8785 spells floats as JavaScript does; a string needs no such care
    if isinstance(value, bytes):
        return sha256(value).hexdigest()
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, timedelta):
        return repr(value.total_seconds())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): item if item.__class__ is str else _plain(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no plain form")


def _scrubbed(value: Json) -> Json:
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_scrubbed(item) for item in value]
    if isinstance(value, dict):
        return {str(_scrubbed(key)): _scrubbed(item) for key, item in value.items()}
    return value


# -------------------------------------------------------------------------------------------- what each act says


def capture_record(capture: Capture, *, request: bytes, response: bytes) -> Record:
    """A retrieval was made: ``capture``, ``miss``, or ``refusal`` (content that we never take)."""
    act = "capture" if not capture.is_miss else "refusal" if capture.verdict == "refused-content" else "miss"
    return _act(
        act,
        capture.finished_at,
        capture.vantage,
        capture=capture.id,
        facts=digest(capture_facts(capture)),
        request=sha256(request).hexdigest(),
        response=sha256(response).hexdigest(),
        body=capture.body_digest or "",
    )


def reading_record(capture: str, reading: Reading, *, at: datetime, vantage: str) -> Record:
    """A capture was read, by which rule, and what it said."""
    entries = shown(reading.entries)
    return _act(
        "reading",
        at,
        vantage,
        capture=capture,
        verdict=reading.verdict,
        complete=reading.complete,
        rule=reading.rule_digest,
        entries=entries.commitment,
        count=entries.number,
        reading=_digest_of(reading, entries),
    )


def snapshot_record(snapshot: Snapshot, *, at: datetime, entries: Shown | None = None) -> Record:
    """A visit's pages were put together; ``entries`` commits to the set of keys that stood on them. ``entries``: what
    the snapshot shows, if it does not name them itself."""
    entries = entries or shown(snapshot.entries)
    captures: list[Json] = list(snapshot.captures)
    return _act(
        "snapshot",
        at,
        snapshot.vantage,
        captures=captures,
        verdict=snapshot.verdict,
        complete=snapshot.complete,
        rule=snapshot.rule_digest,
        entries=entries.commitment,
        count=entries.number,
        snapshot=_digest_of(snapshot, entries),
    )


def event_record(event: Event, *, at: datetime) -> Record:
    """A conclusion was drawn."""
    return _act("event", at, event.vantage, event=event.id, digest=digest(described(event)))


def alert_record(*, event: str, sink: str, checkpoint: bytes, at: datetime, vantage: str) -> Record:
    """An event was delivered to a sink, together with the checkpoint that covers it."""
    return _act(
        "alert",
        at,
        vantage,
        event=event,
        sink=sha256(sink.encode()).hexdigest(),  # the address holds a secret more often than not
        checkpoint=sha256(checkpoint).hexdigest(),
    )


def export_record(
    *, bundle: bytes, captures: Sequence[str], events: Sequence[str], at: datetime, vantage: str
) -> Record:
    """A bundle was handed out; ``bundle`` is the SHA-256 of its ``datapackage.json``."""
    return _act("export", at, vantage, bundle=bundle.hex(), captures=list(captures), events=list(events))


def redaction_record(*, bundle: bytes, redactions: bytes, count: int, at: datetime, vantage: str) -> Record:
    """A bundle was handed out with names hidden; ``redactions`` is the SHA-256 of the list of what was hidden."""
    return _act("redaction", at, vantage, bundle=bundle.hex(), redactions=redactions.hex(), count=count)


def prune_record(*, bodies: Sequence[str], before: datetime, at: datetime, vantage: str) -> Record:
    """Bytes were erased: the digests (hex) of what is gone."""
    gone: list[Json] = [*sorted(bodies)]
    return _act("prune", at, vantage, bodies=gone, before=rfc3339(before))


def pause_record(*, by: str, until: Mapping[str, datetime], at: datetime, vantage: str) -> Record:
    """From then on nobody is to look at these sites, each until a moment: all that this operator has paused."""
    sites: dict[str, Json] = {site: rfc3339(end) for site, end in until.items()}
    return _act("pause", at, vantage, by=by, until=sites)


def descriptor_record(*, onion: str, text: bytes, at: datetime, vantage: str) -> Record:
    """An onion service's own descriptor was fetched and kept."""
    return _act(
        "descriptor",
        at,
        vantage,
        onion=sha256(onion.encode()).hexdigest(),
        descriptor=sha256(text).hexdigest(),
    )


def key_record(*, old: str, new: str, at: datetime, vantage: str) -> Record:
    """The signing key is now another: verifier keys before (empty at first) and after."""
    return _act("key", at, vantage, old=old, new=new)


def version_record(versions: Mapping[str, str], *, config: bytes, at: datetime, vantage: str) -> Record:
    """The program, a library or the configuration is another: name to version, and the configuration's SHA-256."""
    return _act("version", at, vantage, versions=dict(versions), config=config.hex())


def _act(act: str, at: datetime, vantage: str, /, **fields: Json) -> Record:
    return {"form": FORM, "act": act, "at": rfc3339(at), "vantage": vantage, **fields}

"""A bundle taken apart again: its documents, the records that were proved, the bytes in its archive."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from watcher.core import bundle, custody, note, wacz
from watcher.core.checks import need, told
from watcher.errors import EvidenceError

Doc = dict[str, Any]
SIDES = ("before", "after")


@dataclass(slots=True, kw_only=True)
class Blocks:
    """What the archive holds of one capture."""

    request: bytes = b""
    response: bytes = b""
    facts: bytes = b""
    url: str = ""


@dataclass(slots=True, kw_only=True)
class Opened:
    """A bundle under examination; what is proved is filled in as checks pass."""

    files: Mapping[str, bytes]
    problems: dict[str, str] = field(default_factory=dict)
    log: Doc = field(default_factory=dict)
    shown: Doc = field(default_factory=dict)
    told: Doc = field(default_factory=dict)
    absence: Doc = field(default_factory=dict)
    heads: list[tuple[note.Checkpoint, str]] = field(default_factory=list)
    leaves: dict[int, Doc] = field(default_factory=dict)
    """Records that stand in the log."""
    blocks: dict[str, Blocks] = field(default_factory=dict)

    def file(self, path: str) -> bytes:
        """A file's bytes; ``EvidenceError`` if it is missing."""
        need(path in self.files, f"{path} is missing")
        return self.files[path]

    def of_capture(self, name: str, *acts: str) -> list[Doc]:
        """The proved records of these acts on a capture."""
        return [record for record in self.leaves.values() if record["act"] in acts and record.get("capture") == name]

    def kept(self, name: str) -> Doc:
        """The one record of a capture's keeping."""
        records = self.of_capture(name, "capture", "miss", "refusal")
        need(len(records) == 1, f"capture {name} has {len(records)} records in the log")
        return records[0]

    def snapshot_with(self, capture: str | None) -> Doc | None:
        """The snapshot that this capture is part of."""
        found = (item for item in self.shown["snapshots"] if capture is not None and capture in item["captures"])
        return next(found, None)

    def events(self) -> list[Doc]:
        """The events whose contents are shown."""
        return [sealed["value"] for sealed in self.told["events"] if "value" in sealed]


def open_bundle(data: bytes) -> Opened:
    """The bundle, its documents read; ``EvidenceError`` if it is no zip file of ours."""
    made = Opened(files=wacz.unpack(data))
    for name, path in (
        ("log", bundle.LOG),
        ("shown", bundle.CAPTURES),
        ("told", bundle.EVENTS),
        ("absence", bundle.ABSENCE),
    ):
        try:
            with told():
                document = parse(made.file(path), path)
                need(document["form"] == bundle.FORM, f"{path} has form {document['form']!r}, unknown here")
            setattr(made, name, document)
        except EvidenceError as error:
            made.problems[path] = str(error)
    return made


def parse(data: bytes, what: str) -> Doc:
    """A JSON object; ``EvidenceError`` if it is none, says something twice, or holds a fraction, which no record does.

    (``NaN`` and ``1e999`` would have the digest of ``null``.)
    """
    try:
        value = json.loads(
            data.decode(),
            object_pairs_hook=lambda pairs: _once(pairs, what),
            parse_float=_no_fraction,
            parse_constant=_no_fraction,
        )
    except (ValueError, RecursionError) as error:
        raise EvidenceError(f"{what} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise EvidenceError(f"{what} is no JSON object")
    return value


def _no_fraction(text: str) -> float:
    raise ValueError(f"{text[:40]} is no whole number")


def _once(pairs: list[tuple[str, Any]], what: str) -> Doc:
    made = dict(pairs)
    need(len(made) == len(pairs), f"{what} has a name twice")
    return made


def unseal(sealed: Doc, what: str) -> Doc | None:
    """The value if it is shown, and is what its digest says; None if only the digest is."""
    hash_of(sealed["digest"])
    if "value" not in sealed:
        return None
    value: Doc = sealed["value"]
    need(custody.digest(value) == sealed["digest"], f"{what} is not what its digest says")
    return value


def hash_of(text: str) -> bytes:
    """The bytes of a SHA-256 in hex."""
    need(len(text) == 64 and set(text) <= set("0123456789abcdef"), f"{text[:70]!r} is no SHA-256 in hex")
    return bytes.fromhex(text)


def hashes_of(texts: list[str]) -> tuple[bytes, ...]:
    """The bytes of a list of them."""
    return tuple(hash_of(text) for text in texts)

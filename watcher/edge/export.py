"""``watcher export``: a bundle written, verified, and only then given its name."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from watcher.core import bundle, custody, wacz
from watcher.core.checks import CheckResult
from watcher.core.material import Material
from watcher.edge import durable, render
from watcher.edge.apart import Apart
from watcher.edge.gather import Provenance, Selection, gather
from watcher.edge.ledger import Ledger
from watcher.edge.sign import SigningKey
from watcher.edge.verify import verify_bundle
from watcher.errors import EvidenceError, UsageError

STANDALONE = Path(__file__).parent / "standalone" / "verify.py"
MOST_PICTURES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A bundle that was written."""

    path: Path
    size: int
    package: bytes
    """The SHA-256 of its ``datapackage.json``: what the signature is over."""
    captures: tuple[str, ...]
    events: tuple[str, ...]
    redactions: bytes
    """The SHA-256 of the account of what was hidden; empty if nothing was."""
    places_hidden: int
    pictures: int

    def record(self, at: datetime, vantage: str) -> custody.Record:
        """What the custody log says of it."""
        if self.redactions:
            return custody.redaction_record(
                bundle=self.package, redactions=self.redactions, count=self.places_hidden, at=at, vantage=vantage
            )
        return custody.export_record(
            bundle=self.package, captures=self.captures, events=self.events, at=at, vantage=vantage
        )


def export(
    ledger: Ledger,
    selection: Selection,
    out: Path,
    *,
    key: SigningKey,
    about: Provenance,
    draw: bool = True,
) -> Exported:
    """The bundle of what is selected, in the file ``out``; nothing is written unless all of it verifies."""
    with Apart("reread") as apart:  # starts up while pictures are drawn
        material = drawn(ledger, selection, out, key, about, draw=draw)
        data = make(material, key)
        check(verify_bundle(data, keys=[key.vkey], roots=roots_of(material), read_again=apart.reread))
    return written(out, data, material)


def drawn(
    ledger: Ledger, selection: Selection, out: Path, key: SigningKey, about: Provenance, *, draw: bool
) -> Material:
    """The material of what is selected, with its pictures if they are wanted; ``UsageError`` if ``out`` is no place for
    a file."""
    if out.is_dir():
        raise UsageError(f"{out} is a folder", hint="name a file: -o NAME.wacz")
    material = gather(ledger, selection, key, about)
    return replace(material, pictures=pictures(material)) if draw else material


def roots_of(material: Material) -> bytes | None:
    """What its time-stamps are checked by; None if it has none."""
    return material.tsa_roots or None if any(head.tokens for head in material.heads) else None


def written(out: Path, data: bytes, material: Material) -> Exported:
    """What was exported, once it stands durably in ``out``."""
    durable.put(out, data, private=False)
    files = wacz.unpack(data)
    account = files.get(bundle.REDACTIONS)
    return Exported(
        path=out,
        size=len(data),
        package=sha256(files[wacz.PACKAGE]).digest(),
        captures=tuple(kept.capture.id for kept in material.kept),
        events=tuple(told.event.id for told in material.events),
        redactions=sha256(account).digest() if account else b"",
        places_hidden=sum(one["places"] for one in json.loads(account)["redactions"]) if account else 0,
        pictures=len(material.pictures),
    )


def make(material: Material, key: SigningKey) -> bytes:
    """The bundle of this material."""
    return bundle.whole(material, verifier=STANDALONE.read_bytes(), key=key.verifier, sign=key.sign)


def pictures(material: Material) -> dict[str, bytes]:
    """For each event a picture of the pages before and after, where Chromium is installed and nothing is hidden."""
    found = {}
    for told in material.events[: 0 if material.hidden else MOST_PICTURES]:
        sides = [material.capture(name) for name in (told.event.before, told.event.after)]
        shown = [kept.response for kept in sides if kept is not None and kept.bytes_included and kept.response]
        if shown and (picture := render.picture(shown)):
            found[told.event.id] = picture
    return found


def check(results: Iterable[CheckResult]) -> None:
    """None if all of it holds; else ``EvidenceError``."""
    failed = [f"{result.check}: {result.detail}" for result in results if not result.ok]
    if failed:
        raise EvidenceError(
            f"the bundle does not verify, and was not written: {'; '.join(failed)}",
            hint="watcher verify says whether the store is damaged",
        )

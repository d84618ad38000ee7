"""``watcher export``: a bundle written, verified, and only then given its name."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import watcher
from watcher.core import bundle, wacz
from watcher.core.material import Material
from watcher.edge import render, trouble
from watcher.edge.apart import Apart
from watcher.edge.gather import Provenance, Selection, gather
from watcher.edge.ledger import Ledger
from watcher.edge.sign import SigningKey
from watcher.edge.verify import verify_bundle
from watcher.errors import EvidenceError, UsageError

SOFTWARE = f"watcher/{watcher.__version__}"
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


def export(
    ledger: Ledger,
    selection: Selection,
    out: Path,
    *,
    key: SigningKey,
    operator: str,
    vantage: str,
    tsa_roots: bytes = b"",
    hidden: Sequence[str] = (),
    draw: bool = True,
) -> Exported:
    """The bundle of what is selected, in the file ``out``; nothing is written unless all of it verifies."""
    refuse_folder(out)
    about = Provenance(operator=operator, vantage=vantage, software=SOFTWARE, tsa_roots=tsa_roots, hidden=tuple(hidden))
    material = gather(ledger, selection, key, about)
    with Apart("reread") as apart:  # starts up while pictures are drawn
        if draw:
            material = replace(material, pictures=pictures(material))
        data = make(material, key)
        _check(data, key, tsa_roots if any(head.tokens for head in material.heads) else b"", apart)
    return written(out, data, material, len(material.pictures))


def refuse_folder(out: Path) -> None:
    """``UsageError`` if that is no place for a file."""
    if out.is_dir():
        raise UsageError(f"{out} is a folder", hint="name a file: -o NAME.wacz")


def written(out: Path, data: bytes, material: Material, drawn: int) -> Exported:
    """What was exported, once it stands durably in ``out``."""
    _write(out, data)
    files = wacz.unpack(data)
    hidden_account = files.get(bundle.REDACTIONS)
    return Exported(
        path=out,
        size=len(data),
        package=sha256(files[wacz.PACKAGE]).digest(),
        captures=tuple(kept.capture.id for kept in material.kept),
        events=tuple(told.event.id for told in material.events),
        redactions=sha256(hidden_account).digest() if hidden_account else b"",
        places_hidden=_hidden_places(hidden_account) if hidden_account else 0,
        pictures=drawn,
    )


def _hidden_places(account: bytes) -> int:
    return sum(one["places"] for one in json.loads(account)["redactions"])


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


def _check(data: bytes, key: SigningKey, roots: bytes, apart: Apart) -> None:
    results = verify_bundle(data, key=key.vkey, roots=roots or None, read_again=apart.reread)
    failed = [result for result in results if not result.ok]
    if failed:
        raise EvidenceError(
            "the bundle does not verify, and was not written: "
            + "; ".join(f"{result.check}: {result.detail}" for result in failed),
            hint="watcher verify says whether the store is damaged",
        )


def _write(out: Path, data: bytes) -> None:
    """All of it durably in a file beside ``out``, then under its name."""
    with trouble.told(out), ExitStack() as otherwise:
        handle, name = tempfile.mkstemp(prefix=f".{out.name}.", suffix=".part", dir=out.parent)
        otherwise.callback(_drop, name)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644 & ~_umask())
        os.replace(name, out)
        folder = os.open(out.parent, os.O_RDONLY | os.O_DIRECTORY)
        otherwise.callback(os.close, folder)
        os.fsync(folder)


def _drop(name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask

"""Pauses, kept in the store's folder ``paused``: a signed statement a file, named after who said it.

``watcher pause`` writes there whoever owns the store; what others of a fleet say is written there, too. The process
that watches looks there each second, and heeds what it finds (``edge.pauses``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from watcher.core import pausing
from watcher.core.pausing import Paused, Statement
from watcher.core.status import unseen
from watcher.edge import durable, trouble
from watcher.errors import EvidenceError, UsageError
from watcher.records import TargetStatus

if TYPE_CHECKING:
    from watcher.edge.sign import SigningKey  # a tenth of a second to import, and who reads the store needs none of it

FOLDER = "paused"


def path_of(store: Path, by: str) -> Path:
    """Where the statement of this operator lies."""
    return store / FOLDER / quote(by, safe="")


def said(store: Path, by: str) -> bytes:
    """The statement, signed; empty if there is none."""
    path = path_of(store, by)
    with trouble.told(path):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return b""


def keep(store: Path, data: bytes) -> None:
    """The statement in its place, durably, instead of the one before."""
    durable.put(path_of(store, pausing.read(data).by), data)


def change(store: Path, key: SigningKey, sites: Mapping[str, datetime | None], now: datetime) -> Statement:
    """The statement that was kept: these sites are paused until then, or (None) are no more. ``UsageError`` if they
    are too many."""
    before = said(store, key.origin)
    try:
        statement = pausing.after(pausing.read(before) if before else None, key.origin, sites, now)
    except ValueError as error:
        raise UsageError(str(error), hint="take what is to be left alone for long out of watcher.toml") from None
    keep(store, pausing.say(statement, key.sign))
    return statement


def files(store: Path) -> dict[str, Path]:
    """The statements that are there, by who said them."""
    with trouble.told(store):
        try:
            names = os.listdir(store / FOLDER)
        except (FileNotFoundError, NotADirectoryError):
            return {}
    return {unquote(name): store / FOLDER / name for name in names if not name.startswith(".")}


def paused(store: Path, now: datetime) -> dict[str, Paused]:
    """The sites that are paused now, by what lies in the folder: who watches keeps nothing there that it does not
    heed."""
    statements = []
    for by in files(store):
        with suppress(EvidenceError):  # who watches tells of it, and takes it away
            statements.append(pausing.read(said(store, by)))
    return pausing.paused(statements, now)


def with_pauses(store: Path, targets: tuple[TargetStatus, ...], now: datetime) -> tuple[TargetStatus, ...]:
    """The targets, with who paused them, and until when; paused sites that were never visited, too."""
    found = paused(store, now)
    if not found:
        return targets
    known = {target.site for target in targets}
    return tuple(
        replace(target, paused_until=found[target.site].until, paused_by=found[target.site].by)
        if target.site in found
        else target
        for target in (*targets, *(unseen(site) for site in sorted(found) if site not in known))
    )

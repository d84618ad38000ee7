"""Acts on evidence that happen outside a visit: exports, another key, another version. Each becomes a leaf.

A store has one owner. Whoever acts while another process owns it (``export`` beside ``run``) leaves the record in the
folder ``acts``, durably; the owner takes it into the log.
"""

from __future__ import annotations

import platform
import sqlite3
from datetime import datetime
from functools import partial
from hashlib import sha256
from importlib import metadata
from pathlib import Path

import msgspec
import structlog

import watcher
from watcher.core import custody
from watcher.edge import durable, trouble
from watcher.edge.sign import SigningKey
from watcher.edge.store import LedgerStore
from watcher.edge.writer import Desk
from watcher.errors import EvidenceError, StoreBusy

FOLDER = "acts"
LIBRARIES = (
    "aiohttp", "aiohttp-socks", "python-socks", "brotli", "backports.zstd", "cryptography", "rfc3161-client", "rfc8785",
    "selectolax", "jmespath", "sqlite-utils",
)  # fmt: skip
"""What bytes pass through on their way into the log, and out of it."""


def versions() -> dict[str, str]:
    """The program and the libraries that evidence passes through, with their versions."""
    found = {"watcher": watcher.__version__, "python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # a newer Python brings it along
            found[name] = "built in"
    return found


async def opening(store: LedgerStore, key: SigningKey, *, config: bytes, vantage: str, now: datetime) -> None:
    """Log what changed since the store was last owned: key, versions, configuration; take in what others left."""
    about = custody.version_record(versions(), config=sha256(config).digest(), at=now, vantage=vantage)

    def work(desk: Desk) -> None:
        last_key = str(_last(desk, "key").get("new", ""))
        if last_key != key.vkey:
            desk.ledger.log.act(custody.key_record(old=last_key, new=key.vkey, at=now, vantage=vantage))
        last = _last(desk, "version")
        if (last.get("versions"), last.get("config")) != (about["versions"], about["config"]):
            desk.ledger.log.act(about)
        if last.get("versions") != about["versions"]:
            desk.recorder.repeats.forget_kept()  # another version may read the same pages otherwise

    await store.do(work)
    await take_in(store)


def _last(desk: Desk, act: str) -> custody.Record:
    """The last act of a kind; empty if there was none."""
    records = [record for _, record in desk.ledger.acts(act)]
    return records[-1] if records else {}


async def take_in(store: LedgerStore) -> int:
    """How many acts that other processes left behind are in the log now."""
    folder = store.folder / FOLDER
    count = 0
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        with trouble.told(path):
            data = path.read_bytes()
        try:
            record: custody.Record = msgspec.json.decode(data, type=dict)
            custody.canonical(record)
        except (ValueError, EvidenceError) as error:
            aside = path.with_suffix(".broken")
            with trouble.told(path):
                path.rename(aside)
            structlog.get_logger("watcher").error("no record of an act", file=str(aside), error=str(error))
            continue
        count += await once(store, record)
        with trouble.told(path):
            path.unlink()
            durable.sync_folder(folder)
    return count


async def once(store: LedgerStore, record: custody.Record) -> bool:
    """Whether the act was logged now; else the very record was in the log already."""
    if await store.do(partial(_logged, record=record)):
        return False
    await store.act(record)
    return True


def _logged(desk: Desk, record: custody.Record) -> bool:
    """Whether the very record is in the log: then a crash came between logging it and removing the file."""
    form = custody.canonical(record)
    return desk.ledger.connection.execute("SELECT 1 FROM act WHERE record = ?", (form,)).fetchone() is not None


async def log(folder: Path, record: custody.Record, key: SigningKey, *, vantage: str) -> bool:
    """Whether the act is in the log, under a new checkpoint; else it was left for the store's owner to take in."""
    try:
        store = LedgerStore.open(folder, vantage=vantage)
    except StoreBusy:
        leave(folder, record)
        return False
    async with store:
        await take_in(store)
        await store.act(record)
        size, root = await store.head()
        await store.checkpoint(size, str(key.checkpoint(size, root)))
    return True


def leave(folder: Path, record: custody.Record) -> Path:
    """The file, durable, in which the record waits for the store's owner."""
    form = custody.canonical(record)
    path = folder / FOLDER / f"{sha256(form).hexdigest()}.json"
    durable.put(path, form)
    return path

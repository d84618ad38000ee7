"""A copy of a ledger, made of what its owner ships, without an engine between."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from watcher.core.shipping import TABLES, Inbox, open_sealed
from watcher.edge import parcels
from watcher.edge.ledger import Ledger
from watcher.edge.sign import SigningKey, check_signature
from watcher.edge.store import LedgerStore

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KEY = SigningKey(origin="a", secret=Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


async def messages_of(store: LedgerStore, key: SigningKey = KEY) -> list[tuple[int, bytes]]:
    """All that the store has to ship, made into messages; none of it has arrived."""
    while await store.do(partial(parcels.make_parcel, vantage="a", sign=key.sign, at=NOW)):
        pass
    return await store.do(partial(parcels.waiting, most=10_000))


async def receive(copy: LedgerStore, messages: list[tuple[int, bytes]], key: SigningKey = KEY) -> None:
    """Take the messages in, as an index does."""
    inbox = Inbox(await copy.do(parcels.last_received))
    for _, data in messages:
        parcel = inbox.take(open_sealed(data, "a", key.verifier.public, check_signature))
        if parcel is not None:
            await copy.do(partial(parcels.take_in, parcel=parcel, last=inbox.last))


async def ship(store: LedgerStore, copy: LedgerStore) -> None:
    """Everything the store has to ship arrives."""
    messages = await messages_of(store)
    await receive(copy, messages)
    if messages:
        await store.do(partial(parcels.arrived, seq=messages[-1][0]))


def rows_of(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables that are shipped."""
    with Ledger.open(folder) as ledger:
        return {table: sorted(ledger.connection.execute(f"SELECT * FROM {table}"), key=repr) for table in TABLES}

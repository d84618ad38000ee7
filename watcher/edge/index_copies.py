"""The copies that an index keeps: of each vantage's ledger an exact one, made of what the vantage ships.

A copy is an ordinary store: leaf for leaf the vantage's own custody log, with the checkpoints that the vantage signed.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from urllib.parse import quote, unquote

from watcher.core import note
from watcher.core.shipping import Inbox, Message, open_sealed
from watcher.edge import parcels
from watcher.edge.ledger import Ledger
from watcher.edge.schema import LEDGER
from watcher.edge.sign import check_signature
from watcher.edge.store import LedgerStore
from watcher.errors import EvidenceError, StoreDamaged, StoreError

FOLDER = "vantages"


def folder_of(store: Path, vantage: str) -> Path:
    """Where an index keeps the copy of a vantage's ledger."""
    return store / FOLDER / quote(vantage, safe="")


def copies(store: Path) -> dict[str, Path]:
    """Vantage to the copy of its ledger; none in the store of a lone watcher."""
    folder = store / FOLDER
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return {unquote(path.name): path for path in found if (path / LEDGER).is_file()}


class Copy:
    """The copy of one vantage's ledger."""

    def __init__(self, key: note.VerifierKey, store: LedgerStore, last: int) -> None:
        self.vantage, self.key = key.name, key
        self._store, self._inbox = store, Inbox(last)
        self.ledger = Ledger.open(store.folder)
        """For reading."""

    @classmethod
    async def open(cls, folder: Path, key: note.VerifierKey) -> Copy:
        """The copy in the index's store, made if there is none."""
        store = LedgerStore.open(folder_of(folder, key.name), vantage=key.name)
        return cls(key, store, await store.do(parcels.last_received))

    async def close(self) -> None:
        self.ledger.close()
        await self._store.close()

    def opened(self, data: bytes) -> Message:
        """The message. ``EvidenceError`` if this vantage did not sign it."""
        return open_sealed(data, self.vantage, self.key.public, check_signature)

    @property
    def last(self) -> int:
        """The last message of the last parcel that was taken in."""
        return self._inbox.last

    async def receive(self, message: Message) -> bool | None:
        """Whether the copy now equals the vantage's ledger as it stood when that was shipped; None if the message
        completed no parcel, or was known. ``MissingMessagesError`` if something was passed over; ``EvidenceError`` if
        what came fits nowhere."""
        before = self._inbox.last
        parcel = self._inbox.take(message)
        if parcel is None:
            return None
        try:
            await self._store.do(partial(parcels.take_in, parcel=parcel, last=self._inbox.last))
        except (EvidenceError, StoreError):
            self._inbox = Inbox(before)  # nothing of it was written
            raise
        if parcel.whole:
            try:
                self._check()
            except (StoreDamaged, ValueError) as error:
                raise EvidenceError(f"vantage {self.vantage} shipped a log that is none: {error}") from error
        return parcel.whole

    def _check(self) -> None:
        """``EvidenceError`` if the vantage's last checkpoint is not of the log that it shipped."""
        self.ledger.log.forget()
        last = self.ledger.checkpoint()
        if last is None:
            return
        signed = note.parse(last.note.encode())
        head = note.parse_checkpoint(signed)
        note.verify(signed, self.key, check_signature)
        if head.size > self.ledger.log.size or self.ledger.log.root(head.size) != head.root:
            raise EvidenceError(f"vantage {self.vantage}: its checkpoint over {head.size} leaves is of another log")

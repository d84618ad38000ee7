"""Witnesses: others who cosign the log's checkpoints once they have seen that it only grew (c2sp.org/tlog-witness).

A second kind of independence beside time-stamps, and an optional one: what a witness signed cannot be taken back, nor
shown to others in another form, without its noticing.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from watcher.core import merkle, note
from watcher.edge import post
from watcher.edge.sign import SigningKey, check_signature
from watcher.edge.store import LedgerStore
from watcher.edge.writer import Desk
from watcher.errors import EvidenceError

MOST_PROOF_LINES = 63
PATH = "add-checkpoint"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """Who is asked, and the key that its answer must bear."""

    url: str
    key: note.VerifierKey


class Witnesses:
    """Has a store's newest checkpoint cosigned."""

    def __init__(
        self, store: LedgerStore, witnesses: Sequence[Witness], key: SigningKey, proxies: Sequence[str]
    ) -> None:
        self._store, self._witnesses, self._key, self._proxies = store, tuple(witnesses), key, tuple(proxies)
        self._log = structlog.get_logger("watcher")

    async def flush(self) -> int:
        """How many cosignatures the newest checkpoint got now; none is asked for that is there already."""
        return sum(await asyncio.gather(*(self._try(witness) for witness in self._witnesses)))

    async def _try(self, witness: Witness) -> bool:
        try:
            return await self._ask(witness)
        except (post.NotAnswered, EvidenceError) as error:
            self._log.warning("no cosignature", witness=witness.key.name, error=str(error))
            return False

    async def _ask(self, witness: Witness) -> bool:
        """Whether the witness cosigned; ``EvidenceError`` if what it answers does not hold."""
        known = await self._store.do(partial(_last_cosigned, witness=witness))
        for again in (False, True):  # once more if it remembers another head than we do
            asked = await self._store.do(partial(_question, key=self._key, known=known))
            if asked is None or (asked.size == known and not again):
                return False
            answer = await post.post(
                witness.url.rstrip("/") + f"/{PATH}", asked.body, TEXT, proxies=self._proxies, token="witness"
            )
            if answer.status == 200:
                await self._keep(witness, asked, answer.body)
                return True
            if answer.status != 409:
                raise post.NotAnswered(f"HTTP status {answer.status}")
            known = _size(answer.body)
            if known > asked.size:
                raise EvidenceError(
                    f"the witness cosigned {known} leaves of this log, and the last head here is over {asked.size}: "
                    "the store was rolled back, or another uses its key"
                )
        raise EvidenceError("the witness remembers another log under this name: it was forked, or written anew")

    async def _keep(self, witness: Witness, asked: _Question, body: bytes) -> None:
        try:
            lines = note.parse_signatures(body.decode())
        except UnicodeDecodeError as error:
            raise EvidenceError("the witness's answer is no text") from error
        signed = note.with_signatures(note.parse(asked.note), lines)
        note.verify_cosignature(signed, witness.key, check_signature)
        mine = signed.by(witness.key)

        def add(desk: Desk) -> None:
            found = desk.ledger.checkpoint(asked.size)
            if found is not None:  # another witness may have signed meanwhile
                whole = note.with_signatures(note.parse(found.note.encode()), mine)
                desk.ledger.connection.execute(
                    "UPDATE checkpoint SET note = ? WHERE size = ?", (str(whole), asked.size)
                )

        await self._store.do(add)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    size: int
    note: bytes
    body: bytes


def _question(desk: Desk, *, key: SigningKey, known: int) -> _Question | None:
    """What a witness that knows so many leaves is asked: to cosign the newest checkpoint."""
    head = desk.ledger.checkpoint()
    if head is None:
        return None
    signed = note.parse(head.note.encode())
    plain = note.Note(text=signed.text, signatures=signed.by(key.verifier)).encode()
    proof = merkle.consistency_proof(known, head.size, desk.ledger.log.node_at)
    lines = "".join(f"{base64.b64encode(value).decode()}\n" for value in proof[:MOST_PROOF_LINES])
    return _Question(size=head.size, note=plain, body=f"old {known}\n{lines}\n".encode() + plain)


def _last_cosigned(desk: Desk, *, witness: Witness) -> int:
    """The largest head here that the witness cosigned; 0 if there is none."""
    rows = desk.ledger.connection.execute(
        "SELECT size, note FROM checkpoint WHERE instr(note, ?) ORDER BY size DESC LIMIT 3",
        (f"{note.MARK}{witness.key.name} ",),
    )
    for size, text in rows.fetchall():
        if note.parse(text.encode()).by(witness.key):
            return int(size)
    return 0


def _size(body: bytes) -> int:
    text = body.decode("ascii", "replace").strip()
    if not text.isdigit() or len(text) > 18:
        raise post.NotAnswered("HTTP status 409 without a size")
    return int(text)

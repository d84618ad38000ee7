"""What a vantage ships of its ledger: rows as they stand, in signed messages that anyone may carry.

A store that joined a fleet marks each row that it writes. What is marked is packed into a **parcel**: each row as it
stands by then, so that what changed a thousand times while nobody listened is shipped once. A parcel is cut into
**messages** of a size that an engine carries, numbered from 1 without a gap. Whoever puts the rows of all parcels, in
order, into a ledger of the same form has that ledger again, custody log and all; said twice, nothing changes.

Each message is signed with the vantage's own key: no server, and no other vantage, can speak for it.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec

from watcher.core.note import Check, Sign, sealed, unsealed
from watcher.errors import EvidenceError

VALUES = frozenset({type(None), int, float, str, bytes})
"""What columns hold."""

TABLES: Mapping[str, tuple[str, ...]] = {
    "site": ("id",),
    "place": ("id",),
    "pack": ("id",),
    "body": ("id",),
    "content": ("id",),
    "capture": ("n",),
    "response": ("capture",),
    "brought": ("site", "started"),
    "reading": ("capture",),
    "snapshot": ("site", "started"),
    "state": ("site",),
    "sight": ("site",),
    "entry": ("site", "key"),
    "target": ("site", "target"),
    "mirror": ("site", "url"),
    "event": ("seq",),
    "act": ("leaf",),
    "node": ("place",),
    "leaf": ("n",),
    "checkpoint": ("size",),
    "stamp": ("size", "authority"),
}
"""The ledger's tables that are shipped, with their keys; what a row refers to stands in a table before its own. The
search index is made again from what is shipped; alerts are each store's own."""

FILE, DESCRIPTOR = "file", "descriptor"
"""Files that rows speak of go with them, as if these were tables: the digest (bytes), and what the file holds.
``file``: the frame of a large body; ``descriptor``: an onion's own."""
FILES = (FILE, DESCRIPTOR)

MESSAGE_BYTES = 512 << 10
"""Of one message; engines take a megabyte unless told otherwise."""
PARCEL_BYTES = 4 << 20
"""What a parcel is filled up to; a single row may be larger."""
MOST_BYTES = 256 << 20
"""No parcel unpacks to more."""
DOMAIN = b"watcher/parcel/v1\n"
"""Stands before what is signed, so that no signature of another kind passes for one of these."""


class Row(msgspec.Struct, frozen=True, kw_only=True, array_like=True, forbid_unknown_fields=True):
    """One row, all of its columns in the order of the ledger's table; or a row that is there no more."""

    table: str
    """One of ``TABLES`` or of ``FILES``."""
    gone: bool = False
    values: tuple[Any, ...]
    """Of a row that is gone: its key alone."""


class Parcel(msgspec.Struct, frozen=True, kw_only=True, array_like=True, forbid_unknown_fields=True):
    """Rows that belong together."""

    form: int
    """The version of the ledger's tables (``edge.schema.VERSION``) that the rows are of."""
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    """When it was packed."""
    whole: bool
    """With it the rows shipped are all of the ledger, as it stood then; else more of the same follow."""
    anew: bool = False
    """Everything is shipped from the beginning: what was received before is forgotten."""
    rows: tuple[Row, ...]


class Message(msgspec.Struct, frozen=True, kw_only=True, array_like=True, forbid_unknown_fields=True):
    """One part of a parcel, under way."""

    vantage: str
    seq: int
    """Of this message among the vantage's, from 1."""
    part: int
    """From 0."""
    parts: int
    anew: bool
    """Nothing before it is needed."""
    chunk: bytes


# ------------------------------------------------------------------------------------------------ names on the way


STREAM, ALL_LOGS = "LOG", "watcher.*.log"
"""The stream that keeps the messages of all vantages, and its subjects."""


def subject(vantage: str) -> str:
    """The subject that the vantage's messages are published to."""
    return f"watcher.{vantage}.log"


def message_id(vantage: str, seq: int) -> str:
    """``Nats-Msg-Id``: by it the engine drops what is published twice."""
    return f"{vantage}:{seq}"


# -------------------------------------------------------------------------------------------------- pack, unpack

_encode = msgspec.msgpack.Encoder().encode
_decode_parcel = msgspec.msgpack.Decoder(Parcel).decode
_decode_message = msgspec.msgpack.Decoder(Message).decode


def pack(parcel: Parcel) -> tuple[bytes, ...]:
    """The parcel in chunks, one a message."""
    data = zlib.compress(_encode(parcel), 1)
    return tuple(data[start : start + MESSAGE_BYTES] for start in range(0, len(data), MESSAGE_BYTES))


def unpack(chunks: Sequence[bytes]) -> Parcel:
    """The parcel that was cut into these; ``EvidenceError`` if they are none."""
    expand = zlib.decompressobj()
    try:
        data = expand.decompress(b"".join(chunks), MOST_BYTES)
        if not expand.eof or expand.unused_data:
            raise EvidenceError("parcel: cut, too large, or followed by something else")
        parcel = _decode_parcel(data)
    except (zlib.error, ValueError) as error:
        raise EvidenceError(f"parcel: {error}") from error
    for row in parcel.rows:
        if row.table not in TABLES and (row.table not in FILES or row.gone):
            raise EvidenceError(f"parcel: rows of a table that is not shipped: {row.table!r}")
        if not {type(value) for value in row.values} <= VALUES:
            raise EvidenceError("parcel: a row with a value that no column holds")
    return parcel


def seal(message: Message, sign: Sign) -> bytes:
    """What is published: the message, and the vantage's signature over it."""
    return sealed(DOMAIN, _encode(message), sign)


def open_sealed(data: bytes, vantage: str, public: bytes, check: Check) -> Message:
    """The message of this vantage, whose key (32 bytes) signed it; ``EvidenceError`` if it is not."""
    body = unsealed(DOMAIN, data, public, check)
    if body is None:
        raise EvidenceError(f"message: not signed by vantage {vantage}")
    try:
        message = _decode_message(body)
    except ValueError as error:  # no MessagePack, not of this form, or no UTF-8
        raise EvidenceError(f"message: {error}") from error
    if message.vantage != vantage:
        raise EvidenceError(f"message: vantage {vantage} signed for {message.vantage!r}")
    if not (message.seq >= 1 and 0 <= message.part < message.parts):
        raise EvidenceError("message: its numbers make no sense")
    return message


class MissingMessagesError(EvidenceError):
    """Messages of a vantage were passed over: they come later, or are lost."""


class Inbox:
    """Puts the messages of one vantage together again, whichever come twice."""

    def __init__(self, last: int = 0) -> None:
        self.last = last
        """The last message of the last parcel that was taken in."""
        self._parts: list[Message] = []

    def take(self, message: Message) -> Parcel | None:
        """The parcel that this message completes; None if it completes none, or is known. ``MissingMessagesError`` if
        something was passed over; ``EvidenceError`` if the parts do not fit."""
        expected = self._parts[-1].seq + 1 if self._parts else self.last + 1
        if message.seq < expected:
            return None
        if message.seq > expected and not (message.anew and message.part == 0):
            missing = f"{expected} to {message.seq - 1}"
            raise MissingMessagesError(f"messages {missing} of vantage {message.vantage} are missing")
        if message.part == 0:
            self._parts = []
        if message.part != len(self._parts) or (self._parts and self._parts[0].parts != message.parts):
            raise EvidenceError(f"message {message.seq} of vantage {message.vantage} continues no parcel")
        self._parts.append(message)
        if len(self._parts) < message.parts:
            return None
        chunks, self._parts = [part.chunk for part in self._parts], []
        parcel = unpack(chunks)
        self.last = message.seq
        return parcel


# Which columns a table has is for the ledger to say; what is done with a row is the same for all of them.


def upsert(table: str, columns: int) -> str:
    """The statement that puts a row of so many columns into its table, in the place of one with its key."""
    _known(table)
    return f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * columns)})"


def delete(table: str) -> str:
    """The statement that takes the row with a key out of its table."""
    return f"DELETE FROM {table} WHERE {' AND '.join(f'{column} = ?' for column in _known(table))}"


def _known(table: str) -> tuple[str, ...]:
    try:
        return TABLES[table]
    except KeyError:
        raise EvidenceError(f"no table that is shipped: {table!r}") from None

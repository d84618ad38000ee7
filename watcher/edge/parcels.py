"""The two ends of shipping at a ledger: what has changed becomes parcels, and parcels become a copy of the ledger.

Once a store has joined a fleet, triggers mark every row that it writes, in the transaction that writes it, and whether
or not anybody listens: a store that goes on alone for a while knows what the fleet has missed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
import structlog

from watcher.core.note import Sign
from watcher.core.shipping import (
    DESCRIPTOR,
    FILE,
    FILES,
    PARCEL_BYTES,
    TABLES,
    Message,
    Parcel,
    Row,
    delete,
    pack,
    seal,
    upsert,
)
from watcher.edge import trouble
from watcher.edge.gather import DESCRIPTORS
from watcher.edge.rows import blob
from watcher.edge.schema import VERSION
from watcher.edge.writer import Desk
from watcher.errors import EvidenceError, StoreDamaged

SENT, RECEIVED = "sent", "received"
KEPT = 64
"""Messages that are kept after they arrived."""
ROW_BYTES = 64
"""What a row costs beside its text and bytes, about."""
_DESCRIPTOR_ACT = b'"act":"descriptor"'


# ----------------------------------------------------------------------------------------------- the vantage's end


def join(desk: Desk) -> None:
    """From now on mark what is written; at first, everything."""
    db = desk.db
    for number, table in enumerate(TABLES):
        if db.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (f"ship_{table}_insert",)).fetchone() is None:
            for act, row in (("insert", "NEW"), ("update", "NEW"), ("delete", "OLD")):
                db.execute(  # "OR IGNORE" would give way to whatever the statement says that fires the trigger
                    f"CREATE TRIGGER ship_{table}_{act} AFTER {act} ON {table} BEGIN"
                    f" INSERT INTO unshipped VALUES ({number}, {_key(table, row)}) ON CONFLICT DO NOTHING; END"
                )
            _mark(db.conn, number, table)


def ship_anew(desk: Desk) -> None:
    """Forget what was shipped: everything is shipped again, and whoever receives it begins anew."""
    desk.db.execute("DELETE FROM parcel")
    desk.db.execute("DELETE FROM shipped WHERE way = ?", (SENT,))
    for number, table in enumerate(TABLES):
        _mark(desk.db.conn, number, table)


def _mark(connection: sqlite3.Connection, number: int, table: str) -> None:
    connection.execute(f"INSERT OR REPLACE INTO unshipped SELECT {number}, {_key(table, table)} FROM {table}")


def _key(table: str, row: str) -> str:
    columns = [f"{row}.{column}" for column in TABLES[table]]
    return columns[0] if len(columns) == 1 else f"json_array({', '.join(columns)})"


def make_parcel(desk: Desk, vantage: str, sign: Sign, at: datetime) -> int:
    """How many messages the next parcel of marked rows was made into; they wait in the ledger until they arrived."""
    connection = desk.db.conn
    rows, whole = _marked(desk)
    if not rows:
        return 0
    anew = connection.execute("SELECT 1 FROM shipped WHERE way = ?", (SENT,)).fetchone() is None
    connection.execute("INSERT OR IGNORE INTO shipped VALUES (?, 0)", (SENT,))
    chunks = pack(Parcel(form=VERSION, at=at, whole=whole, anew=anew, rows=tuple(rows)))
    for part, chunk in enumerate(chunks):
        seq = connection.execute("INSERT INTO parcel (data) VALUES (x'')").lastrowid
        assert seq is not None
        message = Message(vantage=vantage, seq=seq, part=part, parts=len(chunks), anew=anew, chunk=chunk)
        connection.execute("UPDATE parcel SET data = ? WHERE seq = ?", (seal(message, sign), seq))
    return len(chunks)


def _marked(desk: Desk) -> tuple[list[Row], bool]:
    """Marked rows for one parcel, their marks taken off, and whether these were all. What a row refers to comes before
    it, here and over all parcels."""
    connection = desk.db.conn
    found: list[Row] = []
    room = PARCEL_BYTES
    for number, table in enumerate(TABLES):
        taken = []
        for key, row in _rows(connection, number, table):
            shipped = [row, *_files(desk, row)]
            taken.append((number, key))
            found += shipped
            room -= sum(_weight(one) for one in shipped)
            if room <= 0:
                break
        connection.executemany("DELETE FROM unshipped WHERE tab = ? AND key = ?", taken)
        if room <= 0:
            break
    whole = connection.execute("SELECT 1 FROM unshipped LIMIT 1").fetchone() is None
    return found, whole


def _rows(connection: sqlite3.Connection, number: int, table: str) -> Iterator[tuple[int | str, Row]]:
    columns = TABLES[table]
    parts = ["u.key"] if len(columns) == 1 else [f"json_extract(u.key, '$[{n}]')" for n in range(len(columns))]
    same = " AND ".join(f"t.{column} = {part}" for column, part in zip(columns, parts, strict=True))
    cursor = connection.execute(
        f"SELECT u.key, {', '.join(parts)}, t.* FROM unshipped u LEFT JOIN {table} t ON {same}"
        " WHERE u.tab = ? ORDER BY u.key",
        (number,),
    )
    first = _columns(connection, table).index(columns[0])  # never NULL in a row that is there
    for mark, *rest in cursor:
        key, values = rest[: len(columns)], rest[len(columns) :]
        gone = values[first] is None
        yield mark, Row(table=table, values=tuple(key if gone else values), gone=gone)


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))]


def _files(desk: Desk, row: Row) -> Iterator[Row]:
    """The file that a row speaks of."""
    match row:
        case Row(table="body", gone=False, values=(_, _, bytes(digest), *_, None, None)):  # not erased, and no frame
            try:
                yield Row(table=FILE, values=(digest, desk.ledger.bodies.files.read(digest.hex())))
            except StoreDamaged as error:  # what is lost here must not keep the rest from being shipped
                structlog.get_logger("watcher").error("store damaged", error=str(error), mend=error.hint)
            return
        case Row(table="act", gone=False, values=(_, bytes(record))) if _DESCRIPTOR_ACT in record:
            named = str(msgspec.json.decode(record)["descriptor"])
            kind, path, digest = DESCRIPTOR, _descriptor(desk, named), bytes.fromhex(named)
        case _:
            return
    if path.is_file():
        with trouble.told(path):
            yield Row(table=kind, values=(digest, path.read_bytes()))
    else:
        structlog.get_logger("watcher").error("store damaged", error=f"{path} is gone", mend="restore it from a copy")


def _descriptor(desk: Desk, name: str) -> Path:
    return desk.ledger.folder / DESCRIPTORS / f"{name}.hsdesc"


def _weight(row: Row) -> int:
    return ROW_BYTES + sum(len(value) for value in row.values if isinstance(value, str | bytes))


def waiting(desk: Desk, most: int) -> list[tuple[int, bytes]]:
    """Messages that have not arrived, oldest first, with their numbers."""
    rows = desk.db.execute("SELECT seq, data FROM parcel WHERE seq > ? ORDER BY seq LIMIT ?", (last_sent(desk), most))
    return [(seq, blob(data)) for seq, data in rows]


def arrived(desk: Desk, seq: int) -> None:
    """All messages up to this one have arrived. The last few are kept: an engine may forget its last second."""
    desk.db.execute("DELETE FROM parcel WHERE seq <= ?", (seq - KEPT,))
    desk.db.execute("UPDATE shipped SET seq = max(seq, ?) WHERE way = ?", (seq, SENT))


def level(desk: Desk, last: int) -> bool:
    """Go on after the message that is the last in the stream. False if that cannot be: messages are lost that are kept
    no more, or the stream knows of some that this store, an old copy, does not. Then everything is shipped anew."""
    first, newest = desk.db.execute(
        "SELECT (SELECT min(seq) FROM parcel), ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'parcel'), 0)"
    ).fetchone()
    if last > newest:
        desk.db.execute("DELETE FROM sqlite_sequence WHERE name = 'parcel'")
        desk.db.execute("INSERT INTO sqlite_sequence VALUES ('parcel', ?)", (last,))
    sent = last_sent(desk)
    if last > newest or (last < sent and (first is None or first > last + 1)):
        ship_anew(desk)
        return False
    if last != sent:
        desk.db.execute("INSERT OR REPLACE INTO shipped VALUES (?, ?)", (SENT, last))
    return True


def last_sent(desk: Desk) -> int:
    """The last message that arrived; 0 before the first."""
    return _last(desk, SENT)


# ----------------------------------------------------------------------------------------------- the index's end


def last_received(desk: Desk) -> int:
    """The last message that this copy holds: what ``core.shipping.Inbox`` begins with."""
    return _last(desk, RECEIVED)


def _last(desk: Desk, way: str) -> int:
    row = desk.db.execute("SELECT seq FROM shipped WHERE way = ?", (way,)).fetchone()
    return int(row[0]) if row else 0


def take_in(desk: Desk, parcel: Parcel, last: int) -> None:
    """Put the parcel's rows, whose last message was this one, into the copy. ``EvidenceError`` if they do not fit.

    The desk belongs to a store that holds the copy of one vantage's ledger and nothing else."""
    if parcel.form != VERSION:
        raise EvidenceError(
            f"rows of form {parcel.form}, and this copy has form {VERSION}: vantage and index must be of one version"
        )
    connection = desk.db.conn
    if parcel.anew:
        for table in TABLES:
            connection.execute(f"DELETE FROM {table}")
    widths = {table: len(_columns(connection, table)) for table in {row.table for row in parcel.rows} - {*FILES}}
    try:
        for row in parcel.rows:
            if row.table in FILES:
                _keep_file(desk, row)
                continue
            if len(row.values) != (len(TABLES[row.table]) if row.gone else widths[row.table]):
                raise EvidenceError(f"parcel: a row of {row.table} with {len(row.values)} columns")
            sql = delete(row.table) if row.gone else upsert(row.table, len(row.values))
            connection.execute(sql, row.values)
    except (sqlite3.IntegrityError, OverflowError) as error:
        raise EvidenceError(f"parcel: a row that is none of the ledger's: {error}") from error
    connection.execute("INSERT OR REPLACE INTO shipped VALUES (?, ?)", (RECEIVED, last))
    desk.forget()


def _keep_file(desk: Desk, row: Row) -> None:
    match row.values:
        case (bytes(digest), bytes(data)) if len(digest) == 32:
            if row.table == FILE:
                desk.ledger.bodies.files.write(digest.hex(), data)
                return
            path = _descriptor(desk, digest.hex())
            with trouble.told(path):
                path.parent.mkdir(mode=0o700, exist_ok=True)
                path.write_bytes(data)
        case _:
            raise EvidenceError("parcel: a file that is none")
